"""YAML syntax: what keeps a text from being YAML, at its line, and how it is mended."""

import re
from typing import NamedTuple

import yaml

from ecr_constructs import Check, Problem
from ecr_constructs.checks import shown

_YAML = "YAML 1.2"
SYNTAX = Check("a file must be YAML", _YAML)
TAB = Check("a file must be YAML, where a tab cannot indent", _YAML, "use spaces")

# Whose line is told: that of what the parser stops at, of what it belongs to, or the one before.
_HERE, _START, _BEFORE = range(3)
_BETWEEN = "write ': ', with the space, between a key and its value"

_GIT = r"<{7}|={7}|>{7}"
_BRACKET = "close the bracket, and write ',' between what is in it"


class _Mistake(NamedTuple):
    """What somebody has most likely done."""

    said: str
    """What the parser says, as a pattern."""
    remedy: str
    line: int = _HERE
    """Which line is to be mended."""
    left: str = ""
    """What is left of the place in its line, as a pattern of its beginning."""
    before: str = ""
    """The line before, as a pattern of its beginning."""
    row: str = ""
    """The line to be mended, as a pattern of its beginning."""


# The first that fits is told.
_MISTAKES = (
    *(
        _Mistake("", "take out git's marks of a merge, and one of the two sides", line, row=_GIT)
        for line in (_HERE, _START, _BEFORE)
    ),
    _Mistake("mapping values", "put a text that holds ': ' in quotes", left=r".*:\s"),
    _Mistake(
        "mapping values",
        "indent it as the line before, which has a value already",
        before=r"(?:- +)*[^\s\"'].*?:\s+\S",
    ),
    _Mistake("mapping values", _BETWEEN, _BEFORE),
    _Mistake("expected ':'", "write a space after '-'", _START, row=r"-\S"),
    _Mistake("expected ':'", "indent it below its key", _START, before=r".*:\s+[|>]\S*\Z"),
    _Mistake("expected ':'", _BETWEEN, _START),
    _Mistake("end of stream", "close the quotes", _START),
    _Mistake("expected ',' or '[]}]'", _BRACKET, _START),
    _Mistake("node content", _BRACKET, left=r"\Z"),
    _Mistake("expected key|'-' indicator", "take the comma at its end away", row=r".*[\"'],\Z"),
    _Mistake(
        "expected key|'-' indicator",
        "indent it as the lines beside it; each item of a list begins with '- '",
        left=r"\Z",
    ),
    _Mistake(
        "expected key|'-' indicator", "put the whole text in quotes, and leave nothing after them"
    ),
    _Mistake("sequence entries", "begin the items of a list on lines of their own"),
    _Mistake("document start", "leave nothing but one mapping"),
    _Mistake("unknown escape", "write '\\\\' for '\\', or use single quotes"),
    _Mistake(
        "any token|alphabetic or numeric|comment or line break|node content|directive|mapping keys",
        "put a text in quotes that begins with one of * & @ % ` ! | > ? [ ] { } ,",
    ),
)


def syntax_problem(text: str, error: yaml.MarkedYAMLError) -> tuple[int, Problem]:
    """The line that is to be mended, and what is wrong with it."""
    rows = text.splitlines() or [""]
    here = error.problem_mark or error.context_mark
    at = min(here.line, len(rows) - 1) if here else 0
    if rows[at].lstrip(" ").startswith("\t"):
        return at + 1, TAB.problem()
    start = min(error.context_mark.line, at) if error.context_mark else at
    before = next((n for n in range(start - 1, -1, -1) if _said(rows[n])), start)
    left = rows[at][: here.column if here else 0].strip()
    for mistake in _MISTAKES:
        line = (at, start, before)[mistake.line]
        if (
            re.search(mistake.said, str(error.problem))
            and re.match(mistake.left, left)
            and re.match(mistake.before, rows[before].strip())
            and re.match(mistake.row, rows[line].strip())
        ):
            return line + 1, SYNTAX.problem(shown(rows[line].strip()), hint=f"; {mistake.remedy}")
    return at + 1, SYNTAX.problem(f"text of which the parser says '{error.problem}'")


def _said(row: str) -> bool:
    return bool(row.strip()) and not row.strip().startswith("#")
