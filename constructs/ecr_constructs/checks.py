"""How a value refuses what AWS would refuse: problems, each one sentence."""

import difflib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

MAX_WHOLE_NUMBER = 2**31 - 1


class Problem(NamedTuple):
    """One thing that is wrong with a value, in one lowercase sentence."""

    sentence: str
    path: tuple[str | int, ...] = ()
    """Where inside the value: the keyword, then keys and positions below it."""


class InvalidValueError(ValueError):
    """A value that AWS or the AWS provider would refuse, with everything that is wrong with it.

    The text joins the sentences. A reader that knows files and lines takes them from `problems`.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.sentence for problem in self.problems))


def refuse(problems: Iterable[Problem]) -> None:
    """Raise `InvalidValueError` where there is at least one problem."""
    found = tuple(problems)
    if found:
        raise InvalidValueError(found)


def within(path: tuple[str | int, ...], problems: Iterable[Problem]) -> Iterator[Problem]:
    """The same problems, seen from a value that holds the checked one at `path`."""
    return (Problem(problem.sentence, path + problem.path) for problem in problems)


def is_token(value: object) -> bool:
    """Whether a string holds a value that is known only at deploy time.

    CDKTF's tokens and Terraform's expressions both start with `${`, which occurs in nothing that
    ECR accepts; asking CDKTF instead would cost a crossing into jsii for every string.
    """
    return isinstance(value, str) and "${" in value


def text(
    what: str,
    value: object,
    *,
    pattern: re.Pattern[str] | None = None,
    form: str = "",
    minimum: int = 1,
    maximum: int | None = None,
) -> Iterator[Problem]:
    """Check the type, the length and the whole form of a string; tokens pass.

    `form` completes the sentence "<what> must be <form>, got <value>".
    """
    if not isinstance(value, str):
        yield wrong_type(what, "text", value)
    elif is_token(value):
        return
    elif maximum is not None and not minimum <= len(value) <= maximum:
        yield Problem(
            f"{what} must be {minimum} to {maximum} characters, got {shown(value)} ({len(value)})"
        )
    elif pattern is None and not value and minimum:
        yield Problem(f"{what} must not be empty, got ''")
    elif pattern is not None and not pattern.fullmatch(value):
        yield Problem(f"{what} must be {form}, got {shown(value)}")


def texts(what: str, values: object) -> Iterator[Problem]:
    """Check for a sequence of strings that are not empty."""
    if not isinstance(values, list | tuple):
        yield wrong_type(what, "a list of text", values)
        return
    for index, value in enumerate(values):
        if not isinstance(value, str) or not value:
            yield Problem(f"{what} must hold text that is not empty, got {shown(value)}", (index,))


def whole_number(what: str, value: object, *, minimum: int) -> Iterator[Problem]:
    """Check for an `int` that is not a `bool`, from `minimum` to what 32 bits hold.

    AWS tells no upper bound; 32 bits are the reading that it can never refuse.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        yield wrong_type(what, "a whole number", value)
    elif value < minimum:
        yield Problem(f"{what} must be at least {minimum}, got {value}")
    elif value > MAX_WHOLE_NUMBER:
        yield Problem(f"{what} must be at most {MAX_WHOLE_NUMBER}, got {value}")


def truth(what: str, value: object) -> Iterator[Problem]:
    """Check for a `bool`."""
    if not isinstance(value, bool):
        yield wrong_type(what, "true or false", value)


def member(what: str, value: object, options: Collection[str]) -> Iterator[Problem]:
    """Check for one of a closed set of strings."""
    if value not in options:
        listed = ", ".join(options)
        hint = did_you_mean(value, options)
        yield Problem(f"{what} must be one of {listed}, got {shown(value)}{hint}")


def sequence(what: str, values: object, kind: type) -> Iterator[Problem]:
    """Check for a list or tuple of values of the given class."""
    if not isinstance(values, list | tuple):
        yield wrong_type(what, f"a list of {kind.__name__} values", values)
        return
    for index, value in enumerate(values):
        if not isinstance(value, kind):
            yield Problem(f"{what} must hold {kind.__name__} values, got {shown(value)}", (index,))


def unique(what: str, values: Iterable[object]) -> Iterator[Problem]:
    """Check that nothing is listed twice."""
    seen: list[object] = []
    for index, value in enumerate(values):
        if value in seen:
            yield Problem(f"{what} lists {shown(value)} twice", (index,))
        seen.append(value)


def wrong_type(what: str, expected: str, value: object) -> Problem:
    """The problem of a value of another type than expected."""
    return Problem(f"{what} must be {expected}, got {shown(value)}")


def did_you_mean(value: object, options: Iterable[str]) -> str:
    """`; did you mean 'x'?` where one of the options is close, or nothing."""
    by_lowercase = {option.lower(): option for option in options}
    close = difflib.get_close_matches(str(value).lower(), by_lowercase, 1)
    return f"; did you mean '{by_lowercase[close[0]]}'?" if close else ""


def shown(value: object) -> str:
    """A value as a sentence quotes it: as it is written in a file, and never longer than a line."""
    if value is None or isinstance(value, bool):
        written = json.dumps(value)
    elif isinstance(value, str):
        written = repr(str(value))
    elif isinstance(value, Mapping):
        written = f"a mapping with {', '.join(map(repr, value))}" if value else "an empty mapping"
    elif isinstance(value, list | tuple | set | frozenset):
        written = f"a list of {len(value)}"
    else:
        written = repr(value)
    return written if len(written) <= 100 else f"{written[:80]}...{written[-15:]}"


def sent_length(document: object) -> int:
    """The length of a policy text as the AWS provider sends it, in characters.

    The provider sends compact JSON and escapes `<`, `>`, `&` and the two Unicode line separators
    as Go does, six characters each; AWS counts that text against its limits.
    """
    sent = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return len(sent) + 5 * sum(map(sent.count, "<>&\u2028\u2029"))
