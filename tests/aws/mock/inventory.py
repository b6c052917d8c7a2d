"""What the mock's account holds, in every region, read from its model and not through its API."""

from moto.ec2.models import ec2_backends
from moto.kms.models import kms_backends
from moto.route53.models import route53_backends

ACCOUNT = "123456789012"


def count():
    """How many of each kind there are in all regions; defaults of an account are not counted."""
    total = {}
    for region, backend in dict(ec2_backends[ACCOUNT]).items():
        for kind, number in of_ec2(backend).items():
            total[kind] = total.get(kind, 0) + number
    keys = [key for backend in dict(kms_backends[ACCOUNT]).values() for key in backend.keys.values()]
    keys = [key for key in keys if key.key_manager == "CUSTOMER"]
    total["disk_keys"] = sum(1 for key in keys if key.key_state == "Enabled")
    # An alias on a key that ends counts: it is in the way of the next key.
    total["aliases"] = sum(len(key.aliases) for key in keys)
    zones = route53_backends[ACCOUNT]["aws"].zones.values()
    total["records"] = sum(1 for zone in zones for record in zone.rrsets if record.type == "A")
    return total


def of_ec2(backend):
    own = {vpc.id for vpc in backend.vpcs.values() if not vpc.is_default}
    subnets = [subnet for zone in backend.subnets.values() for subnet in zone.values()]
    groups = [group for vpc in backend.groups.values() for group in vpc.values() if group.name != "default"]
    return {
        "vpcs": len(own),
        "subnets": sum(1 for subnet in subnets if subnet.vpc_id in own),
        "gateways": len(backend.internet_gateways),
        "route_tables": sum(1 for table in backend.route_tables.values() if table.main_association_id is None),
        "groups": len(groups),
        "key_pairs": len(backend.key_pairs),
        "instances": sum(1 for machine in backend.all_instances() if machine.state != "terminated"),
        "volumes": len(backend.volumes),
        "snapshots": sum(1 for one in backend.snapshots.values() if one.owner_id == ACCOUNT and not one.from_ami),
        "addresses": len(backend.addresses),
        "flow_logs": len(backend.flow_logs),
        # moto keeps the interface of a machine that has ended; AWS does not.
        "interfaces": sum(1 for one in backend.enis.values() if not one.instance or one.instance.state != "terminated"),
    }
