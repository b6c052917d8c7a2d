# Flow logs of the network, or of the given subnet.

resource "azurerm_storage_account" "flows" {
  # A name of its own among all accounts of Azure.
  name                              = "anteroom${substr(sha256("${azurerm_resource_group.own.id}/flows"), 0, 16)}"
  location                          = azurerm_resource_group.own.location
  resource_group_name               = azurerm_resource_group.own.name
  account_tier                      = "Standard"
  account_replication_type          = "LRS"
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  allow_nested_items_to_be_public   = false
  cross_tenant_replication_enabled  = false
  infrastructure_encryption_enabled = true
  tags                              = local.tags
}

resource "azurerm_network_watcher_flow_log" "network" {
  name                 = local.name
  location             = azurerm_resource_group.own.location
  network_watcher_name = try(var.network_watcher.name, "NetworkWatcher_${var.location}")
  resource_group_name  = try(var.network_watcher.resource_group, "NetworkWatcherRG")
  target_resource_id   = var.subnet_id == null ? azurerm_virtual_network.own[0].id : var.subnet_id
  storage_account_id   = azurerm_storage_account.flows.id
  enabled              = true
  version              = 2
  tags                 = local.tags
  retention_policy {
    enabled = true
    days    = var.flow_log_days
  }
}
