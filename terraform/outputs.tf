locals {
  # Without a public address: for those who are in its network, or at the end of a tunnel.
  scheduler_host = aws_instance.scheduler.public_ip == "" ? aws_instance.scheduler.private_ip : aws_instance.scheduler.public_ip
}

output "scheduler_info" {
  description = "The scheduler's instance and addresses."
  value = {
    instance_id   = aws_instance.scheduler.id
    instance_type = aws_instance.scheduler.instance_type
    private_ip    = aws_instance.scheduler.private_ip
    public_ip     = aws_instance.scheduler.public_ip
    address       = "${local.tls ? "wss" : "ws"}://${local.scheduler_host}:8786"
  }
}

output "workers_info" {
  description = "The workers' Auto Scaling group, and what it may start."
  value = {
    autoscaling_group = aws_autoscaling_group.workers.name
    launch_template   = aws_launch_template.worker.id
    workers_num       = var.workers_num
    workers_max       = local.workers_max
    instance_types    = distinct(concat([var.instance_type], var.alternative_instance_types))
    spot_price        = var.spot_price
  }
}

output "scheduler_status" {
  description = "Address of the status page."
  value       = "${local.tls ? "https" : "http"}://${local.scheduler_host}:8787/status"
}

output "image" {
  description = "The image that all machines run. Push it before workers are started."
  value       = local.image
}

output "token_parameter" {
  description = "Name of the parameter that holds the token; aws ssm get-parameter --with-decryption reads it."
  value       = local.token_parameter
}

output "expires_at" {
  description = "When the cluster ends, UTC."
  value       = local.expires_at
}

output "cost_bound" {
  description = "The most that the machines may cost until then, USD; null unless spot_price and scheduler_price are given."
  value       = local.cost_bound
}
