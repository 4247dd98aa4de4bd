"""YAML file: text to data, with the line of everything in it.

PyYAML's parser gives events; what is built of them here differs from its own loader where that
loader would change or lose what somebody wrote. Numbers, truth values and null are those of JSON,
and `010` (ten), `~`, `True` and the like besides, so that `no`, `0x1F` and `2024-01-01` stay text;
a key that is there twice is a problem; every value knows its line.
"""

import math
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import yaml

from ecr_constructs import Check, Problem
from ecr_constructs.checks import path_below, shown, with_strangers
from stacks.yaml_syntax import SYNTAX, syntax_problem

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 50
MAX_VALUES = 500_000

_INT = re.compile(r"[-+]?[0-9]{1,100}")
_FLOAT = re.compile(
    r"(?![-+]?[0-9]+$)[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?"
)
_CONSTANTS = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAG = "tag:yaml.org,2002:"


_SAFE = "this app: a file stays small enough to be read"
_YAML = "YAML 1.2"
SIZE = Check(f"a file must be at most {MAX_BYTES // 1024 // 1024} MiB", _SAFE)
READABLE = Check("a file must be one that can be read", "the operating system")
LINE_BREAK = Check(
    "a file must break its lines as text files do",
    "YAML 1.2: NEL and the Unicode separators are no line breaks, but PyYAML's parser takes them"
    " for such",
    'write the character as "\\N", "\\L" or "\\P", in double quotes',
)
UTF8 = Check("a file must be UTF-8 text", _YAML, "save it as UTF-8")
ONE_DOCUMENT = Check("a file must hold one document", "this app: a file is one environment")
VALUES = Check(
    f"values must be at most {MAX_VALUES:,}, with those behind aliases, defaults and grants", _SAFE
)
DEPTH = Check(f"values must be nested at most {MAX_DEPTH} deep", _SAFE)
ANCHOR = Check(
    "an alias must have an anchor above it", _YAML, "put a text that begins with '*' in quotes"
)
ITSELF = Check(
    "an alias must not be within what it stands for",
    "this app: JSON has nothing that holds itself",
    "take it away",
)
TEXT_KEY = Check("a key must be text", "this app: JSON has no other keys")
KEY_TWICE = Check("a key must not be there twice", f"{_YAML}: keys are unique")
MERGE_TWICE = Check(
    "the key '<<' must not be there twice",
    f"{_YAML}: keys are unique",
    "give it a list of mappings",
)
MERGE = Check("'<<' takes a mapping or a list of mappings", "YAML 1.1, merge keys")
TAG = Check(
    "a tag must be one that JSON has a type for, such as '!!str'",
    "this app: data only",
    "write the value alone, in quotes where it begins with '!'",
)
TAG_VALUE = Check("a tag must be that of the value's type", f"{_YAML}, core schema")

# The keys and positions that lead to something.
Loc = tuple[str | int, ...]

_NodeEvent = yaml.AliasEvent | yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent


class YamlProblem(NamedTuple):
    """One thing that is wrong with a file as YAML."""

    line: int
    path: str
    problem: Problem


class YamlError(ValueError):
    """A file that cannot be read as YAML any further."""

    def __init__(self, line: int, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.line = line
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class Node:
    """A value of a YAML file, with where it is written."""

    line: int
    """The line of the value, or of its key."""
    path: str
    """The keys and positions that lead to it, such as `repositories.payments/api`."""
    value: Any
    """A scalar, a list of nodes, or a dict of nodes."""
    written: str = ""
    """A scalar as it is written, before YAML reads a number from it."""
    literal: bool = False
    """Whether it is a text below `|`, whose lines are those of the file."""
    origin: str = ""
    """The path of what is behind an alias, where it is written."""

    def child(self, step: object) -> "Node | None":
        """The node below this one by a key or a position."""
        if isinstance(self.value, dict):
            found = self.value.get(step)
            return found if isinstance(found, Node) else None
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            found = self.value[step]
            return found if isinstance(found, Node) else None
        return None

    def reach(self, loc: Sequence[str | int]) -> tuple["Node", Sequence[str | int]]:
        """The node that the steps lead to, or the last one on the way, and the steps left."""
        node = self
        for index, step in enumerate(loc):
            child = node.child(step)
            if child is None:
                return node, loc[index:]
            node = child
        return node, ()

    def line_in(self, loc: Sequence[str | int]) -> int:
        """The line of something in a text of JSON, from that of the text on."""
        if not self.literal or not loc:
            return self.line
        # The text begins below its key.
        root = _json(self.value)
        return self.line + (root.reach(loc)[0].line if root is not None else 0)

    def holding(self, value: Any) -> "Node":
        """A node at the same place with another value."""
        return replace(self, value=value)

    def plain(self) -> Any:
        """The value without lines.

        :raises YamlError: where aliases make it larger or deeper than any file may be.
        """
        return self._plain(count(), 0)

    def _plain(self, counter: Iterator[int], depth: int) -> Any:
        if next(counter) > MAX_VALUES or depth > MAX_DEPTH:
            raise YamlError(self.line, VALUES.problem("more"))
        if isinstance(self.value, dict):
            return {key: node._plain(counter, depth + 1) for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node._plain(counter, depth + 1) for node in self.value]
        return self.value


NOTHING = Node(line=1, path="", value=None)


def read_yaml(path: Path) -> tuple[Node, list[YamlProblem]]:
    """Read a file of one YAML document, and what is wrong with it as YAML.

    :raises YamlError: for what keeps the rest of it from being read.
    """
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            kind = "directory" if path.is_dir() else "special file"
            raise YamlError(1, READABLE.problem(f"a {kind}"))
        if info.st_size > MAX_BYTES:
            raise YamlError(1, SIZE.problem(f"{info.st_size:,} bytes"))
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise YamlError(1, READABLE.problem(str(error.strerror))) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        got = f"the byte {error.object[error.start]:#x}"
        raise YamlError(line, UTF8.problem(got)) from error
    separator = re.search("[\x85\u2028\u2029]", text)
    if separator:
        line = text.count("\n", 0, separator.start()) + 1
        raise YamlError(line, LINE_BREAK.problem(f"U+{ord(separator[0]):04X}"))
    composer = _Composer(text)
    try:
        return composer.document(), composer.problems
    except yaml.MarkedYAMLError as error:
        raise YamlError(*syntax_problem(text, error)) from error
    except yaml.reader.ReaderError as error:
        # The parser counts bytes.
        line = text.encode()[: error.position].count(b"\n") + 1
        got = f"the character U+{_code(error.character):04X}: {error.reason}"
        raise YamlError(line, SYNTAX.problem(got)) from error


@lru_cache(maxsize=8)
def _json(text: str) -> Node | None:
    """A text of JSON with the lines in it; nothing where libyaml cannot read it."""
    try:
        return _Composer(text).document()
    except (YamlError, yaml.YAMLError):
        return None


@dataclass
class _Composer:
    """Builds nodes from the parser's events."""

    text: str
    events: Iterator[Any] = field(default_factory=lambda: iter(()))
    anchors: dict[str, Node] = field(default_factory=dict)
    begun: set[str | None] = field(default_factory=set)
    """The anchors of which at least the beginning was read."""
    problems: list[YamlProblem] = field(default_factory=list)
    count: int = 0

    @cached_property
    def rows(self) -> list[str]:
        """The lines of the text."""
        return self.text.splitlines()

    def document(self) -> Node:
        events: Iterator[Any] = yaml.parse(self.text, Loader=yaml.CSafeLoader)
        self.events = events
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._stop(ONE_DOCUMENT.problem("a second"), event)
                root = self._node(next(self.events), "", 0, _line(event))
        return root or NOTHING

    def _node(self, event: _NodeEvent, path: str, depth: int, line: int | None = None) -> Node:
        line = line or _line(event)
        self._add(1, event)
        if depth > MAX_DEPTH:
            self._stop(DEPTH.problem("deeper"), event)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                check = ITSELF if event.anchor in self.begun else ANCHOR
                self._stop(check.problem(f"'*{event.anchor}'"), event)
            # What is below an alias is where it is written; the value itself is here.
            node = self.anchors[event.anchor]
            return replace(
                node, line=line, path=path, literal=False, origin=node.origin or node.path
            )
        self.begun.add(event.anchor)
        if isinstance(event, yaml.ScalarEvent):
            node = Node(
                line=line,
                path=path,
                value=self._scalar(event, path),
                written=event.value,
                literal=event.style == "|",
            )
        elif isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event, "seq", path)
            node = Node(line=line, path=path, value=self._sequence(path, depth))
        else:
            self._check_tag(event, "map", path)
            node = Node(line=line, path=path, value=self._mapping(path, depth))
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _sequence(self, path: str, depth: int) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(event, path_below(path, len(items)), depth + 1))
        return items

    def _mapping(self, path: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                alias = isinstance(event, yaml.AliasEvent)
                got = "an alias" if alias else "a list or a mapping"
                before = self.rows[line - 1][: event.start_mark.column]
                template = isinstance(event, yaml.MappingStartEvent) and before.endswith("{")
                hint = "; nothing fills '{{' in here, write the value" if template else ""
                self._report(TEXT_KEY.problem(got, hint=hint), line, path)
                self._node(event, path, depth + 1)
                self._node(next(self.events), path, depth + 1)
                continue
            key: str = event.value
            below = path_below(path, key)
            if event.tag not in (None, "!", f"{_TAG}str"):
                self._report(TAG.problem(with_strangers(event.tag)), line, below)
            if event.anchor:
                self.anchors[event.anchor] = Node(line=line, path=below, value=key)
            node = self._node(next(self.events), below, depth + 1, line)
            if key == "<<" and event.implicit[0]:
                if merged:
                    self._report(MERGE_TWICE.problem(), line, below)
                merged += node.value if isinstance(node.value, list) else [node]
                self._add(sum(len(m.value) for m in merged if isinstance(m.value, dict)), event)
            elif key in entries:
                got = f"{shown(key)}, first on line {entries[key].line}"
                self._report(KEY_TWICE.problem(got), line, below)
            else:
                entries[key] = node
        for node in merged:
            if isinstance(node.value, dict):
                entries = {**node.value, **entries}
            else:
                self._report(MERGE.problem(shown(node.value)), node.line, node.path)
        return entries

    def _scalar(self, event: yaml.ScalarEvent, path: str) -> str | int | float | bool | None:
        tag = (event.tag or "").removeprefix(_TAG)
        text: str = event.value
        if tag not in ("", "!", "str", "int", "float", "bool", "null"):
            self._report(TAG.problem(with_strangers(event.tag)), _line(event), path)
            return text
        if tag in ("!", "str") or not (tag or event.implicit[0]):
            return text
        value = _read(text)
        if tag and type(value).__name__ not in (tag, {"null": "NoneType"}.get(tag)):
            self._report(TAG_VALUE.problem(f"'!!{tag}' for {shown(text)}"), _line(event), path)
        return value

    def _check_tag(self, event: yaml.CollectionStartEvent, kind: str, path: str) -> None:
        if event.tag not in (None, "!", f"{_TAG}{kind}"):
            self._report(TAG.problem(with_strangers(event.tag)), _line(event), path)

    def _add(self, count: int, event: yaml.Event) -> None:
        self.count += count
        if self.count > MAX_VALUES:
            self._stop(VALUES.problem("more"), event)

    def _report(self, problem: Problem, line: int, path: str) -> None:
        self.problems.append(YamlProblem(line, path, problem))

    def _stop(self, problem: Problem, event: yaml.Event) -> NoReturn:
        raise YamlError(_line(event), problem)


def _code(character: str | int) -> int:
    return character if isinstance(character, int) else ord(character)


def _read(text: str) -> str | int | float | bool | None:
    """A plain scalar: numbers, truth values and null as JSON has them, and text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
