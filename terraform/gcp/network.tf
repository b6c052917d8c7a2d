# A network of its own, unless a subnetwork is given.

locals {
  own     = var.subnetwork == null ? 1 : 0
  network = var.subnetwork == null ? google_compute_network.own[0].self_link : data.google_compute_subnetwork.given[0].network
}

data "google_compute_subnetwork" "given" {
  count     = 1 - local.own
  self_link = var.subnetwork
}

resource "google_compute_network" "own" {
  count                   = local.own
  name                    = local.name
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

resource "google_compute_subnetwork" "own" {
  count                    = local.own
  name                     = local.name
  region                   = var.region
  network                  = google_compute_network.own[0].self_link
  ip_cidr_range            = var.network_cidr
  private_ip_google_access = true
  log_config {
    aggregation_interval = "INTERVAL_1_MIN"
    flow_sampling        = 1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}
