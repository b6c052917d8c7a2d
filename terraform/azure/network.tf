# A network of its own, unless a subnet is given.

locals {
  own = var.subnet_id == null ? 1 : 0
}

resource "azurerm_virtual_network" "own" {
  count               = local.own
  name                = local.name
  location            = azurerm_resource_group.own.location
  resource_group_name = azurerm_resource_group.own.name
  address_space       = [var.network_cidr]
  tags                = local.tags
}

resource "azurerm_subnet" "own" {
  count                           = local.own
  name                            = local.name
  resource_group_name             = azurerm_resource_group.own.name
  virtual_network_name            = azurerm_virtual_network.own[0].name
  address_prefixes                = [var.network_cidr]
  default_outbound_access_enabled = false
}
