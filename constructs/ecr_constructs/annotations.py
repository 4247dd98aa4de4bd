"""Annotations: how a construct tells of what is legal, but certainly a mistake."""

from collections.abc import Iterable

from cdktf import Annotations
from constructs import Construct

from ecr_constructs.checks import Problem

# The context key that turns the annotations off, by the value False: for an app that has told of
# the same already, in words of its own.
CONTEXT = "ecr-constructs:annotations"


def annotate(construct: Construct, warnings: Iterable[Problem]) -> None:
    """Have the CDKTF CLI show warnings at synth, with the path of the construct."""
    found = list(warnings)
    if found and construct.node.try_get_context(CONTEXT) is not False:
        for warning in found:
            Annotations.of(construct).add_warning(warning.sentence)
