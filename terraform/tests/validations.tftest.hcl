# Each variable refuses what cannot be meant.

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

run "cluster_name_has_capitals" {
  command = plan

  variables {
    cluster_name = "Digits"
  }

  expect_failures = [var.cluster_name]
}

run "cluster_name_is_too_long" {
  command = plan

  variables {
    cluster_name = "a-cluster-for-many-digits"
  }

  expect_failures = [var.cluster_name]
}

run "instance_type_is_not_a_type" {
  command = plan

  variables {
    instance_type = "g4dn"
  }

  expect_failures = [var.instance_type]
}

run "alternative_instance_types_are_not_types" {
  command = plan

  variables {
    alternative_instance_types = ["g5.xlarge", "large"]
  }

  expect_failures = [var.alternative_instance_types]
}

run "alternative_instance_types_are_too_many" {
  command = plan

  variables {
    alternative_instance_types = [for n in range(40) : "g5.x${n}large"]
  }

  expect_failures = [var.alternative_instance_types]
}

run "spot_price_is_nothing" {
  command = plan

  variables {
    spot_price = 0
  }

  expect_failures = [var.spot_price]
}

run "spot_price_is_in_cents" {
  command = plan

  variables {
    spot_price = 500
  }

  expect_failures = [var.spot_price]
}

run "workers_num_is_negative" {
  command = plan

  variables {
    workers_num = -1
  }

  expect_failures = [var.workers_num]
}

run "workers_num_is_not_whole" {
  command = plan

  variables {
    workers_num = 1.5
  }

  expect_failures = [var.workers_num]
}

run "workers_max_is_below_workers_num" {
  command = plan

  variables {
    workers_num = 3
    workers_max = 2
  }

  expect_failures = [var.workers_max]
}

run "worker_replacement_is_another_word" {
  command = plan

  variables {
    worker_replacement = "rolling"
  }

  expect_failures = [var.worker_replacement]
}

run "scheduler_instance_type_is_not_a_type" {
  command = plan

  variables {
    scheduler_instance_type = "medium"
  }

  expect_failures = [var.scheduler_instance_type]
}

run "scheduler_spot_with_an_address_that_is_to_stay" {
  command = plan

  variables {
    scheduler_spot       = true
    subnet               = "subnet-0123456789abcdef0"
    scheduler_private_ip = "10.0.1.20"
  }

  expect_failures = [var.scheduler_spot]
}

run "docker_registry_is_a_url" {
  command = plan

  variables {
    docker_registry = "https://registry.example.com/taskflock"
  }

  expect_failures = [var.docker_registry]
}

run "docker_registry_has_a_tag" {
  command = plan

  variables {
    docker_registry = "registry.example.com/taskflock:gpu"
  }

  expect_failures = [var.docker_registry]
}

run "image_tag_has_a_colon" {
  command = plan

  variables {
    image_tag = "taskflock:gpu"
  }

  expect_failures = [var.image_tag]
}

run "image_digest_is_short" {
  command = plan

  variables {
    image_digest = "sha256:abc"
  }

  expect_failures = [var.image_digest]
}

run "container_uid_is_root" {
  command = plan

  variables {
    container_uid = 0
  }

  expect_failures = [var.container_uid]
}

run "gpus_are_paid_for_and_not_used" {
  command = plan

  variables {
    gpus = false
  }

  expect_failures = [var.gpus]
}

run "worker_ami_parameter_is_an_ami" {
  command = plan

  variables {
    worker_ami_parameter = "ami-0123456789abcdef0"
  }

  expect_failures = [var.worker_ami_parameter]
}

run "scheduler_ami_parameter_is_an_ami" {
  command = plan

  variables {
    scheduler_ami_parameter = "ami-0123456789abcdef0"
  }

  expect_failures = [var.scheduler_ami_parameter]
}

run "worker_disk_gb_is_too_small" {
  command = plan

  variables {
    worker_disk_gb = 8
  }

  expect_failures = [var.worker_disk_gb]
}

run "scheduler_disk_gb_is_too_small" {
  command = plan

  variables {
    scheduler_disk_gb = 8
  }

  expect_failures = [var.scheduler_disk_gb]
}

run "scheduler_arguments_have_a_line_break" {
  command = plan

  variables {
    scheduler_arguments = ["--log-level\n--evil"]
  }

  expect_failures = [var.scheduler_arguments]
}

run "scheduler_arguments_have_a_secret" {
  command = plan

  variables {
    scheduler_arguments = ["--token=secret"]
  }

  expect_failures = [var.scheduler_arguments]
}

run "worker_arguments_have_an_empty_one" {
  command = plan

  variables {
    worker_arguments = [""]
  }

  expect_failures = [var.worker_arguments]
}

run "subnet_is_a_network" {
  command = plan

  variables {
    subnet = "10.0.1.0/24"
  }

  expect_failures = [var.subnet]
}

run "worker_subnets_are_none" {
  command = plan

  variables {
    worker_subnets = []
  }

  expect_failures = [var.worker_subnets]
}

run "public_ip_is_none_in_the_default_vpc" {
  command = plan

  variables {
    public_ip = false
  }

  expect_failures = [var.public_ip]
}

run "scheduler_private_ip_is_not_an_address" {
  command = plan

  variables {
    subnet               = "subnet-0123456789abcdef0"
    scheduler_private_ip = "scheduler"
  }

  expect_failures = [var.scheduler_private_ip]
}

run "scheduler_private_ip_without_a_subnet" {
  command = plan

  variables {
    scheduler_private_ip = "10.0.1.20"
  }

  expect_failures = [var.scheduler_private_ip]
}

run "security_group_is_a_name" {
  command = plan

  variables {
    security_group = "default"
  }

  expect_failures = [var.security_group]
}

run "admin_cidrs_are_an_address" {
  command = plan

  variables {
    admin_cidrs = ["203.0.113.7"]
  }

  expect_failures = [var.admin_cidrs]
}

run "admin_cidrs_are_the_world" {
  command = plan

  variables {
    admin_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.admin_cidrs]
}

run "admin_cidrs_are_half_the_world" {
  command = plan

  variables {
    admin_cidrs = ["128.0.0.0/1", "0.0.0.0/1"]
  }

  expect_failures = [var.admin_cidrs]
}

run "admin_cidrs_are_the_world_of_ipv6" {
  command = plan

  variables {
    admin_cidrs = ["::/0"]
  }

  expect_failures = [var.admin_cidrs]
}

run "certificates_are_not_there" {
  command = plan

  variables {
    certificates = "tests/no-such-folder"
  }

  expect_failures = [var.certificates]
}

run "ssh_public_key_file_is_not_there" {
  command = plan

  variables {
    ssh_public_key_file = "tests/no-such-key.pub"
  }

  expect_failures = [var.ssh_public_key_file]
}

run "ssh_public_key_file_is_no_public_key" {
  command = plan

  variables {
    ssh_public_key_file = "tests/validations.tftest.hcl"
  }

  expect_failures = [var.ssh_public_key_file]
}

run "token_is_short" {
  command = plan

  variables {
    token = "secret"
  }

  expect_failures = [var.token]
}

run "worker_token_is_short" {
  command = plan

  variables {
    worker_token = "secret"
  }

  expect_failures = [var.worker_token]
}

run "worker_token_is_the_token" {
  command = plan

  variables {
    worker_token = "0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  expect_failures = [var.worker_token]
}

run "worker_token_parameter_without_token_parameter" {
  command = plan

  variables {
    worker_token_parameter = "/team/taskflock/worker-token"
  }

  expect_failures = [var.worker_token_parameter]
}

run "token_version_is_nothing" {
  command = plan

  variables {
    token_version = 0
  }

  expect_failures = [var.token_version]
}

run "token_parameter_is_not_a_full_name" {
  command = plan

  variables {
    token_parameter = "token"
  }

  expect_failures = [var.token_parameter]
}

run "scheduler_secrets_go_to_another_folder" {
  command = plan

  variables {
    scheduler_secrets = { "../../etc/passwd" = "/team/key" }
  }

  expect_failures = [var.scheduler_secrets]
}

run "worker_secrets_hide_the_token" {
  command = plan

  variables {
    worker_secrets = { token = "/team/key" }
  }

  expect_failures = [var.worker_secrets]
}

run "kms_key_arn_is_an_alias" {
  command = plan

  variables {
    kms_key_arn = "alias/taskflock"
  }

  expect_failures = [var.kms_key_arn]
}

run "contact_is_empty" {
  command = plan

  variables {
    contact = ""
  }

  expect_failures = [var.contact]
}

run "department_has_brackets" {
  command = plan

  variables {
    department = "<research>"
  }

  expect_failures = [var.department]
}

run "cluster_owner_has_brackets" {
  command = plan

  variables {
    cluster_owner = "<ada>"
  }

  expect_failures = [var.cluster_owner]
}

run "cluster_expiration_is_a_number" {
  command = plan

  variables {
    cluster_expiration = "3"
  }

  expect_failures = [var.cluster_expiration]
}

run "cluster_expiration_is_never" {
  command = plan

  variables {
    cluster_expiration = ""
  }

  expect_failures = [var.cluster_expiration]
}

run "cluster_expiration_is_a_year" {
  command = plan

  variables {
    cluster_expiration = "8760h"
  }

  expect_failures = [var.cluster_expiration]
}

run "max_cost_without_prices" {
  command = plan

  variables {
    max_cost = 10
  }

  expect_failures = [var.max_cost]
}

run "max_cost_is_nothing" {
  command = plan

  variables {
    max_cost        = 0
    spot_price      = 0.3
    scheduler_price = 0.05
  }

  expect_failures = [var.max_cost]
}

run "scheduler_price_is_nothing" {
  command = plan

  variables {
    scheduler_price = 0
  }

  expect_failures = [var.scheduler_price]
}
