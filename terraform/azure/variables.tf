variable "anteroom" {
  description = "The deployment as anteroom.toml has it; see ../shape. `anteroom` sets it."
  type        = any
}

variable "location" {
  description = "The region, such as \"eastus2\"."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9]+$", var.location))
    error_message = "location must be the short name of a region, such as \"eastus2\"."
  }
}

variable "zone" {
  description = "The availability zone of the hosts, \"1\", \"2\" or \"3\"; none when left out."
  type        = string
  default     = null
}

variable "ssh_public_key" {
  description = "The OpenSSH public key that logs in: RSA of at least 2048 bits, or ed25519."
  type        = string
  validation {
    condition     = can(regex("^(ssh-ed25519|ssh-rsa) [A-Za-z0-9+/=]+( .*)?$", var.ssh_public_key))
    error_message = "ssh_public_key must be one line of an OpenSSH public key file (ssh-ed25519 or ssh-rsa); a private key has no place here."
  }
}

variable "ssh_user" {
  description = "The account that logs in; Azure refuses \"admin\" and \"root\"."
  type        = string
  default     = "anteroom"
  validation {
    condition     = can(regex("^[a-z_][a-z0-9_-]{0,31}$", var.ssh_user)) && !contains(["admin", "administrator", "root"], var.ssh_user)
    error_message = "ssh_user must be the name of an account that Azure allows."
  }
}

variable "size" {
  description = "The size of every host; one of generation 2 that supports trusted launch."
  type        = string
  default     = "Standard_D2s_v5"
}

variable "debian" {
  description = "The Debian release of the image: 12 or 13."
  type        = number
  default     = 13
  validation {
    condition     = contains([12, 13], var.debian)
    error_message = "debian must be 12 or 13."
  }
}

variable "image_version" {
  description = "The version of Debian's image; the latest counts at creation only."
  type        = string
  default     = "latest"
}

variable "network_cidr" {
  description = "The address range of the deployment's own network."
  type        = string
  default     = "10.77.0.0/24"
  validation {
    condition     = can(cidrhost(var.network_cidr, 1)) && try(tonumber(split("/", var.network_cidr)[1]) <= 29, false)
    error_message = "network_cidr must be an IPv4 network of at least a /29."
  }
}

variable "subnet_id" {
  description = "The id of an existing subnet, in place of a network of its own."
  type        = string
  default     = null
  validation {
    condition     = var.subnet_id == null || can(regex("^/subscriptions/.+/subnets/[^/]+$", var.subnet_id))
    error_message = "subnet_id must be the full id of a subnet: /subscriptions/…/subnets/…"
  }
}

variable "disk_encryption_set_id" {
  description = "The disk encryption set whose key encrypts disks; Azure's own key when left out."
  type        = string
  default     = null
}

variable "encryption_at_host" {
  description = "Whether caches and temporary disks are encrypted, too. The subscription needs the feature Microsoft.Compute/EncryptionAtHost."
  type        = bool
  default     = true
}

variable "disk_gib" {
  description = "The size of each host's disk."
  type        = number
  default     = 40
  validation {
    condition     = var.disk_gib >= 30 && var.disk_gib <= 1024
    error_message = "disk_gib must be from 30 to 1024."
  }
}

variable "network_watcher" {
  description = "The region's network watcher, which writes the flow logs; Azure's own when left out."
  type        = object({ name = string, resource_group = string })
  default     = null
}

variable "flow_log_days" {
  description = "Days that flow logs are kept."
  type        = number
  default     = 365
  validation {
    condition     = var.flow_log_days >= 90 && var.flow_log_days <= 365
    error_message = "flow_log_days must be from 90 to 365, the most that Azure removes by itself."
  }
}
