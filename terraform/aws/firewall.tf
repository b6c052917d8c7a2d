# One group a host, with exactly the rules of the shape.

locals {
  ingress = merge([for host, rules in module.shape.ingress : merge([for key, rule in rules : {
    for cidr in rule.cidrs : "${host}/${key}/${cidr}" => merge(rule, { host = host, cidr = cidr })
  }]...)]...)
  inside = merge([for host, rules in module.shape.inside : merge([for key, rule in rules : {
    for peer in rule.peers : "${host}/${key}/${peer}" => merge(rule, { host = host, peer = peer })
  }]...)]...)
  egress = merge([for host in keys(module.shape.hosts) : {
    for key, rule in module.shape.egress : "${host}/${key}" => merge(rule, { host = host })
  }]...)
}

resource "aws_security_group" "host" {
  for_each = module.shape.hosts

  name        = "${local.name}-${each.key}"
  description = "What ${each.key} of the deployment needs"
  vpc_id      = local.vpc_id
  tags        = merge(local.tags, { Name = "${local.name}-${each.key}" })
}

resource "aws_vpc_security_group_ingress_rule" "outside" {
  for_each = local.ingress

  security_group_id = aws_security_group.host[each.value.host].id
  description       = each.value.why
  ip_protocol       = each.value.protocol
  from_port         = each.value.from
  to_port           = each.value.to
  cidr_ipv4         = each.value.cidr
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "inside" {
  for_each = local.inside

  security_group_id            = aws_security_group.host[each.value.host].id
  description                  = each.value.why
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.from
  to_port                      = each.value.to
  referenced_security_group_id = aws_security_group.host[each.value.peer].id
  tags                         = local.tags
}

resource "aws_vpc_security_group_egress_rule" "out" {
  for_each = local.egress

  security_group_id = aws_security_group.host[each.value.host].id
  description       = each.value.why
  ip_protocol       = each.value.protocol
  from_port         = each.value.from
  to_port           = each.value.to
  cidr_ipv4         = each.value.cidr
  tags              = local.tags
}
