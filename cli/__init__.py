"""The commands, for the questions that Terraform cannot answer."""
