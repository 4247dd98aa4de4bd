"""How an environment file becomes a Terraform stack."""

from stacks.environment import Environment
from stacks.environment_stack import EnvironmentStack
from stacks.file_problem import FileProblem
from stacks.loading import (
    Environments,
    InvalidEnvironmentsError,
    load_environments,
)
from stacks.names import stack_id
from stacks.registries import Neighbours, neighbours_of

__all__ = [
    "Environment",
    "EnvironmentStack",
    "Environments",
    "FileProblem",
    "InvalidEnvironmentsError",
    "Neighbours",
    "load_environments",
    "neighbours_of",
    "stack_id",
]
