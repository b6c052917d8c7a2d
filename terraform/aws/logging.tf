# Flow logs of the network, or of the given subnet.

resource "aws_cloudwatch_log_group" "flows" {
  name              = "/anteroom/${module.shape.name}/flows"
  retention_in_days = var.flow_log_days
  kms_key_id        = var.log_kms_key_arn
  tags              = local.tags
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["vpc-flow-logs.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "write" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    resources = ["${aws_cloudwatch_log_group.flows.arn}:*"]
  }
  statement {
    actions   = ["logs:DescribeLogGroups"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "flows" {
  name_prefix        = "anteroom-flows-"
  description        = "Writes the flow logs of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "flows" {
  name_prefix = "anteroom-flows-"
  role        = aws_iam_role.flows.id
  policy      = data.aws_iam_policy_document.write.json
}

resource "aws_flow_log" "network" {
  vpc_id                   = var.subnet_id == null ? aws_vpc.own[0].id : null
  subnet_id                = var.subnet_id
  traffic_type             = "ALL"
  log_destination_type     = "cloud-watch-logs"
  log_destination          = aws_cloudwatch_log_group.flows.arn
  iam_role_arn             = aws_iam_role.flows.arn
  max_aggregation_interval = 60
  tags                     = merge(local.tags, { Name = local.name })
}
