# One cloud-config for both roles. The scripts are plain files; what differs between machines is in /etc/taskflock.

locals {
  user_data_template = "${path.module}/templates/cloud-config.yaml.tftpl"

  shared_user_data = {
    scripts = {
      for name in ["prepare.sh", "secrets.sh", "run.sh", "expire.sh"] :
      name => file("${path.module}/templates/${name}")
    }
    units = {
      for name in ["taskflock.service", "taskflock-expire.service", "taskflock-certificates.service", "taskflock-certificates.timer"] :
      name => file("${path.module}/templates/${name}")
    }
    started  = ["taskflock.service", "taskflock-expire.service", "taskflock-certificates.timer"]
    journald = file("${path.module}/templates/journald.conf")
  }

  shared_env = {
    REGION        = data.aws_region.here.name
    IMAGE         = local.image
    CONTAINER_UID = var.container_uid
  }

  scheduler_user_data = templatefile(local.user_data_template, merge(local.shared_user_data, {
    secrets   = local.scheduler_secrets
    arguments = var.scheduler_arguments
    env = merge(local.shared_env, {
      ROLE              = "scheduler"
      GPUS              = "no"
      SCHEDULER_ADDRESS = ""
      EXPIRES_AT        = local.expires_at
    })
  }))

  worker_user_data = templatefile(local.user_data_template, merge(local.shared_user_data, {
    secrets   = local.worker_secrets
    arguments = var.worker_arguments
    env = merge(local.shared_env, {
      ROLE              = "worker"
      GPUS              = var.gpus ? "yes" : "no"
      SCHEDULER_ADDRESS = "${local.tls ? "wss" : "ws"}://${aws_instance.scheduler.private_ip}:8786"
      # A little after the group is set to 0, or it would start new ones.
      EXPIRES_AT = timeadd(local.expires_at, "10m")
    })
  }))
}
