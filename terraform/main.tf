# A Taskflock cluster on EC2: a scheduler, a group of spot workers, and only what they need.

data "aws_region" "here" {}

data "aws_caller_identity" "me" {}

data "aws_partition" "here" {}

data "aws_ssm_parameter" "worker_ami" {
  name = var.worker_ami_parameter
}

data "aws_ssm_parameter" "scheduler_ami" {
  name = var.scheduler_ami_parameter
}

# For the names of their root devices, which differ between distributions.
data "aws_ami" "worker" {
  filter {
    name   = "image-id"
    values = [local.worker_ami]
  }
}

data "aws_ami" "scheduler" {
  filter {
    name   = "image-id"
    values = [local.scheduler_ami]
  }
}

locals {
  name          = "${var.cluster_name}-${terraform.workspace}"
  worker_ami    = nonsensitive(data.aws_ssm_parameter.worker_ami.value)
  scheduler_ami = nonsensitive(data.aws_ssm_parameter.scheduler_ami.value)
  workers_max   = coalesce(var.workers_max, var.workers_num)

  repository = var.docker_registry == null ? aws_ecr_repository.taskflock[0].repository_url : var.docker_registry
  image      = var.image_digest == null ? "${local.repository}:${var.image_tag}" : "${local.repository}@${var.image_digest}"

  tags = {
    cluster            = local.name
    workspace          = terraform.workspace
    contact            = var.contact
    department         = var.department
    cluster_owner      = coalesce(var.cluster_owner, var.contact)
    cluster_expiration = var.cluster_expiration
  }
}
