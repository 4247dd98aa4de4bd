"""Problems: what the library finds wrong with a document, as lines."""

from collections.abc import Iterable

from ecr_constructs.checks import Path, Problem, readable


def problem_lines(where: str, problems: Iterable[Problem]) -> list[str]:
    """Problems of a document as lines: the file, the place in it, the sentence."""
    return [
        ": ".join(part for part in (where, place(problem.path), problem.sentence) if part)
        for problem in problems
    ]


def place(path: Path) -> str:
    """A place in a document, as `rules[0].selection`."""
    found = ""
    for step in path:
        if isinstance(step, int):
            found += f"[{step}]"
        else:
            found += f".{readable(step)}" if found else readable(step)
    return found
