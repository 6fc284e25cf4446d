variable "region" {
  description = "AWS region of the cluster."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region of AWS, e.g. \"eu-central-1\"."
  }
}

variable "admin_cidrs" {
  description = "Networks from which people get in. Null: the address you come from. []: nobody, Session Manager alone."
  type        = list(string)
  default     = null

  validation {
    condition     = var.admin_cidrs == null ? true : alltrue([for cidr in var.admin_cidrs : can(cidrhost(cidr, 0))])
    error_message = "admin_cidrs must be networks, e.g. [\"203.0.113.7/32\"]; or null for the address you come from."
  }
}

variable "cluster_name" {
  description = "Name of the cluster; with the workspace it begins the name of everything made here."
  type        = string
  default     = "taskflock"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.cluster_name))
    error_message = "cluster_name must be 1 to 20 small letters, digits or dashes and begin with a letter, e.g. \"digits\"."
  }
}

variable "instance_type" {
  description = "Instance type of the workers that is wanted most."
  type        = string
  default     = "g4dn.xlarge"

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type must be an EC2 instance type, e.g. \"g4dn.xlarge\"."
  }
}

variable "alternative_instance_types" {
  description = "Types that will do as well. The more there are, the more seldom no spot capacity is left."
  type        = list(string)
  default     = ["g4dn.2xlarge", "g5.xlarge", "g5.2xlarge", "g6.xlarge", "g6.2xlarge"]

  validation {
    condition     = alltrue([for type in var.alternative_instance_types : can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", type))])
    error_message = "alternative_instance_types must all be EC2 instance types, e.g. [\"g5.xlarge\", \"g6.xlarge\"], or [] for none."
  }
  validation {
    condition     = length(var.alternative_instance_types) <= 39
    error_message = "An Auto Scaling group takes 40 instance types: give at most 39 beside instance_type."
  }
}

variable "spot_price" {
  description = "The most that a worker may cost, in USD per hour. Null: up to the price on demand, at which AWS caps spot."
  type        = number
  default     = null

  validation {
    condition     = var.spot_price == null ? true : var.spot_price > 0 && var.spot_price <= 100
    error_message = "spot_price is in USD per hour and instance, above 0 and at most 100, e.g. 0.25; or null for the price on demand as the bound."
  }
}

variable "workers_num" {
  description = "How many worker instances to start. 0: none, the scheduler alone."
  type        = number
  default     = 2

  validation {
    condition     = var.workers_num >= 0 && var.workers_num <= 500 && floor(var.workers_num) == var.workers_num
    error_message = "workers_num must be a whole number from 0 to 500."
  }
}

variable "workers_max" {
  description = "How many the group may be scaled up to. Null: workers_num."
  type        = number
  default     = null

  validation {
    condition     = var.workers_max == null ? true : var.workers_max >= var.workers_num && var.workers_max <= 500 && floor(var.workers_max) == var.workers_max
    error_message = "workers_max must be a whole number from workers_num to 500, or null for workers_num."
  }
}

variable "scheduler_instance_type" {
  description = "Instance type of the scheduler. It needs no GPU."
  type        = string
  default     = "t3.medium"

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.scheduler_instance_type))
    error_message = "scheduler_instance_type must be an EC2 instance type, e.g. \"t3.medium\"."
  }
}

variable "contact" {
  description = "Whom to ask about the cluster, an e-mail address or a name: a tag."
  type        = string

  validation {
    condition     = can(regex("^[\\p{L}0-9 _.:/=+@-]{2,256}$", var.contact))
    error_message = "contact must be an e-mail address or a name of 2 to 256 letters, digits, spaces or _.:/=+@-, because it becomes a tag."
  }
}

variable "department" {
  description = "Who pays: a tag."
  type        = string

  validation {
    condition     = can(regex("^[\\p{L}0-9 _.:/=+@-]{1,256}$", var.department))
    error_message = "department must be 1 to 256 letters, digits, spaces or _.:/=+@-, because it becomes a tag."
  }
}

variable "cluster_owner" {
  description = "Who started it: a tag. Null: contact."
  type        = string
  default     = null

  validation {
    condition     = var.cluster_owner == null ? true : can(regex("^[\\p{L}0-9 _.:/=+@-]{1,256}$", var.cluster_owner))
    error_message = "cluster_owner must be 1 to 256 letters, digits, spaces or _.:/=+@-, because it becomes a tag; or null for contact."
  }
}

variable "cluster_expiration" {
  description = "How long the cluster lives, from the apply that starts it; then its machines end, whoever forgot it. A change counts anew."
  type        = string
  default     = "3h"

  validation {
    condition     = can(regex("^([0-9]+h)?([0-9]+m)?$", var.cluster_expiration)) && can(timeadd("2000-01-01T00:00:00Z", var.cluster_expiration))
    error_message = "cluster_expiration must be hours and minutes, e.g. \"3h\", \"90m\" or \"1h30m\"."
  }
  validation {
    condition     = try(timecmp(timeadd("2000-01-01T00:00:00Z", var.cluster_expiration), "2000-01-01T00:10:00Z") >= 0 && timecmp(timeadd("2000-01-01T00:00:00Z", var.cluster_expiration), "2000-01-31T00:00:00Z") <= 0, true)
    error_message = "cluster_expiration must be from 10 minutes to 30 days (720h)."
  }
}

variable "max_cost" {
  description = "The most that the machines may cost until they expire, in USD: a plan that could go beyond is refused. Needs spot_price and scheduler_price. Null: no bound."
  type        = number
  default     = null

  validation {
    condition     = var.max_cost == null ? true : var.max_cost > 0
    error_message = "max_cost is in USD for the cluster's whole life, above 0, e.g. 10; or null for no bound."
  }
  validation {
    condition     = var.max_cost == null || (var.spot_price != null && var.scheduler_price != null)
    error_message = "max_cost can be held only when prices are known: give spot_price (the most that a worker may cost per hour) and scheduler_price as well."
  }
}

variable "scheduler_price" {
  description = "What the scheduler's instance costs, in USD per hour, for max_cost."
  type        = number
  default     = null

  validation {
    condition     = var.scheduler_price == null ? true : var.scheduler_price > 0 && var.scheduler_price <= 100
    error_message = "scheduler_price is in USD per hour, above 0 and at most 100, as AWS's price list says for scheduler_instance_type; or null."
  }
}

variable "subnet" {
  description = "Subnet of the scheduler, and of the workers unless worker_subnets says otherwise. Null: those of the default VPC."
  type        = string
  default     = null

  validation {
    condition     = var.subnet == null ? true : can(regex("^subnet-[0-9a-f]{8,17}$", var.subnet))
    error_message = "subnet must be a subnet's id, e.g. \"subnet-0123456789abcdef0\", or null for the default VPC."
  }
}

variable "security_group" {
  description = "An existing security group for all machines, instead of one made here; admin_cidrs then changes nothing."
  type        = string
  default     = null

  validation {
    condition     = var.security_group == null ? true : can(regex("^sg-[0-9a-f]{8,17}$", var.security_group))
    error_message = "security_group must be a security group's id, e.g. \"sg-0123456789abcdef0\", or null to have one made."
  }
}

variable "scheduler_private_ip" {
  description = "Private address of the scheduler, one of its subnet. Null: AWS chooses."
  type        = string
  default     = null

  validation {
    condition     = var.scheduler_private_ip == null ? true : can(cidrhost("${var.scheduler_private_ip}/32", 0))
    error_message = "scheduler_private_ip must be an IPv4 address of the subnet, e.g. \"10.0.1.10\", or null."
  }
  validation {
    condition     = var.scheduler_private_ip == null || var.subnet != null
    error_message = "scheduler_private_ip is an address of one subnet: give that subnet, too."
  }
}

variable "docker_registry" {
  description = "Where the image is, without a tag, e.g. registry.example.com/team/taskflock. Null: an ECR repository is made here."
  type        = string
  default     = null

  validation {
    condition     = var.docker_registry == null ? true : can(regex("^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+$", var.docker_registry))
    error_message = "docker_registry must be a registry and a repository without https:// and without a tag, e.g. \"registry.example.com/team/taskflock\"; or null for a repository in ECR."
  }
}

variable "image_tag" {
  description = "Tag of the image that workers and scheduler run."
  type        = string
  default     = "gpu"

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image_tag))
    error_message = "image_tag must be a tag of the image, e.g. \"gpu\" or \"0.1.0-gpu\"."
  }
}

variable "image_digest" {
  description = "Digest of the image, instead of its tag: what runs then cannot change unseen."
  type        = string
  default     = null

  validation {
    condition     = var.image_digest == null ? true : can(regex("^sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "image_digest must be sha256: and 64 hexadecimal digits, as docker push prints it, or null to go by image_tag."
  }
}

variable "ssh_public_key_file" {
  description = "Path of an SSH public key for the machines. Null: no key and no port 22; Session Manager gives a shell."
  type        = string
  default     = null

  validation {
    condition     = var.ssh_public_key_file == null ? true : can(regex("^(ssh-(rsa|ed25519)|ecdsa-sha2-nistp[0-9]+) ", file(pathexpand(var.ssh_public_key_file))))
    error_message = "ssh_public_key_file must be the path of a readable PUBLIC key, e.g. \"~/.ssh/id_ed25519.pub\", or null for Session Manager."
  }
}

variable "certificates" {
  description = "Folder that taskflock certs init made: its ca.pem, scheduler.pem and scheduler-key.pem are written to Parameter Store, its ca-key.pem stays where it is."
  type        = string
  default     = "certs"

  validation {
    condition     = alltrue([for name in ["ca.pem", "scheduler.pem"] : can(regex("-----BEGIN CERTIFICATE-----", file("${pathexpand(var.certificates)}/${name}")))])
    error_message = "certificates must be a folder with ca.pem and scheduler.pem, e.g. \"certs\" after: taskflock certs init certs."
  }
  validation {
    condition     = can(regex("-----BEGIN ([A-Z]+ )?PRIVATE KEY-----", file("${pathexpand(var.certificates)}/scheduler-key.pem")))
    error_message = "The folder certificates must hold the key of scheduler.pem, too: scheduler-key.pem. taskflock certs renew FOLDER makes both anew."
  }
}

variable "token_version" {
  description = "Count this up to have a new token written; machines read it when taskflock.service starts."
  type        = number
  default     = 1

  validation {
    condition     = var.token_version >= 1 && floor(var.token_version) == var.token_version
    error_message = "token_version must be a whole number from 1 on. Count it up to change the token."
  }
}
