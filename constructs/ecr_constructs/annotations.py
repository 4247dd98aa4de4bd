"""Annotations: how a construct tells of what is legal, but certainly a mistake."""

from collections.abc import Iterable

from cdktf import Annotations
from constructs import Construct

from ecr_constructs.checks import Problem


def annotate(construct: Construct, warnings: Iterable[Problem]) -> None:
    """Have the CDKTF CLI show warnings at synth, with the path of the construct."""
    for warning in warnings:
        Annotations.of(construct).add_warning(warning.sentence)
