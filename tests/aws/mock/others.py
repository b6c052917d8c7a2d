"""What somebody else does in the account, as far as the ends of deployments are concerned: zones and records, copies of
disks, marks, protection, keys; and regions that are denied. Faithful (faithful.py) answers requests and takes these in."""

from moto.kms.models import kms_backends
from moto.route53.models import route53_backends

ACCOUNT = "123456789012"


def names():
    return route53_backends[ACCOUNT]["aws"]


def is_protected(machine):
    return str(machine.disable_api_termination).lower() == "true"


class Others:
    """Part of Faithful."""

    def out_of_reach(self, request):
        """A policy of the organization that denies regions."""
        if request.service in ("ec2", "kms") and request.region in self.settings.get("denied_regions", []):
            if request.service == "ec2":
                return 403, "UnauthorizedOperation", "with an explicit deny in a service control policy"
            return 400, "AccessDeniedException", "with an explicit deny in a service control policy"
        return None

    def protected(self, request):
        """AWS terminates none of a list when one of it is protected."""
        if request.action != "TerminateInstances":
            return None
        ids = [value for key, value in request.parameters.items() if key.startswith("InstanceId.")]
        for machine in self.backend(request).all_instances():
            if machine.id in ids and is_protected(machine):
                return 400, "OperationNotPermitted", f"The instance '{machine.id}' may not be terminated."
        return None

    def do_zone(self, backend, name):
        """A public zone; its id, which begins with a Z as Route 53's do and moto's need not."""
        zone = names().create_hosted_zone(name, private_zone=False)
        names().zones.pop(zone.resource_id)
        zone.resource_id = "Z" + zone.resource_id[1:]
        names().zones[zone.resource_id] = zone
        return zone.resource_id

    def do_record(self, backend, zone, name, addresses=(), ttl=60, **more):
        """Writes a record by hand; `more` makes it an alias, or one of several."""
        there = names().get_hosted_zone(zone)
        # moto takes a DELETE that fits any earlier version of a record; Route 53 only the present one.
        there.rr_changes[:] = [one for one in there.rr_changes if one["ResourceRecordSet"]["Name"] != name]
        record = {"Name": name, "Type": "A", **more}
        if addresses:
            record |= {"TTL": ttl, "ResourceRecords": [{"Value": address} for address in addresses]}
        names().change_resource_record_sets(zone, [{"Action": "UPSERT", "ResourceRecordSet": record}])

    def do_records(self, backend, zone):
        """Every address record of a zone: name, TTL and addresses."""
        records = [one for one in names().get_hosted_zone(zone).rrsets if one.type == "A"]
        return [[one.name, one.ttl and int(one.ttl), one.records] for one in records]

    def do_copies(self, backend):
        """A snapshot of the machine's disk and an image of the machine, without tags; their ids."""
        machine = next(machine for machine in backend.all_instances() if machine.state != "terminated")
        disk = next(iter(machine.block_device_mapping.values())).volume_id
        snapshot = backend.create_snapshot(disk, "nightly", owner_id=ACCOUNT)
        image = backend.create_image(machine.id, "golden", "", [])
        # moto's image stands on a snapshot of a disk that never was.
        image.ebs_snapshot.volume = backend.get_volume(disk)
        image.ebs_snapshot.owner_id = image.owner_id = ACCOUNT
        return [snapshot.id, image.id]

    def do_disk(self, backend):
        """Attaches a disk without tags that is not encrypted and outlives the machine; its id."""
        machine = next(machine for machine in backend.all_instances() if machine.state != "terminated")
        disk = backend.create_volume(size=8, zone_name=machine.placement, encrypted=False)
        backend.attach_volume(disk.id, machine.id, "/dev/sdf", delete_on_termination=False)
        return disk.id

    def do_protect(self, backend, on):
        """Protects every machine against being terminated, or no longer."""
        for machine in backend.all_instances():
            machine.disable_api_termination = on

    def do_say(self, backend, kind, environment):
        """Things of one kind, by the start of their ids, say another environment; none where it is null."""
        for thing, tags in backend.tags.items():
            if thing.startswith(kind) and "anteroom:deployment" in tags:
                tags.pop("anteroom:environment", None)
                if environment:
                    tags["anteroom:environment"] = environment

    def do_mark_keys(self, backend, environment, expires):
        """Dates the keys of the deployment."""
        keys = kms_backends[ACCOUNT][backend.region_name]
        for key in keys.keys.values():
            names = {tag["TagKey"] for tag in keys.list_resource_tags(key.id)["Tags"]}
            if "anteroom:deployment" in names:
                marks = {"anteroom:environment": environment, "anteroom:expires": expires}
                keys.tagger.tag_resource(key.id, [{"TagKey": name, "TagValue": value} for name, value in marks.items()])

    def do_untag_keys(self, backend, name):
        """Takes one tag from every key."""
        keys = kms_backends[ACCOUNT][backend.region_name]
        for key in keys.keys.values():
            keys.tagger.untag_resource_using_names(key.id, [name])

    def do_end_keys(self, backend):
        """Schedules the end of every key, and leaves their aliases."""
        keys = kms_backends[ACCOUNT][backend.region_name]
        for key in keys.keys.values():
            keys.schedule_key_deletion(key.id, 7)

    def do_keys(self, backend):
        """States of the keys, with their aliases."""
        keys = kms_backends[ACCOUNT][backend.region_name].keys.values()
        return sorted([key.key_state, sorted(key.aliases)] for key in keys if key.key_manager == "CUSTOMER")
