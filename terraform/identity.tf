# What the machines may do, and nothing else. Session Manager's own managed policy would let them read every parameter of the account.

locals {
  roles = { scheduler = local.scheduler_secrets, worker = local.worker_secrets }

  session_statement = {
    Sid    = "SessionManager"
    Effect = "Allow"
    Action = [
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    Resource = "*" # these actions know no resources
  }

  # Of a registry that is given: whether it is ECR, and then account, region and repository.
  ecr = var.docker_registry == null ? null : try(regex("^([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com(?:\\.cn)?/(.+)$", var.docker_registry), null)

  registry_statements = var.docker_registry != null && local.ecr == null ? [] : [
    {
      Sid      = "RegistryLogin"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = "*" # this action knows no resources
    },
    {
      Sid      = "PullImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = local.ecr == null ? aws_ecr_repository.taskflock[0].arn : "arn:${data.aws_partition.here.partition}:ecr:${local.ecr[1]}:${local.ecr[0]}:repository/${local.ecr[2]}"
    },
  ]

  key_statements = var.kms_key_arn == null ? [] : [{
    Sid      = "DecryptParameters"
    Effect   = "Allow"
    Action   = ["kms:Decrypt"]
    Resource = var.kms_key_arn
    # Only as Parameter Store asks for it: not disks, not images.
    Condition = { StringEquals = { "kms:ViaService" = "ssm.${data.aws_region.here.name}.amazonaws.com" } }
  }]
}

resource "aws_iam_role" "node" {
  for_each    = local.roles
  name_prefix = "${local.name}-${each.key}-"
  tags        = merge(local.tags, { Name = "${local.name}-${each.key}" })
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })

  lifecycle {
    precondition {
      condition     = length(local.name) <= 27
      error_message = "cluster_name and the workspace, ${local.name}, are longer together than names of roles allow: shorten one, so that it has at most 27 characters."
    }
  }
}

resource "aws_iam_role_policy" "node" {
  for_each = local.roles
  name     = "taskflock"
  role     = aws_iam_role.node[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "ReadSecrets"
          Effect   = "Allow"
          Action   = ["ssm:GetParameter"]
          Resource = sort([for name in distinct(values(each.value)) : "${local.parameter_prefix}${name}"])
        },
        local.session_statement,
      ],
      local.registry_statements,
      local.key_statements,
    )
  })
}

resource "aws_iam_instance_profile" "node" {
  for_each    = local.roles
  name_prefix = "${local.name}-${each.key}-"
  role        = aws_iam_role.node[each.key].name
  tags        = merge(local.tags, { Name = "${local.name}-${each.key}" })
}

resource "aws_key_pair" "admin" {
  count           = var.ssh_public_key_file == null ? 0 : 1
  key_name_prefix = "${local.name}-"
  public_key      = trimspace(file(pathexpand(var.ssh_public_key_file)))
  tags            = merge(local.tags, { Name = local.name })
}
