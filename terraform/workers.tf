resource "aws_launch_template" "worker" {
  name_prefix                          = "${local.name}-worker-"
  description                          = "Worker of the Taskflock cluster ${local.name}"
  image_id                             = local.worker_ami
  instance_type                        = var.instance_type
  key_name                             = one(aws_key_pair.admin[*].key_name)
  user_data                            = base64encode(local.worker_user_data)
  instance_initiated_shutdown_behavior = "terminate"
  update_default_version               = true
  tags                                 = merge(local.tags, { Name = "${local.name}-worker" })

  iam_instance_profile {
    name = aws_iam_instance_profile.node["worker"].name
  }

  network_interfaces {
    associate_public_ip_address = var.public_ip
    security_groups             = [local.security_group]
    delete_on_termination       = true
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 2 # one more for what runs in a container
    instance_metadata_tags      = "disabled"
  }

  block_device_mappings {
    device_name = data.aws_ami.worker.root_device_name

    ebs {
      volume_type           = "gp3"
      volume_size           = var.worker_disk_gb
      encrypted             = true
      kms_key_id            = var.kms_key_arn
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume", "network-interface"]

    content {
      resource_type = tag_specifications.value
      tags          = merge(local.tags, { Name = "${local.name}-worker" })
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_autoscaling_group" "workers" {
  name                = "${local.name}-workers"
  min_size            = 0
  max_size            = local.workers_max
  desired_capacity    = var.workers_num
  vpc_zone_identifier = local.worker_subnets
  capacity_rebalance  = true
  # Spot capacity may come later or never; the cluster works with the workers it has.
  wait_for_capacity_timeout = "0"

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = 0
      on_demand_percentage_above_base_capacity = 0
      spot_allocation_strategy                 = "price-capacity-optimized"
      spot_max_price                           = var.spot_price == null ? null : tostring(var.spot_price)
    }

    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.worker.id
        version            = aws_launch_template.worker.latest_version
      }

      dynamic "override" {
        for_each = distinct(concat([var.instance_type], var.alternative_instance_types))

        content {
          instance_type = override.value
        }
      }
    }
  }

  # A changed launch template replaces workers a few at a time; each retires as it is stopped.
  dynamic "instance_refresh" {
    for_each = var.worker_replacement == "refresh" ? ["rolling"] : []

    content {
      strategy = "Rolling"

      preferences {
        min_healthy_percentage = 50
        instance_warmup        = "120"
        skip_matching          = true
      }
    }
  }

  # Instances and volumes have theirs from the launch template.
  dynamic "tag" {
    for_each = merge(local.tags, { Name = "${local.name}-worker" })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }
}
