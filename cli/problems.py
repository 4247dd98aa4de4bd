"""Problems: what the library finds wrong with a document, as lines."""

from collections.abc import Iterable

from ecr_constructs.checks import Problem, path_below


def problem_lines(where: str, problems: Iterable[Problem]) -> list[str]:
    """Problems of a document as lines: the file, the place in it, the sentence."""
    return [
        ": ".join(part for part in (where, path_below("", *p.path), p.sentence) if part)
        for p in problems
    ]
