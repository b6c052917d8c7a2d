module "shape" {
  source   = "../shape"
  anteroom = var.anteroom
}

locals {
  name   = module.shape.name
  tags   = { for key, value in module.shape.facts : "anteroom:${key}" => value }
  vpc_id = var.subnet_id == null ? aws_vpc.own[0].id : data.aws_subnet.given[0].vpc_id
  # Replacing a host because Debian published an image would be a surprise: the image counts at creation only.
  image_id = var.image_id == null ? data.aws_ami.debian[0].id : var.image_id
}

data "aws_ami" "debian" {
  count       = var.image_id == null ? 1 : 0
  most_recent = true
  # Debian's own account.
  owners = ["136693071363"]
  filter {
    name   = "name"
    values = ["debian-${var.debian}-${var.architecture}-*"]
  }
  filter {
    name   = "virtualization-type"
    values = ["hvm"]
  }
}

resource "aws_key_pair" "admin" {
  key_name   = local.name
  public_key = var.ssh_public_key
  tags       = local.tags
}

resource "aws_instance" "host" {
  for_each = module.shape.hosts

  ami                                  = local.image_id
  instance_type                        = var.instance_type
  key_name                             = aws_key_pair.admin.key_name
  subnet_id                            = var.subnet_id == null ? aws_subnet.own[0].id : var.subnet_id
  vpc_security_group_ids               = [aws_security_group.host[each.key].id]
  disable_api_termination              = module.shape.protect
  instance_initiated_shutdown_behavior = "stop"
  monitoring                           = true
  ebs_optimized                        = true

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted             = true
    kms_key_id            = var.kms_key_arn
    volume_type           = "gp3"
    volume_size           = var.disk_gib
    delete_on_termination = true
    tags                  = merge(local.tags, { Name = "${local.name}-${each.key}" })
  }

  tags = merge(local.tags, { Name = "${local.name}-${each.key}", "anteroom:role" = join("+", each.value.roles) })

  lifecycle {
    ignore_changes = [ami]
  }
}

resource "aws_eip" "host" {
  for_each = module.shape.hosts

  domain = "vpc"
  tags   = merge(local.tags, { Name = "${local.name}-${each.key}" })
}

resource "aws_eip_association" "host" {
  for_each = module.shape.hosts

  allocation_id = aws_eip.host[each.key].id
  instance_id   = aws_instance.host[each.key].id
}
