# A network of its own, unless a subnet is given.

locals {
  own = var.subnet_id == null ? 1 : 0
}

data "aws_availability_zones" "here" {
  state = "available"
}

data "aws_subnet" "given" {
  count = 1 - local.own
  id    = var.subnet_id
}

resource "aws_vpc" "own" {
  count                = local.own
  cidr_block           = var.network_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = merge(local.tags, { Name = local.name })
}

resource "aws_subnet" "own" {
  count             = local.own
  vpc_id            = aws_vpc.own[0].id
  cidr_block        = var.network_cidr
  availability_zone = var.availability_zone == null ? data.aws_availability_zones.here.names[0] : var.availability_zone
  # A host's only public address is its static one.
  map_public_ip_on_launch = false
  tags                    = merge(local.tags, { Name = local.name })
}

resource "aws_internet_gateway" "own" {
  count  = local.own
  vpc_id = aws_vpc.own[0].id
  tags   = merge(local.tags, { Name = local.name })
}

resource "aws_route_table" "own" {
  count  = local.own
  vpc_id = aws_vpc.own[0].id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.own[0].id
  }
  tags = merge(local.tags, { Name = local.name })
}

resource "aws_route_table_association" "own" {
  count          = local.own
  subnet_id      = aws_subnet.own[0].id
  route_table_id = aws_route_table.own[0].id
}

# Without rules: what is put into the network without a group of its own reaches nothing.
resource "aws_default_security_group" "own" {
  count  = local.own
  vpc_id = aws_vpc.own[0].id
  tags   = local.tags
}
