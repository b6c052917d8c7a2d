module "shape" {
  source   = "../shape"
  anteroom = var.anteroom
}

locals {
  name = module.shape.name
  # Labels take lower-case letters, digits, hyphens and underscores.
  labels = { for key, value in module.shape.facts : "anteroom-${key}" => substr(lower(replace(value, "/[^A-Za-z0-9_-]/", "-")), 0, 63) }
  image  = var.image == null ? data.google_compute_image.debian[0].self_link : var.image
}

data "google_compute_image" "debian" {
  count   = var.image == null ? 1 : 0
  project = "debian-cloud"
  family  = "debian-${var.debian}"
}

resource "google_compute_address" "host" {
  for_each = module.shape.hosts

  name         = "${local.name}-${each.key}"
  region       = var.region
  address_type = "EXTERNAL"
  labels       = local.labels
}

resource "google_compute_instance" "host" {
  for_each = module.shape.hosts

  name                = "${local.name}-${each.key}"
  zone                = var.zone
  machine_type        = var.machine_type
  can_ip_forward      = false
  deletion_protection = module.shape.protect
  tags                = ["${local.name}-${each.key}"]
  labels              = merge(local.labels, { anteroom-role = join("_", each.value.roles) })

  boot_disk {
    auto_delete       = true
    kms_key_self_link = var.kms_key
    initialize_params {
      image  = local.image
      size   = var.disk_gib
      type   = "pd-balanced"
      labels = local.labels
    }
  }

  network_interface {
    subnetwork = var.subnetwork == null ? google_compute_subnetwork.own[0].self_link : var.subnetwork
    access_config {
      nat_ip = google_compute_address.host[each.key].address
    }
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  # No service account: the metadata server has no credentials to give away.
  metadata = merge(
    {
      block-project-ssh-keys  = "TRUE"
      enable-guest-attributes = "TRUE"
      enable-oslogin          = var.os_login ? "TRUE" : "FALSE"
      serial-port-enable      = "FALSE"
    },
    { for key in var.ssh_public_key[*] : "ssh-keys" => "${var.ssh_user}:${key}" if !var.os_login },
  )

  lifecycle {
    ignore_changes = [boot_disk[0].initialize_params[0].image]
    precondition {
      condition     = var.os_login != (var.ssh_public_key != null)
      error_message = "give ssh_public_key or set os_login, one of them."
    }
  }
}

data "google_compute_instance_guest_attributes" "host" {
  for_each = var.read_host_keys ? module.shape.hosts : {}

  name       = google_compute_instance.host[each.key].name
  zone       = var.zone
  query_path = "hostkeys/"
}
