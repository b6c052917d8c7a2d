# Exactly the rules of the shape, by host; then nothing, ahead of whatever a given network lets in by default.

locals {
  ingress = merge([for host, rules in module.shape.ingress : {
    for key, rule in rules : "${host}-${key}" => merge(rule, { host = host })
  }]...)
  inside = merge([for host, rules in module.shape.inside : {
    for key, rule in rules : "${host}-${key}" => merge(rule, { host = host })
  }]...)
  targets = [for host in keys(module.shape.hosts) : "${local.name}-${host}"]
}

resource "google_compute_firewall" "outside" {
  for_each = local.ingress

  name          = "${local.name}-${each.key}"
  description   = each.value.why
  network       = local.network
  direction     = "INGRESS"
  priority      = 1000
  source_ranges = each.value.cidrs
  target_tags   = ["${local.name}-${each.value.host}"]
  allow {
    protocol = each.value.protocol
    ports    = [each.value.from == each.value.to ? tostring(each.value.from) : "${each.value.from}-${each.value.to}"]
  }
  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "inside" {
  for_each = local.inside

  name        = "${local.name}-${each.key}"
  description = each.value.why
  network     = local.network
  direction   = "INGRESS"
  priority    = 1000
  source_tags = [for peer in each.value.peers : "${local.name}-${peer}"]
  target_tags = ["${local.name}-${each.value.host}"]
  allow {
    protocol = each.value.protocol
    ports    = [tostring(each.value.from)]
  }
}

resource "google_compute_firewall" "nothing_in" {
  name          = "${local.name}-nothing-in"
  description   = "Nothing else reaches the hosts"
  network       = local.network
  direction     = "INGRESS"
  priority      = 2000
  source_ranges = ["0.0.0.0/0"]
  target_tags   = local.targets
  deny {
    protocol = "all"
  }
  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "out" {
  for_each = module.shape.egress

  name               = "${local.name}-out-${each.key}"
  description        = each.value.why
  network            = local.network
  direction          = "EGRESS"
  priority           = 1000
  destination_ranges = [each.value.cidr]
  target_tags        = local.targets
  allow {
    protocol = each.value.protocol
    ports    = [each.value.from == each.value.to ? tostring(each.value.from) : "${each.value.from}-${each.value.to}"]
  }
}

resource "google_compute_firewall" "nothing_out" {
  name               = "${local.name}-nothing-out"
  description        = "The hosts reach nothing else"
  network            = local.network
  direction          = "EGRESS"
  priority           = 2000
  destination_ranges = ["0.0.0.0/0"]
  target_tags        = local.targets
  deny {
    protocol = "all"
  }
}
