# What a cluster is made of, and what it must not be.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  contact      = "ada@example.com"
  department   = "research"
  token        = "0123456789abcdef0123456789abcdef0123456789abcdef"
  worker_token = "fedcba9876543210fedcba9876543210fedcba9876543210"
  certificates = "tests/certs"
  admin_cidrs  = ["203.0.113.7/32", "2001:db8:1::/48"]
}

run "defaults" {
  assert {
    condition     = alltrue([for options in [aws_instance.scheduler.metadata_options[0], aws_launch_template.worker.metadata_options[0]] : options.http_tokens == "required" && options.http_put_response_hop_limit == 2])
    error_message = "Metadata must need a token (IMDSv2), two hops away, for containers."
  }
  assert {
    condition     = aws_instance.scheduler.root_block_device[0].encrypted && aws_launch_template.worker.block_device_mappings[0].ebs[0].encrypted == "true"
    error_message = "Disks must be encrypted."
  }
  assert {
    condition     = aws_launch_template.worker.block_device_mappings[0].device_name == "/dev/xvda"
    error_message = "The root device's name must be the AMI's: another name is a second, unused disk."
  }
  assert {
    condition     = length(aws_instance.scheduler.instance_market_options) == 0 && aws_instance.scheduler.instance_type == "t3.medium"
    error_message = "The scheduler must be on demand by default, of its own type."
  }
  assert {
    condition     = aws_instance.scheduler.instance_initiated_shutdown_behavior == "terminate" && aws_launch_template.worker.instance_initiated_shutdown_behavior == "terminate"
    error_message = "A machine that powers off must be gone, or it costs on."
  }
  assert {
    condition     = aws_autoscaling_group.workers.capacity_rebalance && aws_autoscaling_group.workers.mixed_instances_policy[0].instances_distribution[0].spot_allocation_strategy == "price-capacity-optimized"
    error_message = "Workers must be spot instances where capacity is likely to last, replaced before they are taken."
  }
  assert {
    condition     = aws_autoscaling_group.workers.mixed_instances_policy[0].instances_distribution[0].on_demand_percentage_above_base_capacity == 0 && length(aws_autoscaling_group.workers.mixed_instances_policy[0].launch_template[0].override) == 6
    error_message = "Workers must all be spot, of several types."
  }
  assert {
    condition     = aws_autoscaling_group.workers.desired_capacity == 2 && aws_autoscaling_group.workers.max_size == 2 && aws_autoscaling_group.workers.min_size == 0
    error_message = "There must be workers_num workers, and no more."
  }
  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.admin : "${coalesce(rule.cidr_ipv4, rule.cidr_ipv6)} ${rule.from_port}-${rule.to_port}"]) == toset(flatten([for cidr in var.admin_cidrs : [for port in [8786, 8787] : "${cidr} ${port}-${port}"]])) && length(aws_key_pair.admin) == 0
    error_message = "The ports that speak TLS must be open to admin_cidrs, and SSH to nobody unless asked for."
  }
  assert {
    condition     = alltrue([for parameter in [aws_ssm_parameter.token[0], aws_ssm_parameter.worker_token[0]] : parameter.type == "SecureString" && parameter.value != var.token && parameter.value != var.worker_token])
    error_message = "The tokens must be SecureStrings, and written once, not kept."
  }
  assert {
    condition     = alltrue([for name, parameter in aws_ssm_parameter.certificates : parameter.type == "SecureString" && parameter.value != file("tests/certs/${name}") && parameter.value_wo_version > 0]) && keys(aws_ssm_parameter.certificates) == ["ca.pem", "scheduler-key.pem", "scheduler.pem"]
    error_message = "Certificates must be SecureStrings, without the authority's key, and written once, not kept."
  }
  assert {
    condition     = output.scheduler_status == "https://198.51.100.10:8787/status" && output.scheduler_info.address == "wss://198.51.100.10:8786" && output.workers_info.workers_num == 2
    error_message = "The outputs must say where the cluster is."
  }
  assert {
    condition     = output.image == "000000000000.dkr.ecr.eu-central-1.amazonaws.com/taskflock-default:gpu" && output.token_parameter == "/taskflock/taskflock-default/token"
    error_message = "The outputs must name the image and the token's parameter."
  }
  assert {
    condition     = timecmp(aws_autoscaling_schedule.expiry.start_time, timeadd(terraform_data.started.output, "3h")) == 0 && aws_autoscaling_schedule.expiry.max_size == 0 && aws_autoscaling_schedule.expiry.desired_capacity == 0
    error_message = "AWS must take all workers away 3 hours after the start."
  }
}

run "least_privilege" {
  variables {
    scheduler_secrets = { "users.json" = "/team/taskflock/users" }
    kms_key_arn       = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.node["worker"].policy).Statement[0].Resource == [
      "arn:aws:ssm:eu-central-1:000000000000:parameter/taskflock/taskflock-default/ca.pem",
      "arn:aws:ssm:eu-central-1:000000000000:parameter/taskflock/taskflock-default/worker-token",
    ]
    error_message = "A worker must read the workers' token and the authority's certificate, and no other parameter: not the token that may everything, not the scheduler's key."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.node["scheduler"].policy).Statement[0].Resource == [
      "arn:aws:ssm:eu-central-1:000000000000:parameter/taskflock/taskflock-default/ca.pem",
      "arn:aws:ssm:eu-central-1:000000000000:parameter/taskflock/taskflock-default/scheduler-key.pem",
      "arn:aws:ssm:eu-central-1:000000000000:parameter/taskflock/taskflock-default/scheduler.pem",
      "arn:aws:ssm:eu-central-1:000000000000:parameter/taskflock/taskflock-default/token",
      "arn:aws:ssm:eu-central-1:000000000000:parameter/taskflock/taskflock-default/worker-token",
      "arn:aws:ssm:eu-central-1:000000000000:parameter/team/taskflock/users",
    ]
    error_message = "The scheduler must read its own parameters, and no others."
  }
  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.node["worker"].policy).Statement : statement.Action if statement.Resource == "*"])) == toset([
      "ecr:GetAuthorizationToken",
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ])
    error_message = "Only actions that know no resources may be allowed on all."
  }
  assert {
    condition     = !anytrue([for action in flatten([for policy in aws_iam_role_policy.node : [for statement in jsondecode(policy.policy).Statement : statement.Action]]) : strcontains(action, "*")])
    error_message = "Actions must be named one by one."
  }
  assert {
    condition     = aws_instance.scheduler.root_block_device[0].kms_key_id == var.kms_key_arn && aws_ecr_repository.taskflock[0].encryption_configuration[0].kms_key == var.kms_key_arn && aws_ssm_parameter.token[0].key_id == var.kms_key_arn
    error_message = "Disks, repository and parameters must be encrypted with the key given."
  }
  assert {
    condition     = strcontains(local.scheduler_user_data, "users.json /team/taskflock/users") && strcontains(local.scheduler_user_data, "scheduler-key.pem /taskflock/taskflock-default/scheduler-key.pem") && !strcontains(local.worker_user_data, "key.pem /") && !strcontains(local.worker_user_data, "users.json")
    error_message = "Certificates and other secrets must come from their parameters, to the role that they are for."
  }
}

run "nobody_else_gets_in" {
  variables {
    ssh_public_key_file = "tests/key.pub"
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.admin : "${coalesce(rule.cidr_ipv4, rule.cidr_ipv6)} ${rule.from_port}-${rule.to_port}"]) == toset(flatten([for cidr in var.admin_cidrs : [for port in [8786, 8787, 22] : "${cidr} ${port}-${port}"]]))
    error_message = "Only admin_cidrs may come in, and only by the three ports."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.peers : rule.referenced_security_group_id == aws_security_group.cluster[0].id])
    error_message = "The machines' own ports must be for themselves alone."
  }
  assert {
    condition     = aws_launch_template.worker.key_name == aws_key_pair.admin[0].key_name && aws_instance.scheduler.key_name == aws_key_pair.admin[0].key_name
    error_message = "The key must be on all machines."
  }
}

run "plain_text_is_open_to_nobody" {
  variables {
    certificates        = null
    scheduler_arguments = ["--insecure"]
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.admin) == 0 && length(aws_ssm_parameter.certificates) == 0
    error_message = "Nothing may come in from outside in plain text."
  }
  assert {
    condition     = output.scheduler_status == "http://198.51.100.10:8787/status" && strcontains(local.worker_user_data, "SCHEDULER_ADDRESS='ws://10.0.1.10:8786'")
    error_message = "Addresses must say that links are plain text."
  }
}

run "certificates_of_other_parameters" {
  variables {
    certificates      = null
    scheduler_secrets = { "scheduler.pem" = "/team/certificate", "scheduler-key.pem" = "/team/key" }
    worker_secrets    = { "ca.pem" = "/team/ca" }
  }

  assert {
    condition     = startswith(output.scheduler_status, "https://") && length(aws_ssm_parameter.certificates) == 0 && length(aws_vpc_security_group_ingress_rule.admin) == 4
    error_message = "Certificates that are in Parameter Store already must do as well."
  }
}

run "no_certificates" {
  command = plan

  variables {
    certificates = null
  }

  expect_failures = [aws_instance.scheduler]
}

run "no_authority_for_workers" {
  command = plan

  variables {
    certificates      = null
    scheduler_secrets = { "scheduler.pem" = "/team/certificate", "scheduler-key.pem" = "/team/key" }
  }

  expect_failures = [aws_instance.scheduler]
}

run "the_talks_variables" {
  variables {
    instance_type              = "c7i.xlarge"
    alternative_instance_types = []
    gpus                       = false
    spot_price                 = 0.25
    workers_num                = 3
    workers_max                = 8
    subnet                     = "subnet-0123456789abcdef0"
    security_group             = "sg-0fedcba9876543210"
    scheduler_private_ip       = "10.0.1.20"
    docker_registry            = "registry.example.com/team/taskflock"
    image_digest               = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
    max_cost                   = 7
    scheduler_price            = 0.05
  }

  assert {
    condition     = aws_instance.scheduler.private_ip == "10.0.1.20" && aws_instance.scheduler.subnet_id == var.subnet && tolist(aws_autoscaling_group.workers.vpc_zone_identifier) == tolist([var.subnet])
    error_message = "subnet and scheduler_private_ip must be kept to."
  }
  assert {
    condition     = length(aws_security_group.cluster) == 0 && length(aws_vpc_security_group_ingress_rule.admin) == 0 && tolist(aws_instance.scheduler.vpc_security_group_ids) == tolist([var.security_group])
    error_message = "security_group must be used, and not changed."
  }
  assert {
    condition     = length(aws_ecr_repository.taskflock) == 0 && output.image == "${var.docker_registry}@${var.image_digest}" && !strcontains(aws_iam_role_policy.node["worker"].policy, "ecr:")
    error_message = "docker_registry must be used, and no repository made."
  }
  assert {
    condition     = aws_autoscaling_group.workers.mixed_instances_policy[0].instances_distribution[0].spot_max_price == "0.25" && aws_autoscaling_group.workers.max_size == 8 && aws_autoscaling_group.workers.desired_capacity == 3
    error_message = "spot_price and workers_num must be kept to."
  }
  assert {
    condition     = output.cost_bound == 6.15
    error_message = "8 workers at 0.25 and a scheduler at 0.05 for 3 hours may cost 6.15."
  }
  assert {
    condition     = strcontains(local.worker_user_data, "GPUS='no'")
    error_message = "gpus = false must start containers without."
  }
}

run "tags" {
  variables {
    cluster_owner = "grace"
  }

  assert {
    condition = alltrue([for tags in [aws_instance.scheduler.tags, aws_instance.scheduler.volume_tags, aws_launch_template.worker.tag_specifications[0].tags, aws_launch_template.worker.tag_specifications[1].tags] :
      tags.contact == "ada@example.com" && tags.department == "research" && tags.cluster_owner == "grace" && tags.cluster_expiration == "3h" && tags.workspace == terraform.workspace && startswith(tags.Name, "taskflock-${terraform.workspace}-")
    ])
    error_message = "Instances and volumes must say whose they are, until when, and of which workspace."
  }
  assert {
    condition     = toset(aws_launch_template.worker.tag_specifications[*].resource_type) == toset(["instance", "volume", "network-interface"])
    error_message = "Workers' instances, volumes and network interfaces must be tagged."
  }
}

run "a_spot_scheduler" {
  variables {
    scheduler_spot = true
  }

  assert {
    condition     = aws_instance.scheduler.instance_market_options[0].spot_options[0].instance_interruption_behavior == "terminate" && aws_instance.scheduler.instance_market_options[0].market_type == "spot"
    error_message = "A scheduler on spot must be gone when AWS takes it back."
  }
}

run "costs_too_much" {
  command = plan

  variables {
    spot_price      = 1
    scheduler_price = 0.05
    max_cost        = 5
  }

  expect_failures = [aws_instance.scheduler]
}

run "no_token" {
  command = plan

  variables {
    token = null
  }

  expect_failures = [aws_ssm_parameter.token]
}

run "no_worker_token" {
  command = plan

  variables {
    worker_token = null
  }

  expect_failures = [aws_ssm_parameter.worker_token]
}

run "tokens_that_are_there" {
  command = plan

  variables {
    token_parameter        = "/team/taskflock/token"
    worker_token_parameter = "/team/taskflock/worker-token"
    token                  = null
    worker_token           = null
  }

  assert {
    condition     = length(aws_ssm_parameter.token) == 0 && length(aws_ssm_parameter.worker_token) == 0
    error_message = "Tokens that are there are not made."
  }
  assert {
    condition     = local.worker_secrets["token"] == "/team/taskflock/worker-token" && local.scheduler_secrets["token"] == "/team/taskflock/token" && local.scheduler_secrets["worker-token"] == "/team/taskflock/worker-token"
    error_message = "Each machine must read the token of its role; the scheduler knows both."
  }
}

run "one_token_that_is_there" {
  command = plan

  variables {
    token_parameter = "/team/taskflock/token"
    token           = null
    worker_token    = null
  }

  assert {
    condition     = local.worker_secrets["token"] == "/team/taskflock/token" && !contains(keys(local.scheduler_secrets), "worker-token")
    error_message = "Without a token of their own workers must read the cluster's."
  }
}

run "an_address_of_another_subnet" {
  command = plan

  variables {
    subnet               = "subnet-0123456789abcdef0"
    scheduler_private_ip = "10.9.9.9"
  }

  expect_failures = [data.aws_subnet.scheduler]
}

run "a_repository_in_ecr_that_is_there_already" {
  variables {
    docker_registry = "000000000001.dkr.ecr.eu-west-1.amazonaws.com/team/taskflock"
  }

  assert {
    condition     = length(aws_ecr_repository.taskflock) == 0 && one([for statement in jsondecode(aws_iam_role_policy.node["worker"].policy).Statement : statement.Resource if try(statement.Sid, "") == "PullImage"]) == "arn:aws:ecr:eu-west-1:000000000001:repository/team/taskflock"
    error_message = "Machines must be allowed to pull from a repository in ECR that was given."
  }
}
