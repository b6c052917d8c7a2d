variable "anteroom" {
  description = "The deployment as anteroom.toml has it; see ../shape. `anteroom` sets it."
  type        = any
}

variable "ssh_public_key" {
  description = "The OpenSSH public key that logs in as `admin`, such as \"ssh-ed25519 AAAA…\"."
  type        = string
  validation {
    condition     = can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( .*)?$", var.ssh_public_key))
    error_message = "ssh_public_key must be one line of an OpenSSH public key file; a private key has no place here."
  }
}

variable "instance_type" {
  description = "The instance type of every host."
  type        = string
  default     = "m7i.large"
}

variable "architecture" {
  description = "The processor of the instance type: \"amd64\" or \"arm64\"."
  type        = string
  default     = "amd64"
  validation {
    condition     = contains(["amd64", "arm64"], var.architecture)
    error_message = "architecture must be \"amd64\" or \"arm64\"."
  }
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

variable "image_id" {
  description = "An image to use in place of Debian's latest, such as \"ami-0123456789abcdef0\"."
  type        = string
  default     = null
  validation {
    condition     = var.image_id == null || can(regex("^ami-[0-9a-f]+$", var.image_id))
    error_message = "image_id must be the id of an AMI."
  }
}

variable "availability_zone" {
  description = "The availability zone of the deployment's own network; the region's first when left out."
  type        = string
  default     = null
}

variable "network_cidr" {
  description = "The address range of the deployment's own network."
  type        = string
  default     = "10.77.0.0/24"
  validation {
    condition     = can(cidrhost(var.network_cidr, 1)) && try(tonumber(split("/", var.network_cidr)[1]) <= 28, false)
    error_message = "network_cidr must be an IPv4 network of at least a /28."
  }
}

variable "subnet_id" {
  description = "An existing subnet with a route to the internet, in place of a network of its own."
  type        = string
  default     = null
  validation {
    condition     = var.subnet_id == null || can(regex("^subnet-[0-9a-f]+$", var.subnet_id))
    error_message = "subnet_id must be the id of a subnet."
  }
}

variable "kms_key_arn" {
  description = "The KMS key that encrypts disks; the account's key for EBS when left out."
  type        = string
  default     = null
  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "log_kms_key_arn" {
  description = "The KMS key that encrypts the flow logs; CloudWatch's own when left out. Its policy must admit CloudWatch Logs."
  type        = string
  default     = null
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

variable "flow_log_days" {
  description = "Days that flow logs are kept; one of the numbers that CloudWatch offers, from 90 on."
  type        = number
  default     = 365
  validation {
    condition     = contains([90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.flow_log_days)
    error_message = "flow_log_days must be 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}
