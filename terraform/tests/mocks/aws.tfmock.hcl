mock_data "aws_region" {
  defaults = { name = "eu-central-1" }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "000000000000" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_ssm_parameter" {
  defaults = { value = "ami-0123456789abcdef0" }
}

mock_data "aws_ami" {
  defaults = { root_device_name = "/dev/xvda" }
}

mock_data "aws_vpc" {
  defaults = { id = "vpc-0123456789abcdef0" }
}

mock_data "aws_subnets" {
  defaults = { ids = ["subnet-0b0000000000000b0", "subnet-0a0000000000000a0"] }
}

mock_data "aws_subnet" {
  defaults = { vpc_id = "vpc-0123456789abcdef0", cidr_block = "10.0.1.0/24" }
}

mock_resource "aws_instance" {
  defaults = { id = "i-0123456789abcdef0", private_ip = "10.0.1.10", public_ip = "198.51.100.10" }
}

mock_resource "aws_ecr_repository" {
  defaults = {
    arn            = "arn:aws:ecr:eu-central-1:000000000000:repository/taskflock-default"
    repository_url = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/taskflock-default"
  }
}

mock_resource "aws_security_group" {
  defaults = { id = "sg-0123456789abcdef0" }
}

mock_resource "aws_launch_template" {
  defaults = { id = "lt-0123456789abcdef0", latest_version = 1 }
}
