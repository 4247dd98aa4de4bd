"""AWS and Terraform on this machine, for tests and for trying a deploy without an account."""
