# Wrong on purpose, in every way that the test has to catch.
variable "size" {
  type = string
}

locals {
  name = "x"
}

resource "aws_instnace" "typo" {
  ami = local.name
}

resource "aws_vpc" "own" {
  cidr = "10.0.0.0/16"
}

resource "aws_subnet" "own" {
  cidr_block = "10.0.0.0/24"
}

resource "aws_instance" "host" {
  count                  = 1
  instance_type          = ["m7i.large"]
  ami                    = var.zise
  key_name               = "${aws_key_pare.admin.key_name}-x"
  subnet_id              = aws_subnet.other[0].id
  vpc_security_group_ids = "sg-1"
  placement_group        = aws_vpc.own.ident

  metadata_options {
    http_token = "required"
  }
  root_block_device {
    count = 1
  }
  root_disk {}
}

output "anteroom_hosts" {
  description = "Nothing of use."
  value       = [for host in local.hosts : { name = host, image = data.aws_ami.debian.id }]
}
