# What the workers are, and how many.

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

variable "worker_replacement" {
  description = "Who replaces workers when what they boot with changes. \"refresh\": the group, half of them at a time. \"none\": you, as taskflock aws up does, one by one as each has retired."
  type        = string
  default     = "refresh"

  validation {
    condition     = contains(["refresh", "none"], var.worker_replacement)
    error_message = "worker_replacement must be \"refresh\", upon which the group replaces workers itself, or \"none\"."
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

variable "scheduler_spot" {
  description = "Whether the scheduler is a spot instance, too. When AWS takes it back, the cluster is gone."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.scheduler_spot || var.scheduler_private_ip == null
    error_message = "scheduler_spot with a scheduler_private_ip promises an address that AWS can take back: keep the scheduler on demand, or leave scheduler_private_ip null."
  }
}

# The image.

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

variable "container_uid" {
  description = "User id of the process in the container; the secrets' files belong to it."
  type        = number
  default     = 1000

  validation {
    condition     = var.container_uid >= 1 && var.container_uid <= 65533 && floor(var.container_uid) == var.container_uid
    error_message = "container_uid must be a whole number from 1 to 65533. 0 is root, as which nothing runs here."
  }
}

variable "gpus" {
  description = "Whether the workers' containers get the machine's GPUs (docker run --gpus all). False for types without."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.gpus || !can(regex("^(g|p)[0-9]", var.instance_type))
    error_message = "gpus is false, yet instance_type has GPUs that would be paid for and not used: choose a type without, e.g. \"c7i.xlarge\", or leave gpus true."
  }
}

variable "worker_ami_parameter" {
  description = "Public SSM parameter that holds the workers' AMI: one with driver, Docker, NVIDIA container toolkit and AWS CLI."
  type        = string
  default     = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"

  validation {
    condition     = startswith(var.worker_ami_parameter, "/")
    error_message = "worker_ami_parameter must be the name of an SSM parameter, which begins with /aws/service/ where AWS publishes it."
  }
}

variable "scheduler_ami_parameter" {
  description = "Public SSM parameter that holds the scheduler's AMI: one with the AWS CLI; Docker is installed where it is missing."
  type        = string
  default     = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

  validation {
    condition     = startswith(var.scheduler_ami_parameter, "/")
    error_message = "scheduler_ami_parameter must be the name of an SSM parameter, which begins with /aws/service/ where AWS publishes it."
  }
}

variable "worker_disk_gb" {
  description = "Size of each worker's disk, GB: the AMI, the image, and what results spill."
  type        = number
  default     = 120

  validation {
    condition     = var.worker_disk_gb >= 20 && var.worker_disk_gb <= 16384
    error_message = "worker_disk_gb must be from 20 to 16384. The GPU AMI alone takes 75."
  }
}

variable "scheduler_disk_gb" {
  description = "Size of the scheduler's disk, GB."
  type        = number
  default     = 30

  validation {
    condition     = var.scheduler_disk_gb >= 20 && var.scheduler_disk_gb <= 16384
    error_message = "scheduler_disk_gb must be from 20 to 16384."
  }
}

variable "scheduler_arguments" {
  description = "Further arguments of taskflock scheduler. With --insecure links are plain text, and only the machines themselves and tunnels reach it."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for argument in var.scheduler_arguments : can(regex("^[^\\n]+$", argument))])
    error_message = "scheduler_arguments must be one argument per element, none empty, e.g. [\"--log-level\", \"debug\"]."
  }
  validation {
    condition     = !anytrue([for argument in var.scheduler_arguments : can(regex("^--token(=|$)", argument))])
    error_message = "scheduler_arguments are part of the user data, which everybody on the machine can read: give secrets by scheduler_secrets."
  }
}

variable "worker_arguments" {
  description = "Further arguments of taskflock worker, e.g. [\"--threads\", \"4\"]."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for argument in var.worker_arguments : can(regex("^[^\\n]+$", argument))])
    error_message = "worker_arguments must be one argument per element, none empty, e.g. [\"--threads\", \"4\"]."
  }
}
