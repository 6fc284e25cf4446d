# What the machines boot with.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  contact      = "ada@example.com"
  department   = "research"
  token        = "0123456789abcdef0123456789abcdef0123456789abcdef"
  worker_token = "fedcba9876543210fedcba9876543210fedcba9876543210"
  certificates = "tests/certs"
}

run "defaults" {
  assert {
    condition     = !anytrue([for text in [local.scheduler_user_data, local.worker_user_data] : strcontains(text, var.token) || strcontains(text, var.worker_token) || strcontains(text, "-----BEGIN")])
    error_message = "The user data must hold neither tokens nor certificates and keys."
  }
  assert {
    condition     = length(local.scheduler_user_data) < 16384 && length(local.worker_user_data) < 16384
    error_message = "EC2 takes at most 16 KiB of user data."
  }
  assert {
    condition     = strcontains(local.worker_user_data, "SCHEDULER_ADDRESS='wss://10.0.1.10:8786'") && strcontains(local.worker_user_data, "GPUS='yes'")
    error_message = "Workers must find the scheduler by its private address, and have GPUs."
  }
  assert {
    condition     = base64decode(aws_launch_template.worker.user_data) == local.worker_user_data && aws_instance.scheduler.user_data == local.scheduler_user_data
    error_message = "The machines must get the user data."
  }
  assert {
    condition     = alltrue([for text in [local.worker_user_data, local.scheduler_user_data] : alltrue([for unit in ["taskflock.service", "taskflock-expire.service", "taskflock-certificates.timer"] : contains(flatten(yamldecode(text).runcmd), unit)])])
    error_message = "All machines must start the container, the timer that ends them, and the one that looks for new certificates."
  }
  assert {
    condition     = toset([for file in yamldecode(local.worker_user_data).write_files : file.path if file.permissions == "0755"]) == toset([for name in ["prepare.sh", "secrets.sh", "run.sh", "expire.sh"] : "/usr/local/lib/taskflock/${name}"])
    error_message = "All scripts must be there, and be programs."
  }
}

run "everything_given" {
  variables {
    scheduler_arguments = ["--log-level", "debug"]
    worker_arguments    = ["--threads", "4", "--resources", "disk=1,it's=2"]
    certificates        = null
    scheduler_secrets   = { "scheduler.pem" = "/team/taskflock/scheduler", "scheduler-key.pem" = "/team/taskflock/scheduler-key" }
    worker_secrets      = { "ca.pem" = "/team/taskflock/ca" }
    docker_registry     = "registry.example.com:5000/team/taskflock"
    image_digest        = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  }

  assert {
    condition     = [for file in yamldecode(local.worker_user_data).write_files : file.content if file.path == "/etc/taskflock/arguments"] == ["--threads\n4\n--resources\ndisk=1,it's=2\n"]
    error_message = "Arguments must reach the machine as they are, one per line."
  }
  assert {
    condition     = [for file in yamldecode(local.scheduler_user_data).write_files : file.content if file.path == "/etc/taskflock/secrets"] == ["scheduler-key.pem /team/taskflock/scheduler-key\nscheduler.pem /team/taskflock/scheduler\ntoken /taskflock/taskflock-default/token\nworker-token /taskflock/taskflock-default/worker-token\n"]
    error_message = "Secrets must be named, one per line."
  }
}
