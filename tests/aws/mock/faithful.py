"""What moto does not do as AWS documents it, done here: client tokens, dry runs, dependencies, unknown images, types and
keys, changes that take their time, agreements, and a console. README.md keeps the list."""

import base64
import hashlib
import json

from moto.core.utils import utcnow  # noqa: F401  (moto has to be whole before its backends are asked)
from moto.cloudtrail.models import cloudtrail_backends
from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import StateReason
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.moto_api._internal.models import moto_api_backend

from others import Others
from request import Request
from request import error

ACCOUNT = "123456789012"
TOKENS = {"RunInstances", "CreateRouteTable", "CreateFlowLogs", "CreateVolume"}
CONSOLE = """[   14.1] cloud-init[612]: Generating public/private ed25519 key pair.
<14>cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----
<14>cloud-init: 256 %s root@host (ED25519)
<14>cloud-init: -----END SSH HOST KEY FINGERPRINTS-----
"""


class Faithful(Others):
    """Sits in front of moto."""

    def __init__(self, app):
        self.app = app
        self.reset()

    def reset(self):
        moto_api_backend.reset()
        s3_backends[ACCOUNT]["aws"].create_bucket("clinic-flow-logs", "us-east-1")
        self.tokens = {}
        self.addresses = 0
        self.growing = {}
        self.settings = {
            "fingerprint": "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "address": None,
            "denied": [],
            "allowed": None,
            "default_vpc": True,
            "no_capacity": [],
            "ends": False,
            "quota": None,
            "agreements": [],
            "snapshots": "block-all-sharing",
            "clock": False,
            "console": True,
            "regions": ["eu-west-1", "us-east-1"],
        }

    def __call__(self, environ, start_response):
        request = Request(environ)
        refused = self.refuse(request)
        if refused:
            return error(request, start_response, *refused)
        own = self.own_answer(request)
        if own is not None:
            kind, body = own
            start_response("200 OK", [("Content-Type", kind)])
            return [body.encode()]
        if request.action in TOKENS and request.get("ClientToken"):
            return self.once(request, environ, start_response)
        return self.after(request, self.app(environ, start_response))

    def backend(self, request):
        return ec2_backends[ACCOUNT][request.region]

    def refuse(self, request):
        """Why AWS would not do this: permissions first, then the rehearsal, then what stands in the way."""
        if self.settings["clock"]:
            return 403, "RequestExpired", "Request has expired."
        far = self.out_of_reach(request)
        if far:
            return far
        name = f"{request.service}:{request.action}"
        allowed = self.settings["allowed"]
        outside = allowed is not None and request.service in ("ec2", "kms", "sts") and name not in allowed
        if outside or name in self.settings["denied"] or request.path in self.settings["denied"]:
            code = "UnauthorizedOperation" if request.service == "ec2" else "AccessDeniedException"
            return 403, code, "You are not authorized to perform this operation."
        if request.service != "ec2":
            return None
        wrong = self.unknown(request)
        if wrong:
            return wrong
        if request.get("DryRun") == "true":
            return 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."
        if self.settings["quota"] == request.action:
            return 400, "VpcLimitExceeded", "The maximum number has been reached."
        return self.protected(request) or self.in_use(request) or self.cannot(request)

    def unknown(self, request):
        if request.action != "RunInstances":
            return None
        backend = self.backend(request)
        image, kind, key = request.get("ImageId"), request.get("InstanceType"), request.get("KeyName")
        if image not in backend.amis:
            return 400, "InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist"
        if kind not in INSTANCE_TYPES:
            return 400, "InvalidParameterValue", f"Invalid value '{kind}' for InstanceType."
        if key and key not in backend.key_pairs:
            return 400, "InvalidKeyPair.NotFound", f"The key pair '{key}' does not exist"
        if not request.get("SubnetId") and not self.settings["default_vpc"]:
            return 400, "VPCIdNotSpecified", "No default VPC for this user. GroupName is only supported for EC2-Classic."
        return None

    def cannot(self, request):
        """What a machine cannot become, and a disk that changes already."""
        backend = self.backend(request)
        kind = request.get("InstanceType.Value")
        if request.action == "ModifyInstanceAttribute" and kind:
            machine = backend.get_instance(request.get("InstanceId"))
            if machine.state != "stopped":
                return 400, "IncorrectInstanceState", f"The instance '{machine.id}' is not in the 'stopped' state."
            if kind not in INSTANCE_TYPES:
                return 400, "InvalidInstanceAttributeValue", f"The instanceType '{kind}' is not valid."
            if machine.architecture not in INSTANCE_TYPES[kind]["ProcessorInfo"]["SupportedArchitectures"]:
                return 400, "InvalidParameterValue", f"The architecture of '{kind}' does not match that of the AMI."
        if request.action == "StartInstances":
            kind = backend.get_instance(request.get("InstanceId.1")).instance_type
        if request.action == "RunInstances":
            kind = request.get("InstanceType")
        if request.action in ("StartInstances", "RunInstances") and kind in self.settings["no_capacity"]:
            return 500, "InsufficientInstanceCapacity", f"We currently do not have sufficient {kind} capacity."
        if request.action == "ModifyVolume" and request.get("VolumeId") in self.growing:
            return 400, "IncorrectModificationState", f"{request.get('VolumeId')} is currently being modified."
        return None

    def in_use(self, request):
        backend = self.backend(request)
        machines = [machine for machine in backend.all_instances() if machine.state != "terminated"]
        if request.action == "DeleteSecurityGroup":
            group = request.get("GroupId")
            if any(group in [own.id for own in machine.security_groups] for machine in machines):
                return 400, "DependencyViolation", f"resource {group} has a dependent object"
        if request.action == "DeleteSubnet":
            subnet = request.get("SubnetId")
            if any(machine.subnet_id == subnet for machine in machines):
                return 400, "DependencyViolation", f"The subnet '{subnet}' has dependencies and cannot be deleted."
        if request.action == "ReleaseAddress":
            for address in backend.addresses:
                if address.allocation_id == request.get("AllocationId") and address.association_id:
                    return 400, "InvalidIPAddress.InUse", f"Address {address.public_ip} is in use."
        if request.action == "DeleteVpc":
            vpc = request.get("VpcId")
            groups = [group for group in backend.groups[vpc].values() if group.name != "default"]
            if groups or any(subnet.vpc_id == vpc for zone in backend.subnets.values() for subnet in zone.values()):
                return 400, "DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted."
        return None

    def own_answer(self, request):
        """Answers of services and calls that moto does not have."""
        xml = "text/xml"
        if request.path == "/v1/customer-agreement/list":
            return "application/json", json.dumps({"customerAgreements": self.settings["agreements"]})
        if request.action == "DescribeVolumesModifications":
            return xml, self.modification(request)
        if request.action == "GetConsoleOutput":
            shows = self.settings["console"]
            # "kept": the console has scrolled on, and only what AWS kept of the start shows the key.
            hidden = not shows or (shows == "kept" and request.get("Latest") == "true")
            shown = "booting\n" if hidden else CONSOLE % self.settings["fingerprint"]
            output = base64.b64encode(shown.encode()).decode()
            machine = request.get("InstanceId")
            return xml, (f"<GetConsoleOutputResponse><instanceId>{machine}</instanceId><output>{output}</output>"
                         "</GetConsoleOutputResponse>")
        if request.action == "DescribeRegions":
            names = "".join(f"<item><regionName>{name}</regionName></item>" for name in self.settings["regions"])
            return xml, f"<DescribeRegionsResponse><regionInfo>{names}</regionInfo></DescribeRegionsResponse>"
        if request.action == "GetSnapshotBlockPublicAccessState":
            state = self.settings["snapshots"]
            return xml, f"<GetSnapshotBlockPublicAccessStateResponse><state>{state}</state></GetSnapshotBlockPublicAccessStateResponse>"
        return None

    def modification(self, request):
        """The last change of a disk. For one look it goes on, and the disk has its old size."""
        disk = request.get("VolumeId.1")
        volume = self.backend(request).get_volume(disk)
        if not volume.modifications:
            return "<DescribeVolumesModificationsResponse><volumeModificationSet/></DescribeVolumesModificationsResponse>"
        state, target = "optimizing", volume.modifications[-1].target_size
        if disk in self.growing and self.growing[disk] > 0:
            state, self.growing[disk] = "modifying", self.growing[disk] - 1
        elif self.growing.pop(disk, None) is not None:
            volume.size = target
        return ("<DescribeVolumesModificationsResponse><volumeModificationSet><item>"
                f"<volumeId>{disk}</volumeId><modificationState>{state}</modificationState><targetSize>{target}</targetSize>"
                "</item></volumeModificationSet></DescribeVolumesModificationsResponse>")

    def once(self, request, environ, start_response):
        """A token that was used brings the first answer again; for a machine that is gone, it is refused."""
        key = (request.action, request.region, request.get("ClientToken"))
        digest = hashlib.sha256(request.body).hexdigest()
        if key in self.tokens:
            first, status, headers, body = self.tokens[key]
            if request.action == "RunInstances":
                machine = body.split(b"<instanceId>")[1].split(b"<")[0].decode()
                alive = [each.id for each in self.backend(request).all_instances() if each.state != "terminated"]
                if machine not in alive:
                    return error(request, start_response, 400, "IdempotentInstanceTerminated", "The machine is gone.")
            if first != digest:
                return error(request, start_response, 400, "IdempotentParameterMismatch", "Other parameters.")
            start_response(status, headers)
            return [body]
        answered = []
        body = b"".join(self.app(environ, lambda status, headers, *_: answered.append((status, headers))))
        status, headers = answered[0]
        if status.startswith("200"):
            self.tokens[key] = (digest, status, headers, body)
            if request.action == "RunInstances":
                self.tag_interfaces(request, body)
            if request.action == "RunInstances" and self.settings["ends"]:
                self.end(request, body.split(b"<instanceId>")[1].split(b"<")[0].decode())
        start_response(status, headers)
        return [body]

    def end(self, request, machine):
        """A machine that EC2 ends seconds after it said that it made it, as it does where it may not use the disk's key."""
        self.backend(request).terminate_instances([machine])
        reason = StateReason("Client.InternalError: Client error on launch", "Client.InternalError")
        self.backend(request).get_instance(machine).state_reason = reason
        self.forget_interfaces(self.backend(request))

    def tag_interfaces(self, request, body):
        """Gives the interfaces of a new machine the tags that were asked for; moto forgets those."""
        number = 1
        while kind := request.get(f"TagSpecification.{number}.ResourceType"):
            tags, at = {}, f"TagSpecification.{number}.Tag."
            while name := request.get(f"{at}{len(tags) + 1}.Key"):
                tags[name] = request.get(f"{at}{len(tags) + 1}.Value")
            if kind == "network-interface":
                backend = self.backend(request)
                machine = backend.get_instance(body.split(b"<instanceId>")[1].split(b"<")[0].decode())
                backend.create_tags([interface.id for interface in machine.nics.values()], tags)
            number += 1

    def forget_interfaces(self, backend):
        """The interfaces of machines that have ended go with them."""
        for interface in list(backend.enis.values()):
            if interface.instance and interface.instance.state == "terminated":
                backend.enis.pop(interface.id)
                backend.tags.pop(interface.id, None)

    def after(self, request, answer):
        """A disk grows a while after it was asked to, interfaces end with their machine, and addresses are ones that nobody
        else has: moto's are other people's."""
        if request.action == "TerminateInstances":
            body = b"".join(answer)
            self.forget_interfaces(self.backend(request))
            return [body]
        if request.action == "ModifyVolume":
            body = b"".join(answer)
            volume = self.backend(request).get_volume(request.get("VolumeId"))
            volume.size, self.growing[volume.id] = volume.modifications[-1].original_size, 1
            return [body]
        if request.action != "AllocateAddress":
            return answer
        body = b"".join(answer)
        for address in self.backend(request).addresses:
            if address.public_ip.startswith("127.") and address.public_ip in body.decode():
                self.addresses += 1
                ours = self.settings["address"] or f"127.77.{self.addresses // 250}.{self.addresses % 250 + 1}"
                body = body.replace(address.public_ip.encode(), ours.encode())
                address.public_ip = ours
        return [body]

    def do(self, body):
        """What somebody else does in the account."""
        backend = ec2_backends[ACCOUNT][body["region"]]
        return getattr(self, "do_" + body["what"])(backend, **body.get("with", {}))

    def do_ready(self, backend):
        """An account that was set up for patients: disks encrypted by default, and a trail of every region that records."""
        backend.enable_ebs_encryption_by_default()
        trails = cloudtrail_backends[ACCOUNT][backend.region_name]
        trails.create_trail("clinic", "clinic-flow-logs", None, None, True, True, True, False, None, None, None, [])
        trails.start_logging("clinic")

    def do_spoil(self, backend):
        """Opens SSH to everybody, stops the machine, and lets its metadata service answer without a token."""
        self.do_open(backend)
        for machine in backend.all_instances():
            machine.stop()
            machine.metadata_options.http_tokens = "optional"

    def do_open(self, backend):
        """Opens SSH to everybody."""
        group = next(g for vpc in backend.groups.values() for g in vpc.values() if g.name.startswith("anteroom-"))
        backend.authorize_security_group_ingress(group.id, "tcp", "22", "22", ip_ranges=[{"CidrIp": "0.0.0.0/0"}])

    def do_mark(self, backend, environment, expires):
        """Dates everything of the deployment."""
        for tags in backend.tags.values():
            if "anteroom:deployment" in tags:
                tags["anteroom:environment"], tags["anteroom:expires"] = environment, expires
        self.do_mark_keys(backend, environment, expires)

    def do_marks(self, backend):
        """What everything of the deployment says of itself, with the keys of the region, by id."""
        names = ("anteroom:environment", "anteroom:expires")
        marks = {}
        for thing, tags in backend.tags.items():
            if "anteroom:deployment" in tags:
                marks[thing] = {name: tags[name] for name in names if name in tags}
        keys = kms_backends[ACCOUNT][backend.region_name]
        for key in keys.keys:
            tags = keys.tagger.get_tag_dict_for_resource(key)
            if "anteroom:deployment" in tags:
                marks[key] = {name: tags[name] for name in names if name in tags}
        return marks

    def do_subnet(self, backend, zone):
        """A subnet of the operator's own."""
        vpc = backend.create_vpc(cidr_block="10.9.0.0/24")
        return backend.create_subnet(vpc.id, cidr_block="10.9.0.0/24", availability_zone=zone).id

    def do_key(self, backend):
        """A key of the operator's own."""
        return kms_backends[ACCOUNT][backend.region_name].create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", []).arn

    def do_machines(self, backend):
        return [machine.id for machine in backend.all_instances() if machine.state != "terminated"]

    def do_vpc(self, backend, domain):
        """Another owner's VPC with the same deployment's name; one of no domain where it is null."""
        vpc = backend.create_vpc(cidr_block="10.9.0.0/24")
        tags = {"anteroom:deployment": "clinic"}
        if domain:
            tags["anteroom:domain"] = domain
        backend.create_tags([vpc.id], tags)
        return vpc.id

    def do_squat(self, backend):
        """A machine of somebody else in our security group and subnet."""
        group = next(g for vpc in backend.groups.values() for g in vpc.values() if g.name.startswith("anteroom-"))
        subnet = next(s for zone in backend.subnets.values() for s in zone.values() if s.cidr_block == "10.77.0.0/24")
        machine = backend.run_instances(
            "ami-0debian12new00002", 1, "", [], instance_type="c6i.large", subnet_id=subnet.id,
            security_group_ids=[group.id], is_instance_type_default=False, region_name=backend.region_name,
        )
        return machine.instances[0].id

    def do_gone(self, backend):
        """The deployment's machines end."""
        for machine in backend.all_instances():
            if machine.state != "terminated":
                backend.terminate_instances([machine.id])
        self.forget_interfaces(backend)
        for address in backend.addresses:
            address.instance = address.eni = address.association_id = None

    def do_untag(self, backend, key):
        """Takes one tag from everything."""
        for tags in backend.tags.values():
            tags.pop(key, None)

    def do_terminate(self, backend, instance):
        backend.terminate_instances([instance])

    def do_address(self, backend):
        backend.allocate_address(domain="vpc")

    def do_forget(self, backend):
        """An hour passes: machines that have ended show no more."""
        for reservation in backend.reservations.values():
            reservation.instances = [machine for machine in reservation.instances if machine.state != "terminated"]

    def do_see(self, backend):
        """Every machine, those that ended too."""
        return [{"id": machine.id, "kind": machine.instance_type, "state": machine.state,
                 "tags": {tag["key"]: tag["value"] for tag in machine.get_tags()}} for machine in backend.all_instances()]

    def do_vpcs(self, backend, count):
        """VPCs of somebody else."""
        for number in range(count):
            backend.create_vpc(cidr_block=f"10.{number}.0.0/24")

    def do_age(self, backend, image):
        """The machine began as another image, and its disk is one that has to be replaced."""
        machine = next(machine for machine in backend.all_instances() if machine.state == "running")
        backend.create_tags([machine.id], {"anteroom:image": image})
        for volume in backend.volumes.values():
            volume.encrypted = False

    def do_default_subnet(self, backend, zone):
        """A subnet that was there before."""
        return next(subnet.id for subnet in backend.subnets[zone].values())
