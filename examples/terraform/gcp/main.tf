# A root module for Google Cloud. Credentials come from the environment (`gcloud auth application-default login`).
terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
  # The state knows every id and address. Keep it in a bucket that only admins read:
  # backend "gcs" {
  #   bucket = "clinic-terraform-state"
  #   prefix = "anteroom"
  # }
}

variable "anteroom" {
  description = "What anteroom.toml says of the deployment; anteroom sets it."
  type        = any
}

variable "project" {
  description = "The project; one that your business associate agreement covers."
  type        = string
}

variable "region" {
  description = "The region, such as \"us-central1\"."
  type        = string
}

variable "ssh_public_key_file" {
  description = "The public key that logs in."
  type        = string
}

variable "read_host_keys" {
  description = "Set to true after the first boot, so that anteroom knows the hosts' SSH keys."
  type        = bool
  default     = false
}

provider "google" {
  project = var.project
  region  = var.region
}

module "anteroom" {
  source         = "../../../terraform/gcp"
  anteroom       = var.anteroom
  region         = var.region
  zone           = "${var.region}-a"
  ssh_public_key = trimspace(file(pathexpand(var.ssh_public_key_file)))
  read_host_keys = var.read_host_keys
}

output "anteroom_hosts" {
  value = module.anteroom.anteroom_hosts
}
