terraform {
  # 1.11 has write-only arguments: the token goes to Parameter Store and never into the state.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}
