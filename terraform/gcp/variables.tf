variable "anteroom" {
  description = "The deployment as anteroom.toml has it; see ../shape. `anteroom` sets it."
  type        = any
}

variable "region" {
  description = "The region, such as \"us-central1\"."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be the name of a region such as \"us-central1\"."
  }
}

variable "zone" {
  description = "The zone of the hosts, such as \"us-central1-a\"."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z]$", var.zone))
    error_message = "zone must be the name of a zone such as \"us-central1-a\"."
  }
}

variable "ssh_public_key" {
  description = "The OpenSSH public key that logs in; null with os_login."
  type        = string
  default     = null
  validation {
    condition     = var.ssh_public_key == null || can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( .*)?$", var.ssh_public_key))
    error_message = "ssh_public_key must be one line of an OpenSSH public key file; a private key has no place here."
  }
}

variable "ssh_user" {
  description = "The account that logs in; with os_login its POSIX name there, such as \"ann_example_com\"."
  type        = string
  default     = "admin"
  validation {
    condition     = can(regex("^[a-z_][a-z0-9_-]{0,31}$", var.ssh_user))
    error_message = "ssh_user must be the name of an account."
  }
}

variable "os_login" {
  description = "Whether IAM decides who logs in (OS Login), in place of ssh_public_key."
  type        = bool
  default     = false
}

variable "read_host_keys" {
  description = "Whether the hosts' SSH keys are read from their guest attributes. They are there after the first boot, so set it after the first apply."
  type        = bool
  default     = false
}

variable "machine_type" {
  description = "The machine type of every host."
  type        = string
  default     = "n2-standard-2"
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

variable "image" {
  description = "An image to use in place of Debian's latest: its self link."
  type        = string
  default     = null
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

variable "subnetwork" {
  description = "The self link of an existing subnetwork, in place of a network of its own. Its owner turns flow logs on."
  type        = string
  default     = null
}

variable "kms_key" {
  description = "The Cloud KMS key that encrypts disks; Google's own when left out."
  type        = string
  default     = null
  validation {
    condition     = var.kms_key == null || can(regex("^projects/.+/locations/.+/keyRings/.+/cryptoKeys/.+$", var.kms_key))
    error_message = "kms_key must be the full name of a key: projects/…/locations/…/keyRings/…/cryptoKeys/…"
  }
}

variable "disk_gib" {
  description = "The size of each host's disk."
  type        = number
  default     = 40
  validation {
    condition     = var.disk_gib >= 20 && var.disk_gib <= 1024
    error_message = "disk_gib must be from 20 to 1024."
  }
}
