"""How an environment file becomes a Terraform stack."""

from stacks.environment import Environment
from stacks.environment_stack import EnvironmentStack
from stacks.loading import FileProblem, InvalidEnvironmentsError, load_environments
from stacks.names import stack_id

__all__ = [
    "Environment",
    "EnvironmentStack",
    "FileProblem",
    "InvalidEnvironmentsError",
    "load_environments",
    "stack_id",
]
