# The address from which the caller is seen on the internet, as a network of one.

terraform {
  required_version = ">= 1.11"

  required_providers {
    http = {
      source  = "hashicorp/http"
      version = "~> 3.4"
    }
  }
}

data "http" "address" {
  url = "https://checkip.amazonaws.com"

  lifecycle {
    postcondition {
      condition     = self.status_code == 200 && can(cidrhost("${trimspace(self.response_body)}/32", 0))
      error_message = "${self.url} did not say from which address you come: give admin_cidrs yourself, e.g. [\"203.0.113.7/32\"]."
    }
  }
}

output "cidr" {
  description = "The caller's address, as a network of one."
  value       = "${trimspace(data.http.address.response_body)}/32"
}
