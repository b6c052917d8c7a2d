# One group a host, with exactly the rules of the shape; then nothing, ahead of what Azure lets in by default.

locals {
  ingress = merge([for host, rules in module.shape.ingress : {
    for key, rule in rules : "${host}-${key}" => merge(rule, { host = host, key = key })
  }]...)
  inside = merge([for host, rules in module.shape.inside : {
    for key, rule in rules : "${host}-${key}" => merge(rule, { host = host, key = key })
  }]...)
  egress = merge([for host in keys(module.shape.hosts) : {
    for key, rule in module.shape.egress : "${host}-${key}" => merge(rule, { host = host, key = key })
  }]...)
}

resource "azurerm_network_security_group" "host" {
  for_each = module.shape.hosts

  name                = "${local.name}-${each.key}"
  location            = azurerm_resource_group.own.location
  resource_group_name = azurerm_resource_group.own.name
  tags                = local.tags
}

resource "azurerm_network_interface_security_group_association" "host" {
  for_each = module.shape.hosts

  network_interface_id      = azurerm_network_interface.host[each.key].id
  network_security_group_id = azurerm_network_security_group.host[each.key].id
}

resource "azurerm_network_security_rule" "outside" {
  for_each = local.ingress

  name                        = "in-${each.value.key}"
  description                 = each.value.why
  resource_group_name         = azurerm_resource_group.own.name
  network_security_group_name = azurerm_network_security_group.host[each.value.host].name
  priority                    = each.value.order
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = title(each.value.protocol)
  source_address_prefixes     = each.value.cidrs
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = each.value.from == each.value.to ? tostring(each.value.from) : "${each.value.from}-${each.value.to}"
}

resource "azurerm_network_security_rule" "inside" {
  for_each = local.inside

  name                        = "in-${each.value.key}"
  description                 = each.value.why
  resource_group_name         = azurerm_resource_group.own.name
  network_security_group_name = azurerm_network_security_group.host[each.value.host].name
  priority                    = each.value.order
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = title(each.value.protocol)
  source_address_prefixes     = [for peer in each.value.peers : "${azurerm_network_interface.host[peer].private_ip_address}/32"]
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = tostring(each.value.from)
}

resource "azurerm_network_security_rule" "nothing_in" {
  for_each = module.shape.hosts

  name                        = "in-nothing-else"
  resource_group_name         = azurerm_resource_group.own.name
  network_security_group_name = azurerm_network_security_group.host[each.key].name
  priority                    = 4096
  direction                   = "Inbound"
  access                      = "Deny"
  protocol                    = "*"
  source_address_prefix       = "*"
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = "*"
}

resource "azurerm_network_security_rule" "out" {
  for_each = local.egress

  name                        = "out-${each.value.key}"
  description                 = each.value.why
  resource_group_name         = azurerm_resource_group.own.name
  network_security_group_name = azurerm_network_security_group.host[each.value.host].name
  priority                    = each.value.order
  direction                   = "Outbound"
  access                      = "Allow"
  protocol                    = title(each.value.protocol)
  source_address_prefix       = "*"
  source_port_range           = "*"
  destination_address_prefix  = each.value.cidr
  destination_port_range      = each.value.from == each.value.to ? tostring(each.value.from) : "${each.value.from}-${each.value.to}"
}

resource "azurerm_network_security_rule" "nothing_out" {
  for_each = module.shape.hosts

  name                        = "out-nothing-else"
  resource_group_name         = azurerm_resource_group.own.name
  network_security_group_name = azurerm_network_security_group.host[each.key].name
  priority                    = 4096
  direction                   = "Outbound"
  access                      = "Deny"
  protocol                    = "*"
  source_address_prefix       = "*"
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = "*"
}
