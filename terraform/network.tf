data "aws_vpc" "default" {
  count   = var.subnet == null ? 1 : 0
  default = true
}

data "aws_subnets" "default" {
  count = var.subnet == null ? 1 : 0

  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default[0].id]
  }
  filter {
    name   = "default-for-az"
    values = ["true"]
  }
}

data "aws_subnet" "scheduler" {
  id = local.scheduler_subnet

  lifecycle {
    postcondition {
      condition     = var.scheduler_private_ip == null ? true : cidrhost("${coalesce(var.scheduler_private_ip, "0.0.0.0")}/${split("/", self.cidr_block)[1]}", 0) == cidrhost(self.cidr_block, 0)
      error_message = "scheduler_private_ip is not an address of the subnet, which has ${self.cidr_block}."
    }
  }
}

locals {
  default_subnets  = var.subnet == null ? sort(data.aws_subnets.default[0].ids) : []
  scheduler_subnet = var.subnet == null ? local.default_subnets[0] : var.subnet
  worker_subnets   = var.worker_subnets != null ? var.worker_subnets : var.subnet == null ? local.default_subnets : [var.subnet]
  security_group   = var.security_group == null ? aws_security_group.cluster[0].id : var.security_group

  # Nothing in plain text crosses the internet.
  admin_ports = concat(local.tls ? [8786, 8787] : [], var.ssh_public_key_file == null ? [] : [22])
  admin_rules = {
    for rule in setproduct(var.admin_cidrs, local.admin_ports) : "${rule[1]} from ${rule[0]}" => { cidr = rule[0], port = rule[1] }
    if var.security_group == null
  }
}

resource "aws_security_group" "cluster" {
  count       = var.security_group == null ? 1 : 0
  name_prefix = "${local.name}-"
  description = "Taskflock cluster ${local.name}"
  vpc_id      = data.aws_subnet.scheduler.vpc_id
  tags        = merge(local.tags, { Name = local.name })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "peers" {
  count                        = var.security_group == null ? 1 : 0
  security_group_id            = aws_security_group.cluster[0].id
  description                  = "Scheduler and workers among themselves"
  referenced_security_group_id = aws_security_group.cluster[0].id
  ip_protocol                  = "tcp"
  from_port                    = 1024
  to_port                      = 65535
  tags                         = merge(local.tags, { Name = "${local.name}-peers" })
}

resource "aws_vpc_security_group_ingress_rule" "admin" {
  for_each          = local.admin_rules
  security_group_id = aws_security_group.cluster[0].id
  description       = "People, ${each.key}"
  cidr_ipv4         = strcontains(each.value.cidr, ":") ? null : each.value.cidr
  cidr_ipv6         = strcontains(each.value.cidr, ":") ? each.value.cidr : null
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  tags              = merge(local.tags, { Name = "${local.name}-admin" })
}

# Outward: registry, Parameter Store, packages, the data that tasks read.
resource "aws_vpc_security_group_egress_rule" "out" {
  for_each          = var.security_group == null ? { ipv4 = "0.0.0.0/0", ipv6 = "::/0" } : {}
  security_group_id = aws_security_group.cluster[0].id
  description       = "Outward, ${each.key}"
  cidr_ipv4         = each.key == "ipv4" ? each.value : null
  cidr_ipv6         = each.key == "ipv6" ? each.value : null
  ip_protocol       = "-1"
  tags              = merge(local.tags, { Name = "${local.name}-out" })
}
