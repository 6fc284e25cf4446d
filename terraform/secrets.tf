# The values are write-only: Terraform hands them to Parameter Store and keeps them neither in the plan nor in the state.
resource "aws_ssm_parameter" "token" {
  count            = var.token_parameter == null ? 1 : 0
  name             = "/taskflock/${local.name}/token"
  description      = "Token of the Taskflock cluster ${local.name}"
  type             = "SecureString"
  key_id           = var.kms_key_arn
  value_wo         = var.token
  value_wo_version = var.token_version
  tags             = merge(local.tags, { Name = "${local.name}-token" })

  lifecycle {
    precondition {
      condition     = var.token != null
      error_message = "The cluster needs a token: give token, which is written to Parameter Store, or token_parameter, the name of a parameter that holds one."
    }
  }
}

# A task can read what its machine may: the workers' machines do not know the token that may everything.
resource "aws_ssm_parameter" "worker_token" {
  count            = var.token_parameter == null ? 1 : 0
  name             = "/taskflock/${local.name}/worker-token"
  description      = "Token of the workers of the Taskflock cluster ${local.name}"
  type             = "SecureString"
  key_id           = var.kms_key_arn
  value_wo         = var.worker_token
  value_wo_version = var.token_version
  tags             = merge(local.tags, { Name = "${local.name}-worker-token" })

  lifecycle {
    precondition {
      condition     = var.worker_token != null
      error_message = "The workers need a token of their own: give worker_token, which is written to Parameter Store as token is."
    }
  }
}

# The authority's key is not among them: no machine needs it.
resource "aws_ssm_parameter" "certificates" {
  for_each    = toset(var.certificates == null ? [] : ["ca.pem", "scheduler.pem", "scheduler-key.pem"])
  name        = "/taskflock/${local.name}/${each.key}"
  description = "For TLS of the Taskflock cluster ${local.name}"
  type        = "SecureString"
  tier        = "Intelligent-Tiering" # more than 4 KB, if it must be
  key_id      = var.kms_key_arn
  value_wo    = file("${pathexpand(var.certificates)}/${each.key}")
  # Another certificate, which is no secret, is another version; its key is as new.
  value_wo_version = parseint(substr(filesha256("${pathexpand(var.certificates)}/${each.key == "ca.pem" ? "ca.pem" : "scheduler.pem"}"), 0, 7), 16)
  tags             = merge(local.tags, { Name = "${local.name}-${each.key}" })
}

locals {
  token_parameter        = var.token_parameter == null ? aws_ssm_parameter.token[0].name : var.token_parameter
  worker_token_parameter = var.token_parameter == null ? aws_ssm_parameter.worker_token[0].name : var.worker_token_parameter
  known_worker_token     = local.worker_token_parameter == null ? {} : { worker-token = local.worker_token_parameter }
  certificate_parameters = { for file, parameter in aws_ssm_parameter.certificates : file => parameter.name }
  scheduler_secrets      = merge(local.certificate_parameters, var.scheduler_secrets, local.known_worker_token, { token = local.token_parameter })
  worker_secrets         = merge({ for file, name in local.certificate_parameters : file => name if file == "ca.pem" }, var.worker_secrets, { token = coalesce(local.worker_token_parameter, local.token_parameter) })

  # As run.sh on the machines sees it.
  tls              = var.certificates != null || contains(keys(var.scheduler_secrets), "scheduler.pem")
  parameter_prefix = "arn:${data.aws_partition.here.partition}:ssm:${data.aws_region.here.name}:${data.aws_caller_identity.me.account_id}:parameter"
}
