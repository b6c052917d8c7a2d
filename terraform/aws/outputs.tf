output "anteroom_hosts" {
  description = "What anteroom needs to reach the hosts. The provider cannot read an instance's console, so host_key is left to [[host]]."
  value = [for name, host in module.shape.hosts : {
    name            = name
    roles           = host.roles
    address         = aws_eip.host[name].public_ip
    public_address  = aws_eip.host[name].public_ip
    private_address = aws_instance.host[name].private_ip
    user            = "admin"
    host_key        = null
  }]
  # Nobody can log in before the address and the rules are there.
  depends_on = [aws_eip_association.host, aws_vpc_security_group_ingress_rule.outside]
}
