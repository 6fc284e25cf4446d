resource "aws_instance" "scheduler" {
  ami                                  = local.scheduler_ami
  instance_type                        = var.scheduler_instance_type
  subnet_id                            = local.scheduler_subnet
  private_ip                           = var.scheduler_private_ip
  associate_public_ip_address          = var.public_ip
  vpc_security_group_ids               = [local.security_group]
  iam_instance_profile                 = aws_iam_instance_profile.node["scheduler"].name
  key_name                             = one(aws_key_pair.admin[*].key_name)
  user_data                            = local.scheduler_user_data
  user_data_replace_on_change          = true
  instance_initiated_shutdown_behavior = "terminate"
  tags                                 = merge(local.tags, { Name = "${local.name}-scheduler" })
  volume_tags                          = merge(local.tags, { Name = "${local.name}-scheduler" })

  dynamic "instance_market_options" {
    for_each = var.scheduler_spot ? ["spot"] : []

    content {
      market_type = "spot"

      spot_options {
        spot_instance_type             = "one-time"
        instance_interruption_behavior = "terminate"
      }
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 2 # one more for what runs in a container
    instance_metadata_tags      = "disabled"
  }

  root_block_device {
    volume_type           = "gp3"
    volume_size           = var.scheduler_disk_gb
    encrypted             = true
    kms_key_id            = var.kms_key_arn
    delete_on_termination = true
  }

  lifecycle {
    # A newer AMI is no reason to lose a running cluster.
    ignore_changes = [ami]

    precondition {
      condition     = local.tls || contains(var.scheduler_arguments, "--insecure")
      error_message = "The cluster needs certificates: run taskflock certs init certs, and give certificates = \"certs\". With \"--insecure\" in scheduler_arguments links are plain text, and 8786 and 8787 stay closed: you come in by a tunnel."
    }

    precondition {
      condition     = !local.tls || contains(keys(local.worker_secrets), "ca.pem")
      error_message = "The scheduler's certificate comes from scheduler_secrets, so workers need its authority: \"ca.pem\" in worker_secrets."
    }

    precondition {
      condition     = var.max_cost == null || local.cost_bound == null ? true : local.cost_bound <= var.max_cost
      error_message = "This could cost ${format("%.2f", coalesce(local.cost_bound, 0))} USD in ${var.cluster_expiration} (${local.workers_max} workers and the scheduler), and max_cost is ${format("%.2f", coalesce(var.max_cost, 0))}: start fewer workers, lower spot_price, or let the cluster expire sooner."
    }
  }
}
