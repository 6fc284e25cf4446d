# The network, and who gets in.

variable "subnet" {
  description = "Subnet of the scheduler, and of the workers unless worker_subnets says otherwise. Null: those of the default VPC."
  type        = string
  default     = null

  validation {
    condition     = var.subnet == null ? true : can(regex("^subnet-[0-9a-f]{8,17}$", var.subnet))
    error_message = "subnet must be a subnet's id, e.g. \"subnet-0123456789abcdef0\", or null for the default VPC."
  }
}

variable "worker_subnets" {
  description = "Subnets of the workers, best one per availability zone, because each zone has spot capacity of its own. Null: subnet."
  type        = list(string)
  default     = null

  validation {
    condition     = var.worker_subnets == null ? true : length(var.worker_subnets) > 0 && alltrue([for id in var.worker_subnets : can(regex("^subnet-[0-9a-f]{8,17}$", id))])
    error_message = "worker_subnets must be one or more subnets' ids, or null to go by subnet."
  }
}

variable "public_ip" {
  description = "Whether the machines get public addresses. Null: as the subnet says. Without one they need a NAT gateway or VPC endpoints."
  type        = bool
  default     = null

  validation {
    condition     = var.public_ip != false || var.subnet != null
    error_message = "public_ip is false, but machines in the default VPC reach ECR and Parameter Store by their public addresses only: give a subnet with a NAT gateway or VPC endpoints."
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

variable "security_group" {
  description = "An existing security group for all machines, instead of one made here; admin_cidrs then changes nothing."
  type        = string
  default     = null

  validation {
    condition     = var.security_group == null ? true : can(regex("^sg-[0-9a-f]{8,17}$", var.security_group))
    error_message = "security_group must be a security group's id, e.g. \"sg-0123456789abcdef0\", or null to have one made."
  }
}

variable "admin_cidrs" {
  description = "Networks from which people get in, e.g. [\"203.0.113.7/32\"]. [] is nobody: Session Manager alone."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.admin_cidrs : can(cidrhost(cidr, 0))])
    error_message = "admin_cidrs must be networks, e.g. [\"203.0.113.7/32\"]. A single address is written with /32, or /128 for IPv6."
  }
  validation {
    condition     = alltrue([for cidr in var.admin_cidrs : try(tonumber(split("/", cidr)[1]), 0) >= (strcontains(cidr, ":") ? 32 : 8)])
    error_message = "admin_cidrs must not let in the world: who reaches the scheduler and has its token owns the machines. Narrow it to your address, e.g. [\"203.0.113.7/32\"]."
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

# Secrets. They are read from Parameter Store by the machines; none is in the user data, the plan or the state.

variable "token" {
  description = "The cluster's token. It is written to Parameter Store and kept nowhere else. Null: token_parameter has it already."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.token == null ? true : can(regex("^[A-Za-z0-9_-]{32,256}$", var.token))
    error_message = "token must be 32 to 256 letters, digits, _ or -, e.g. from: openssl rand -hex 32."
  }
}

variable "worker_token" {
  description = "Another token, of which the workers' machines know alone: who has it joins and submits, and does not manage the cluster. It is written as token is. Null: token_parameter and worker_token_parameter say where tokens are."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.worker_token == null ? true : can(regex("^[A-Za-z0-9_-]{32,256}$", var.worker_token))
    error_message = "worker_token must be 32 to 256 letters, digits, _ or -, e.g. from: openssl rand -hex 32."
  }
  validation {
    condition     = var.worker_token == null ? true : var.worker_token != var.token
    error_message = "worker_token must be another than token, which may everything."
  }
}

variable "token_version" {
  description = "Count this up to have new tokens written; machines read them when taskflock.service starts."
  type        = number
  default     = 1

  validation {
    condition     = var.token_version >= 1 && floor(var.token_version) == var.token_version
    error_message = "token_version must be a whole number from 1 on. Count it up to change the token."
  }
}

variable "token_parameter" {
  description = "Name of an existing SecureString parameter that holds the token. Null: one is made for token."
  type        = string
  default     = null

  validation {
    condition     = var.token_parameter == null ? true : can(regex("^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", var.token_parameter))
    error_message = "token_parameter must be the full name of an SSM parameter, e.g. \"/team/taskflock/token\", or null."
  }
}

variable "worker_token_parameter" {
  description = "Name of an existing SecureString parameter that holds the workers' token, beside token_parameter. Null: one is made for worker_token, or, with token_parameter, workers get the cluster's own."
  type        = string
  default     = null

  validation {
    condition     = var.worker_token_parameter == null ? true : can(regex("^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", var.worker_token_parameter)) && var.token_parameter != null && var.worker_token_parameter != var.token_parameter
    error_message = "worker_token_parameter must be the full name of an SSM parameter, e.g. \"/team/taskflock/worker-token\", with token_parameter and another than it; or null."
  }
}

variable "certificates" {
  description = "Folder that taskflock certs init made: its ca.pem, scheduler.pem and scheduler-key.pem are written to Parameter Store, its ca-key.pem stays where it is. Null: scheduler_secrets and worker_secrets have them, or links are plain text."
  type        = string
  default     = null

  validation {
    condition     = var.certificates == null ? true : alltrue([for name in ["ca.pem", "scheduler.pem"] : can(regex("-----BEGIN CERTIFICATE-----", file("${pathexpand(var.certificates)}/${name}")))])
    error_message = "certificates must be a folder with ca.pem and scheduler.pem, e.g. \"certs\" after: taskflock certs init certs; or null."
  }
  validation {
    condition     = var.certificates == null ? true : can(regex("-----BEGIN ([A-Z]+ )?PRIVATE KEY-----", file("${pathexpand(var.certificates)}/scheduler-key.pem")))
    error_message = "The folder certificates must hold the key of scheduler.pem, too: scheduler-key.pem. taskflock certs renew FOLDER makes both anew."
  }
}

variable "scheduler_secrets" {
  description = "Files for the scheduler, from SecureString parameters: {\"key.pem\" = \"/team/taskflock/scheduler-key\"} is /run/taskflock/key.pem in its container. ca.pem, scheduler.pem and scheduler-key.pem are taken as certificates does."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for file, name in var.scheduler_secrets : can(regex("^[a-z0-9][a-z0-9._-]*$", file)) && !contains(["token", "worker-token"], file) && can(regex("^/[A-Za-z0-9_./-]+$", name))])
    error_message = "scheduler_secrets must map file names (small letters, digits, . _ -; not token, worker-token) to full names of SSM parameters, e.g. {\"ca.pem\" = \"/team/taskflock/ca\"}."
  }
}

variable "worker_secrets" {
  description = "The same for the workers, who take ca.pem."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for file, name in var.worker_secrets : can(regex("^[a-z0-9][a-z0-9._-]*$", file)) && !contains(["token", "worker-token"], file) && can(regex("^/[A-Za-z0-9_./-]+$", name))])
    error_message = "worker_secrets must map file names (small letters, digits, . _ -; not token, worker-token) to full names of SSM parameters, e.g. {\"ca.pem\" = \"/team/taskflock/ca\"}."
  }
}

variable "kms_key_arn" {
  description = "KMS key of disks, repository and parameters. Null: AWS's own keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key (not of an alias), e.g. from: aws kms describe-key --key-id alias/NAME; or null."
  }
}

# Whose it is, how long it lives, what it may cost.

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
