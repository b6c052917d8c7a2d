variable "anteroom" {
  description = "The deployment as anteroom.toml has it. `anteroom` hands it over in the environment, as TF_VAR_anteroom."
  type = object({
    deployment  = string
    domain      = string
    environment = string
    protect     = bool
    ttl_seconds = optional(number)
    admin_cidrs = list(string)
    tcp_out     = list(number)
    egress      = optional(list(object({ address = string, port = number })), [])
    hosts = map(object({
      roles    = list(string)
      ssh_port = optional(number, 22)
    }))
  })

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.anteroom.deployment))
    error_message = "deployment must be a word of at most 40 lower-case letters, digits and hyphens that begins with a letter: clouds name things after it."
  }
  validation {
    condition     = contains(["production", "test"], var.anteroom.environment)
    error_message = "environment must be \"production\" or \"test\"."
  }
  validation {
    condition     = (var.anteroom.environment == "test") == (var.anteroom.ttl_seconds != null)
    error_message = "a test has ttl_seconds, and production has none."
  }
  validation {
    condition     = length(var.anteroom.admin_cidrs) > 0 && alltrue([for cidr in var.anteroom.admin_cidrs : can(cidrhost(cidr, 0))])
    error_message = "admin_cidrs must name at least one network, each in CIDR notation."
  }
  validation {
    condition     = alltrue([for cidr in var.anteroom.admin_cidrs : try(tonumber(split("/", cidr)[1]) >= (strcontains(cidr, ":") ? 7 : 8), false)])
    error_message = "admin_cidrs must name networks that you administer from, each at least /8 (IPv6: /7); SSH is never open to the internet."
  }
  validation {
    condition     = anytrue([for cidr in var.anteroom.admin_cidrs : !strcontains(cidr, ":")])
    error_message = "admin_cidrs must name an IPv4 network: the hosts have IPv4 addresses only."
  }
  validation {
    condition     = length([for host in var.anteroom.hosts : host if contains(host.roles, "core")]) == 1
    error_message = "exactly one of hosts must have the role \"core\"."
  }
  validation {
    condition     = alltrue(flatten([for host in var.anteroom.hosts : [for role in host.roles : contains(["core", "bridge", "turn"], role)]]))
    error_message = "the roles of hosts are \"core\", \"bridge\" and \"turn\"."
  }
  validation {
    condition     = alltrue([for name in keys(var.anteroom.hosts) : can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", name))])
    error_message = "hosts must have names of at most 20 lower-case letters, digits and hyphens."
  }
}
