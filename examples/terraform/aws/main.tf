# A root module for AWS. Credentials come from the environment or a profile, as for every use of the provider.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
  # The state knows every id and address. Keep it in an encrypted bucket that only admins read, and lock it:
  # backend "s3" {
  #   bucket       = "clinic-terraform-state"
  #   key          = "anteroom"
  #   region       = "us-east-1"
  #   encrypt      = true
  #   use_lockfile = true
  # }
}

variable "anteroom" {
  description = "What anteroom.toml says of the deployment; anteroom sets it."
  type        = any
}

variable "region" {
  description = "The region; one that your business associate agreement covers."
  type        = string
}

variable "ssh_public_key_file" {
  description = "The public key that logs in."
  type        = string
}

provider "aws" {
  region = var.region
}

module "anteroom" {
  source         = "../../../terraform/aws"
  anteroom       = var.anteroom
  ssh_public_key = trimspace(file(pathexpand(var.ssh_public_key_file)))
}

output "anteroom_hosts" {
  value = module.anteroom.anteroom_hosts
}
