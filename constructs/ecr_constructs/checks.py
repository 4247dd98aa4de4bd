"""How a value refuses what AWS would refuse: checks, each of them a rule with its source."""

import difflib
import json
import re
import unicodedata
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeVar

from ecr_constructs.terraform_text import holds_expression

T = TypeVar("T")

MAX_WHOLE_NUMBER = 2**31 - 1
# What is told to be meant is no longer, where the text itself may be.
MAX_MEANT = 256
# A text without control characters and halves of surrogate pairs.
PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Check:
    """A rule that values are checked against. `docs/checks.md` lists them all.

    The sentence of a problem is the rule, then the value, then the remedy.
    """

    rule: str
    """In lowercase; `{words}` in braces are filled in where a problem is found."""
    source: str
    """Who says so: the model or the page of AWS, the provider, or why this project does."""
    remedy: str = ""
    """What to write instead, where that is not plain."""
    warning: bool = False
    """Whether the value is legal, but certainly a mistake."""

    @property
    def is_upper_limit(self) -> bool:
        """Whether it is broken by too much, so that it stays broken whatever is added."""
        return " at most " in self.rule

    def problem(
        self, got: str = "", path: Path = (), *, hint: str = "", **words: object
    ) -> "Problem":
        """A value that breaks the rule.

        :param got: the value, as `shown`.
        :param path: where inside the checked value it is.
        :param hint: what is added for this value alone, as `did_you_mean` gives it.
        :param words: for the braces of the rule and the remedy.
        """
        parts = [
            self.rule,
            f", got {got}" if got else "",
            f"; {self.remedy}" if self.remedy else "",
        ]
        if words:
            parts[0], parts[2] = parts[0].format(**words), parts[2].format(**words)
        return Problem("".join((*parts, hint)), path, self)


class Problem(NamedTuple):
    """One thing that is wrong with a value, in one lowercase sentence."""

    sentence: str
    path: Path
    """Where inside the value: the keyword, then keys and positions below it."""
    check: Check
    """The rule that the value breaks."""


class InvalidValueError(ValueError):
    """A value that AWS or the AWS provider would refuse, with everything that is wrong with it.

    The text joins the sentences. A reader that knows files and lines takes them from `problems`.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.sentence for problem in self.problems))

    def __reduce__(self) -> tuple[type["InvalidValueError"], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise `InvalidValueError` where there is at least one problem."""
    found = tuple(problems)
    if found:
        raise InvalidValueError(found)


def within(path: Path, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The same problems, seen from a value that holds the checked one at `path`."""
    return (problem._replace(path=path + problem.path) for problem in problems)


def is_token(value: object) -> bool:
    """Whether a string holds a value that is known only at deploy time.

    CDKTF's tokens and Terraform's expressions are both in `${` and `}`; asking CDKTF instead would
    cost a crossing into jsii for every string.
    """
    return isinstance(value, str) and holds_expression(value)


TYPE = Check("{what} must be {expected}", "the type of the argument")


@dataclass(frozen=True, kw_only=True)
class TextForm:
    """What a text looks like: its length in characters and its whole form. Tokens pass."""

    what: str
    source: str
    minimum: int = 1
    maximum: int | None = None
    pattern: re.Pattern[str] = PRINTABLE
    form: str = "text without control characters"
    """Completes the sentence "<what> must be <form>, got <value>"."""
    kind: str = "text"
    """What one that is no text is told to be."""
    meant: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What somebody has most likely meant: another form, as a pattern, and what is said of it, in
    which `\\1` is a group, without line breaks. Nothing is said of one that is shorter or longer
    than the text may be."""

    @cached_property
    def length(self) -> Check:
        """The check of the length."""
        if self.maximum is None:
            return Check("{what} must not be empty", self.source)
        if not self.minimum:
            return Check(f"{{what}} must be at most {self.maximum} characters", self.source)
        return Check(f"{{what}} must be {self.minimum} to {self.maximum} characters", self.source)

    @cached_property
    def whole(self) -> Check:
        """The check of the form."""
        return Check(f"{{what}} must be {self.form}", self.source)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Everything that is checked, but the type."""
        unlimited = self.maximum is None and not self.minimum
        return (self.whole,) if unlimited else (self.length, self.whole)

    def problems(self, value: object, what: str = "", *, tokens: bool = True) -> Iterator[Problem]:
        """Check the type, the length and the form.

        :param what: the name of the argument, where it is not that of the form.
        :param tokens: whether tokens pass; what AWS answers holds none.
        """
        what = what or self.what
        if not isinstance(value, str):
            yield wrong_type(what, self.kind, value)
        elif tokens and is_token(value):
            return
        elif len(value) < self.minimum or (self.maximum and len(value) > self.maximum):
            got = f"{shown(value)} ({len(value)})" if self.maximum else shown(value)
            yield self.length.problem(got, hint=self._hint(value), what=what)
        elif not self.pattern.fullmatch(value):
            yield self.whole.problem(with_strangers(value), hint=self._hint(value), what=what)

    def _hint(self, value: str) -> str:
        found = ((re.fullmatch(form, value), said) for form, said in self.meant.items())
        told = (f"; {match.expand(said)}" for match, said in found if match and self._fits(match))
        return next(told, "")

    def _fits(self, match: re.Match[str]) -> bool:
        longest = self.maximum or MAX_MEANT
        return all(self.minimum <= len(part) <= longest for part in match.groups())


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of a closed set of texts."""

    what: str
    source: str
    options: Collection[str]
    others: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What an option is called elsewhere, in lowercase -> the option."""

    @cached_property
    def check(self) -> Check:
        """The check of the value."""
        return Check(f"{{what}} must be one of {', '.join(self.options)}", self.source)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Everything that is checked."""
        return (self.check,)

    def problems(self, value: object) -> Iterator[Problem]:
        """Check that the value is one of them."""
        if not isinstance(value, str) or value not in self.options:
            written = str(value) if isinstance(value, str | int) else ""
            other = self.others.get(written.lower(), written)
            hint = did_you_mean(other, self.options)
            yield self.check.problem(with_strangers(value), hint=hint, what=self.what)


@dataclass(frozen=True, kw_only=True)
class WholeNumber:
    """An `int` that is no `bool`, from `minimum` to what 32 bits hold.

    AWS tells no upper bound; 32 bits are the reading that it can never refuse.
    """

    what: str
    source: str
    minimum: int = 1

    @cached_property
    def lower(self) -> Check:
        """The check of the lower bound."""
        return Check(f"{{what}} must be at least {self.minimum}", self.source)

    @cached_property
    def upper(self) -> Check:
        """The check of the upper bound."""
        return Check(
            f"{{what}} must be at most {MAX_WHOLE_NUMBER}",
            "unknown; 32 bits are the reading that AWS can never refuse",
        )

    @property
    def checks(self) -> tuple[Check, ...]:
        """Everything that is checked, but the type."""
        return self.lower, self.upper

    def problems(self, value: object) -> Iterator[Problem]:
        """Check the type and the bounds."""
        if not isinstance(value, int) or isinstance(value, bool):
            yield wrong_type(self.what, "a whole number", value)
        elif value < self.minimum:
            yield self.lower.problem(shown(value), what=self.what)
        elif value > MAX_WHOLE_NUMBER:
            yield self.upper.problem(shown(value), what=self.what)


def truth(what: str, value: object) -> Iterator[Problem]:
    """Check for a `bool`."""
    if not isinstance(value, bool):
        yield wrong_type(what, "true or false", value)


def tuple_of(values: Sequence[T]) -> tuple[T, ...]:
    """A list as a tuple; anything else stays as it is, for the check to name it."""
    return tuple(values) if isinstance(values, list) else values  # type: ignore[return-value]


def sequence(what: str, values: object, kind: type) -> Iterator[Problem]:
    """Check for a list or tuple of values of the given class."""
    expected = f"a list of {kind.__name__} values"
    if not isinstance(values, list | tuple):
        yield wrong_type(what, "a list", values)
        return
    for index, value in enumerate(values):
        if not isinstance(value, kind):
            yield wrong_type(what, expected, value)._replace(path=(index,))


def unique(check: Check, values: Iterable[object], what: str = "") -> Iterator[Problem]:
    """Check that nothing is listed twice."""
    seen: set[object] = set()
    for index, value in enumerate(values):
        if not isinstance(value, Hashable):
            continue
        if value in seen:
            yield check.problem(shown(value), (index,), what=what)
        seen.add(value)


def wrong_type(what: str, expected: str, value: object) -> Problem:
    """The problem of a value of another type than expected."""
    return TYPE.problem(shown(value), what=what, expected=expected)


def closest(value: object, options: Iterable[str]) -> str | None:
    """Which of the options was most likely meant; nothing where none is close."""
    by_lowercase = {option.lower(): option for option in options}
    close = difflib.get_close_matches(str(value).lower(), by_lowercase, 1)
    return by_lowercase[close[0]] if close else None


def did_you_mean(value: object, options: Iterable[str]) -> str:
    """`; did you mean 'x'?` where one of the options is close, or nothing."""
    close = closest(value, options)
    return f"; did you mean '{close}'?" if close else ""


def path_below(path: str, *steps: str | int) -> str:
    """The path of keys and positions below a path, such as `rules[0].selection`, on one line."""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{readable(step)}" if path else readable(step)
    return path


def readable(text: str) -> str:
    """A key as a sentence names it: as it is, or quoted where not all of it can be printed."""
    return text if text.isprintable() else repr(text)


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
    elif isinstance(value, int) and abs(value) >= 10**100:
        # Python writes no number of more than some thousand digits.
        written = "a number of more than 100 digits"
    else:
        written = repr(value)
    return written if len(written) <= 100 else f"{written[:80]}...{written[-15:]}"


def with_strangers(value: object) -> str:
    """A value as a sentence quotes it, and the name of its first character that is not ASCII.

    A Cyrillic letter can look exactly like a Latin one, and a space of no width like nothing.
    """
    strangers = [c for c in value if not c.isascii()] if isinstance(value, str) else []
    if not strangers:
        return shown(value)
    name = unicodedata.name(strangers[0], "without a name")
    return f"{shown(value)} (with U+{ord(strangers[0]):04X} {name})"


def sent_length(document: object) -> int:
    """The length of a policy text as the AWS provider sends it, in characters.

    The provider sends compact JSON and escapes `<`, `>`, `&` and the two Unicode line separators
    as Go does, six characters each; AWS counts that text against its limits.
    """
    sent = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return len(sent) + 5 * sum(map(sent.count, "<>&\u2028\u2029"))
