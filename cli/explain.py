"""Explain: what lifecycle policies do, in plain sentences."""

import difflib
from collections.abc import Iterator, Mapping
from typing import IO

from cli.policies import Rules
from ecr_constructs import explain_lifecycle_policy
from ecr_constructs.lifecycle_explanation import left_alone


def explain(policies: Mapping[str, Rules], against: Rules | None, out: IO[str]) -> None:
    """Write what the policies do, those that are alike together.

    :param against: write what differs from this one: `+` is new, `-` is gone.
    """
    names: dict[Rules, list[str]] = {}
    for name, rules in policies.items():
        names.setdefault(rules, []).append(name)
    for number, (rules, called) in enumerate(names.items()):
        out.write(("\n" if number else "") + ", ".join(called) + "\n")
        lines = list(_lines(rules))
        if against is None:
            out.writelines(f"  {line}\n" for line in lines)
            continue
        before = list(_lines(against))
        if lines == before:
            out.write("  nothing differs\n")
            continue
        compared = difflib.ndiff(before, lines)
        out.writelines(f"{line}\n" for line in compared if not line.startswith("?"))


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
