output "name" {
  description = "What everything of the deployment is called, or begins with."
  value       = "anteroom-${var.anteroom.deployment}"
}

output "protect" {
  description = "Whether machines are protected against deletion."
  value       = var.anteroom.protect
}

output "hosts" {
  description = "The hosts by name, with their roles."
  value       = { for name, host in var.anteroom.hosts : name => { roles = sort(distinct(host.roles)) } }
}

output "facts" {
  description = "What tags and labels say of the deployment; each cloud spells them its own way."
  value = merge(
    {
      deployment  = var.anteroom.deployment
      domain      = var.anteroom.domain
      environment = var.anteroom.environment
    },
    { for seconds in var.anteroom.ttl_seconds[*] : "expires" => timeadd(terraform_data.created.output, "${seconds}s") },
  )
}

output "ingress" {
  description = "By host: who may reach which ports from outside. Nothing else is open."
  value = { for name, host in var.anteroom.hosts : name => merge(
    {
      ssh = { protocol = "tcp", from = host.ssh_port, to = host.ssh_port, order = 100, why = "SSH for admins", cidrs = local.admins }
    },
    { for key in distinct(flatten([for role in host.roles : local.open_by_role[role]])) :
    key => merge(local.ports[key], { cidrs = ["0.0.0.0/0"] }) },
  ) }
}

output "inside" {
  description = "By host: which other hosts of the deployment may reach which ports. Bridges log in to the core's Prosody."
  value = { for name, host in var.anteroom.hosts : name => {
    for key, rule in { xmpp = { protocol = "tcp", from = 5222, to = 5222, order = 170, why = "XMPP of the bridges", peers = local.bridges } } :
    key => rule if contains(host.roles, "core") && length(rule.peers) > 0
  } }
}

output "egress" {
  description = "Where hosts may connect to: names, time and media by UDP, packages by TCP, and what the spec allows. Each host's own firewall says more closely who may."
  value = merge(
    { udp = { protocol = "udp", from = 1, to = 65535, order = 100, why = "names, time and media", cidr = "0.0.0.0/0" } },
    { for index, port in sort(distinct(concat([53, 80, 443], var.anteroom.tcp_out))) :
    "tcp-${port}" => { protocol = "tcp", from = tonumber(port), to = tonumber(port), order = 110 + index, why = "names and packages", cidr = "0.0.0.0/0" } },
    { for index, to in [for to in var.anteroom.egress : to if !strcontains(to.address, ":")] :
    "spec-${index}" => { protocol = "tcp", from = to.port, to = to.port, order = 300 + index, why = "the spec's", cidr = "${to.address}/32" } },
  )
}
