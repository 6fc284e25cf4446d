# When the cluster ends. Set by the apply that starts it, and kept by later ones until cluster_expiration changes.
resource "terraform_data" "started" {
  input            = plantimestamp()
  triggers_replace = [var.cluster_expiration]

  lifecycle {
    ignore_changes = [input]
  }
}

locals {
  expires_at = timeadd(terraform_data.started.output, var.cluster_expiration)
  # In hours.
  lifetime_hours = (
    try(tonumber(regex("([0-9]+)h", var.cluster_expiration)[0]), 0) +
    try(tonumber(regex("([0-9]+)m", var.cluster_expiration)[0]), 0) / 60
  )
  price_per_hour = var.spot_price == null || var.scheduler_price == null ? null : local.workers_max * var.spot_price + var.scheduler_price
  cost_bound     = local.price_per_hour == null ? null : tonumber(format("%.2f", local.price_per_hour * local.lifetime_hours))
}

# AWS does this, whether or not anybody's machine is on. The machines' own timers (templates/expire.sh) are the second fence.
resource "aws_autoscaling_schedule" "expiry" {
  scheduled_action_name  = "${local.name}-expiry"
  autoscaling_group_name = aws_autoscaling_group.workers.name
  start_time             = local.expires_at
  min_size               = 0
  max_size               = 0
  desired_capacity       = 0

  lifecycle {
    precondition {
      condition     = timecmp(local.expires_at, plantimestamp()) > 0
      error_message = "The cluster expired at ${local.expires_at}. Take down what is left with terraform destroy, or let it live again with another cluster_expiration."
    }
  }
}
