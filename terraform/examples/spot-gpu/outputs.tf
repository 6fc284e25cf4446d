output "scheduler_info" {
  description = "The scheduler's instance and addresses."
  value       = module.taskflock.scheduler_info
}

output "workers_info" {
  description = "The workers' Auto Scaling group, and what it may start."
  value       = module.taskflock.workers_info
}

output "scheduler_status" {
  description = "Address of the status page."
  value       = module.taskflock.scheduler_status
}

output "image" {
  description = "The image that all machines run. Push it before workers are started."
  value       = module.taskflock.image
}

output "token_parameter" {
  description = "Name of the parameter that holds the token."
  value       = module.taskflock.token_parameter
}

output "expires_at" {
  description = "When the cluster ends, UTC."
  value       = module.taskflock.expires_at
}

output "cost_bound" {
  description = "The most that the machines may cost until then, USD; null unless spot_price and scheduler_price are given."
  value       = module.taskflock.cost_bound
}
