"""Explain: what lifecycle policies do, in plain sentences."""

import difflib
from collections.abc import Iterator, Mapping

import click

from cli.policies import Rules
from ecr_constructs import explain_lifecycle_policy
from ecr_constructs.lifecycle_explanation import left_alone


def explain(policies: Mapping[str, Rules], against: Rules | None) -> None:
    """Print what the policies do, those that are alike together.

    :param against: print what differs from this one: `+` is new, `-` is gone.
    """
    names: dict[Rules, list[str]] = {}
    for name, rules in policies.items():
        names.setdefault(rules, []).append(name)
    for number, (rules, called) in enumerate(names.items()):
        click.echo(("\n" if number else "") + ", ".join(called))
        lines = list(_lines(rules))
        if against is None:
            for line in lines:
                click.echo(f"  {line}")
            continue
        before = list(_lines(against))
        if lines == before:
            click.echo("  nothing differs")
            continue
        for line in difflib.ndiff(before, lines):
            if not line.startswith("?"):
                click.echo(line)


def _lines(rules: Rules) -> Iterator[str]:
    if not rules:
        yield "There is no policy: images stay for ever."
        return
    for explained in explain_lifecycle_policy(rules):
        said = f" ({explained.rule.description})" if explained.rule.description else ""
        yield f"{explained.rule.rule_priority}. {explained.sentence}{said}"
        for warning in explained.warnings:
            yield f"   Warning: {warning}."
    yield from left_alone(rules)
