output "anteroom_hosts" {
  description = "What anteroom needs to reach the hosts. The provider cannot read a machine's console, so host_key is left to [[host]]."
  value = [for name, host in module.shape.hosts : {
    name            = name
    roles           = host.roles
    address         = azurerm_public_ip.host[name].ip_address
    public_address  = azurerm_public_ip.host[name].ip_address
    private_address = azurerm_network_interface.host[name].private_ip_address
    user            = var.ssh_user
    host_key        = null
  }]
  depends_on = [azurerm_linux_virtual_machine.host, azurerm_network_security_rule.outside]
}
