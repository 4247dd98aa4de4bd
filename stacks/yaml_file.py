"""YAML file: text to data, with the line of everything in it.

PyYAML's parser gives events; what is built of them here differs from its own loader where that
loader would change or lose what somebody wrote. Scalars follow YAML 1.2's core schema, so that
`no` and `2024-01-01` stay text; a key that is there twice is a problem; every value knows its line.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import yaml

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 50
MAX_VALUES = 2_000_000

_INT = re.compile(r"[-+]?[0-9]{1,18}")
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


_NodeEvent = yaml.AliasEvent | yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent


def path_below(path: str, step: str | int) -> str:
    """The path of a key or a position below a path, on one line whatever the key."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    readable = step if step.isprintable() else repr(step)
    return f"{path}.{readable}" if path else readable


class YamlError(ValueError):
    """A file that is not YAML, or YAML that this app does not take."""

    def __init__(self, sentence: str, line: int) -> None:
        super().__init__(sentence)
        self.line = line


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

    def child(self, step: object) -> "Node | None":
        """The node below this one by a key or a position."""
        if isinstance(self.value, dict):
            found = self.value.get(step)
            return found if isinstance(found, Node) else None
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            found = self.value[step]
            return found if isinstance(found, Node) else None
        return None

    def plain(self) -> Any:
        """The value without lines.

        :raises YamlError: where aliases make it larger or deeper than any file may be.
        """
        return self._plain(count(), 0)

    def _plain(self, counter: Iterator[int], depth: int) -> Any:
        if next(counter) > MAX_VALUES or depth > MAX_DEPTH:
            raise YamlError("the aliases of the file make it too large", self.line)
        if isinstance(self.value, dict):
            return {key: node._plain(counter, depth + 1) for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node._plain(counter, depth + 1) for node in self.value]
        return self.value


def read_yaml(path: Path) -> Node:
    """Read a file of one YAML document.

    :raises YamlError: for everything that keeps it from being read, in one sentence.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            limit = MAX_BYTES // 1024 // 1024
            raise YamlError(f"a file must be at most {limit} MiB, got {size} bytes", 1)
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise YamlError(f"cannot be read: {error.strerror}", 1) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise YamlError(f"must be UTF-8 text, got the byte {byte:#x}", line) from error
    try:
        return _Composer(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        if any(row.lstrip(" ").startswith("\t") for row in text.split("\n")[line - 1 : line]):
            raise YamlError("not YAML: a tab cannot indent, use spaces", line) from error
        raise YamlError(f"not YAML: {error.problem}", line) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"not YAML: {error.reason}, got {error.character!r}", line) from error


@dataclass
class _Composer:
    """Builds nodes from the parser's events."""

    text: str
    events: Iterator[Any] = field(default_factory=lambda: iter(()))
    anchors: dict[str, Node] = field(default_factory=dict)

    def document(self) -> Node:
        events: Iterator[Any] = yaml.parse(self.text, Loader=yaml.CSafeLoader)
        self.events = events
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._refuse("a file holds one document, got a second", event)
                root = self._node(next(self.events), "", 0, _line(event))
        return root or Node(line=1, path="", value=None)

    def _node(self, event: _NodeEvent, path: str, depth: int, line: int | None = None) -> Node:
        line = line or _line(event)
        if depth > MAX_DEPTH:
            self._refuse(f"values must be nested at most {MAX_DEPTH} deep", event)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                self._refuse(f"the alias '*{event.anchor}' has no anchor above it", event)
            # What is below an alias is where it is written; the value itself is here.
            return replace(self.anchors[event.anchor], line=line, path=path)
        if isinstance(event, yaml.ScalarEvent):
            node = Node(line=line, path=path, value=self._scalar(event), written=event.value)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event, "seq")
            node = Node(line=line, path=path, value=self._sequence(path, depth))
        else:
            self._check_tag(event, "map")
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
                self._refuse("a key must be text", event)
            key: str = event.value
            below = path_below(path, key)
            node = self._node(next(self.events), below, depth + 1, line)
            if key == "<<" and event.implicit[0]:
                if merged:
                    self._refuse("the key '<<' is there twice; it takes a list of mappings", event)
                merged += node.value if isinstance(node.value, list) else [node]
            elif key in entries:
                first = entries[key].line
                self._refuse(f"the key {key!r} is there twice, first on line {first}", event)
            else:
                entries[key] = node
        for node in merged:
            if not isinstance(node.value, dict):
                raise YamlError("'<<' takes a mapping or a list of mappings", node.line)
            entries = {**node.value, **entries}
        return entries

    def _scalar(self, event: yaml.ScalarEvent) -> str | int | float | bool | None:
        tag = (event.tag or "").removeprefix(_TAG)
        if tag not in ("", "!", "str", "int", "float", "bool", "null"):
            self._refuse(f"the tag '{event.tag}' is not supported", event)
        text: str = event.value
        if tag in ("!", "str") or not (tag or event.implicit[0]):
            return text
        value = _read(text)
        if tag and type(value).__name__ not in (tag, {"null": "NoneType"}.get(tag)):
            self._refuse(f"{text!r} is no value of the tag '!!{tag}'", event)
        return value

    def _check_tag(self, event: yaml.CollectionStartEvent, kind: str) -> None:
        if event.tag not in (None, "!", f"{_TAG}{kind}"):
            self._refuse(f"the tag '{event.tag}' is not supported", event)

    def _refuse(self, sentence: str, event: yaml.Event) -> NoReturn:
        raise YamlError(sentence, _line(event))


def _read(text: str) -> str | int | float | bool | None:
    """A plain scalar by the core schema of YAML 1.2."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
