# A cluster on spot GPUs. docs/deploy-aws.md goes through it step by step.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region
}

# Made anew at each run and written once: they stay in Parameter Store alone.
ephemeral "aws_secretsmanager_random_password" "token" {
  password_length     = 43
  exclude_punctuation = true
}

ephemeral "aws_secretsmanager_random_password" "worker_token" {
  password_length     = 43
  exclude_punctuation = true
}

module "caller_address" {
  source = "../../modules/caller-address"
  count  = var.admin_cidrs == null ? 1 : 0
}

module "taskflock" {
  source = "../.."

  cluster_name               = var.cluster_name
  instance_type              = var.instance_type
  alternative_instance_types = var.alternative_instance_types
  spot_price                 = var.spot_price
  workers_num                = var.workers_num
  workers_max                = var.workers_max
  scheduler_instance_type    = var.scheduler_instance_type
  contact                    = var.contact
  department                 = var.department
  cluster_owner              = var.cluster_owner
  cluster_expiration         = var.cluster_expiration
  max_cost                   = var.max_cost
  scheduler_price            = var.scheduler_price
  subnet                     = var.subnet
  security_group             = var.security_group
  scheduler_private_ip       = var.scheduler_private_ip
  docker_registry            = var.docker_registry
  image_tag                  = var.image_tag
  image_digest               = var.image_digest
  admin_cidrs                = var.admin_cidrs == null ? [module.caller_address[0].cidr] : var.admin_cidrs
  ssh_public_key_file        = var.ssh_public_key_file
  token                      = ephemeral.aws_secretsmanager_random_password.token.random_password
  worker_token               = ephemeral.aws_secretsmanager_random_password.worker_token.random_password
  token_version              = var.token_version
  certificates               = var.certificates
}
