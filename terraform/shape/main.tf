# What every cloud builds alike: which ports are open to whom, how long the deployment may live, what things are called.
# The ports are those of `src/render/firewall.rs` and `src/render/units.rs`; a test compares them.

locals {
  ports = {
    http  = { protocol = "tcp", from = 80, to = 80, order = 110, why = "the page: redirect to https" }
    https = { protocol = "tcp", from = 443, to = 443, order = 120, why = "the page" }
    media = { protocol = "udp", from = 10000, to = 10000, order = 130, why = "media of the bridge" }
    turn  = { protocol = "udp", from = 3478, to = 3478, order = 140, why = "TURN" }
    turns = { protocol = "tcp", from = 5349, to = 5349, order = 150, why = "TURN over TLS" }
    relay = { protocol = "udp", from = 49152, to = 49407, order = 160, why = "relays of TURN" }
  }
  open_by_role = {
    core   = ["http", "https", "media", "turn", "turns", "relay"]
    bridge = ["media"]
    turn   = ["turn", "turns", "relay"]
  }
  admins  = sort(distinct([for cidr in var.anteroom.admin_cidrs : cidr if !strcontains(cidr, ":")]))
  bridges = sort([for name, host in var.anteroom.hosts : name if contains(host.roles, "bridge") && !contains(host.roles, "core")])
}

# The day of creation: it is kept, so that a test's end does not move with every run.
resource "terraform_data" "created" {
  input = plantimestamp()
  lifecycle {
    ignore_changes = [input]
  }
}
