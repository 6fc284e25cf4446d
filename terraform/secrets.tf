# The token's value is write-only: Terraform hands it to Parameter Store and keeps it neither in the plan nor in the state.
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

locals {
  token_parameter   = var.token_parameter == null ? aws_ssm_parameter.token[0].name : var.token_parameter
  scheduler_secrets = merge(var.scheduler_secrets, { token = local.token_parameter })
  worker_secrets    = merge(var.worker_secrets, { token = local.token_parameter })
  parameter_prefix  = "arn:${data.aws_partition.here.partition}:ssm:${data.aws_region.here.name}:${data.aws_caller_identity.me.account_id}:parameter"
}
