resource "aws_ecr_repository" "taskflock" {
  count                = var.docker_registry == null ? 1 : 0
  name                 = local.name
  image_tag_mutability = "MUTABLE"
  # The cluster is taken down as a whole; images can be built again.
  force_delete = true
  tags         = merge(local.tags, { Name = local.name })

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = var.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = var.kms_key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "taskflock" {
  count      = var.docker_registry == null ? 1 : 0
  repository = aws_ecr_repository.taskflock[0].name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Images that lost their tag to a newer one"
      selection    = { tagStatus = "untagged", countType = "imageCountMoreThan", countNumber = 5 }
      action       = { type = "expire" }
    }]
  })
}
