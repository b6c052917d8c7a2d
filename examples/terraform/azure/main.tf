# A root module for Azure. Credentials come from the environment (`az login`, ARM_SUBSCRIPTION_ID).
terraform {
  required_version = ">= 1.9"
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.55"
    }
  }
  # The state knows every id and address. Keep it in a container that only admins read:
  # backend "azurerm" {
  #   resource_group_name  = "clinic-terraform"
  #   storage_account_name = "clinictfstate"
  #   container_name       = "state"
  #   key                  = "anteroom"
  #   use_azuread_auth     = true
  # }
}

variable "anteroom" {
  description = "What anteroom.toml says of the deployment; anteroom sets it."
  type        = any
}

variable "location" {
  description = "The region, such as \"eastus2\"."
  type        = string
}

variable "ssh_public_key_file" {
  description = "The public key that logs in."
  type        = string
}

provider "azurerm" {
  features {}
}

module "anteroom" {
  source         = "../../../terraform/azure"
  anteroom       = var.anteroom
  location       = var.location
  ssh_public_key = trimspace(file(pathexpand(var.ssh_public_key_file)))
}

output "anteroom_hosts" {
  value = module.anteroom.anteroom_hosts
}
