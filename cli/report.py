"""Report: what a preview found, as a table for people, Markdown for a pull request, or JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple, Protocol

from rich.console import Console
from rich.table import Table

from ecr_constructs import Decision, LifecycleAction, LifecycleRule
from ecr_constructs.lifecycle_explanation import Explanation, explain_lifecycle_policy

# GitHub takes comments of 65,536 characters.
MOST_LISTED = 50
_WORDS = {
    None: "stays",
    LifecycleAction.EXPIRE: "deleted",
    LifecycleAction.TRANSITION: "archived",
}


@dataclass
class Total:
    """How many images, and how large they are."""

    images: int = 0
    size: int = 0

    def add(self, size: int) -> None:
        """Count one more."""
        self.images += 1
        self.size += size

    def __str__(self) -> str:
        return f"{self.images:,} ({size_text(self.size)})" if self.images else "0"


@dataclass
class Outcome:
    """What happens to the images of a repository, or of several."""

    stay: Total = field(default_factory=Total)
    deleted: Total = field(default_factory=Total)
    archived: Total = field(default_factory=Total)
    acting: dict[int, int] = field(default_factory=dict)
    """Number of a rule -> on how many images it acts."""

    def count(self, decision: Decision) -> None:
        """Count the decision on one more image."""
        size = decision.image.image_size_in_bytes
        if decision.action is None:
            self.stay.add(size)
            return
        goes = decision.action is LifecycleAction.EXPIRE
        (self.deleted if goes else self.archived).add(size)
        if decision.rule_priority is not None:
            number = decision.rule_priority
            self.acting[number] = self.acting.get(number, 0) + 1

    def add(self, other: "Outcome") -> None:
        """Add those of another repository, but for the rules, which are its own."""
        for mine, theirs in (
            (self.stay, other.stay),
            (self.deleted, other.deleted),
            (self.archived, other.archived),
        ):
            mine.images += theirs.images
            mine.size += theirs.size


class Change(NamedTuple):
    """A decision, and what another policy decides where the two are compared."""

    decision: Decision
    before: Decision | None = None


def size_text(size: float) -> str:
    """Bytes in the units in which AWS bills: a GB is 10^9 of them."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


@dataclass(frozen=True)
class Found:
    """What a preview found in a repository."""

    repository_name: str
    rules: tuple[LifecycleRule, ...]
    outcome: Outcome
    notes: tuple[str, ...]
    """What there is to say of it beside."""

    @property
    def acting(self) -> str:
        """The rules that act, and on how many images."""
        acting = sorted(self.outcome.acting.items())
        return ", ".join(f"{number} ({count:,})" for number, count in acting)

    @property
    def explained(self) -> list[Explanation]:
        """What each rule does, and which can never act."""
        return explain_lifecycle_policy(self.rules)


class Report(Protocol):
    """How what is found is written."""

    def images(self, found: Found, changes: Sequence[Change]) -> None:
        """Write the images of a repository, before anything else of it."""

    def end(self, _found: Sequence[Found], /) -> None:
        """Write what is to be said at the end."""


class TableReport:
    """A table for people."""

    def __init__(self, out: IO[str], *, verbose: bool, width: int | None) -> None:
        self._out, self._verbose, self._width = out, verbose, width

    def images(self, found: Found, changes: Sequence[Change]) -> None:
        """Write a line for each image, where they are asked for."""
        if not self._verbose or not changes:
            return
        self._out.write(f"{found.repository_name}\n")
        listed = _youngest_first(changes)
        tags = [", ".join(c.decision.image.image_tags) or "untagged" for c in listed]
        width = min(40, max(map(len, tags)))
        for tag, change in zip(tags, listed, strict=True):
            decision, image = change.decision, change.decision.image
            was = f"{_WORDS[change.before.action]} -> " if change.before is not None else ""
            self._out.write(
                f"  {was}{_WORDS[decision.action]:8}  {short(image.image_digest)}"
                f"  {tag:{width}}  {image.image_pushed_at:%Y-%m-%d}"
                f"  {size_text(image.image_size_in_bytes):>8}  {decision.reason}\n"
            )
        self._out.write("\n")

    def end(self, found: Sequence[Found]) -> None:
        """Write the table, with a line for each repository, and the notes."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading, right in _COLUMNS:
            table.add_column(heading, justify="right" if right else "left", overflow="fold")
        for cells in _rows(found):
            table.add_row(*cells)
        console = Console(file=self._out, width=self._width, highlight=False, markup=False)
        console.print(table)
        for line in _notes(found):
            self._out.write(f"{line}\n")


class MarkdownReport:
    """Markdown for a comment on a pull request."""

    def __init__(self, out: IO[str], *, verbose: bool) -> None:
        self._out, self._verbose = out, verbose
        self._listed: list[str] = []

    def images(self, found: Found, changes: Sequence[Change]) -> None:
        """Keep what goes, or everything where that is asked for, to be listed below the table."""
        listed = [
            change
            for change in _youngest_first(changes)
            if self._verbose or change.before is not None or change.decision.action is not None
        ]
        if not listed:
            return
        shown = listed if self._verbose else listed[:MOST_LISTED]
        lines = [
            "",
            "<details>",
            f"<summary>{found.repository_name}: {len(listed):,} images</summary>",
            "",
            "| Image | Tags | Pushed | Size | | Why |",
            "|---|---|---|--:|---|---|",
            *(_markdown_row(_image_cells(change)) for change in shown),
        ]
        if len(shown) < len(listed):
            lines += ["", f"{len(listed) - len(shown):,} more are not listed here."]
        self._listed += [*lines, "", "</details>"]

    def end(self, found: Sequence[Found]) -> None:
        """Write the table, the notes and the lists."""
        lines = [
            "### Lifecycle preview",
            "",
            _markdown_row([heading for heading, _ in _COLUMNS]),
            "|" + "|".join("--:" if right else "---" for _, right in _COLUMNS) + "|",
            *(_markdown_row(cells) for cells in _rows(found)),
        ]
        notes = list(_notes(found))
        if notes:
            lines += ["", *(f"- {_escaped(note)}" for note in notes)]
        self._out.write("\n".join([*lines, *self._listed]) + "\n")


class JsonReport:
    """A JSON array for scripts: an object for each image, on a line of its own."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._first = True

    def images(self, found: Found, changes: Sequence[Change]) -> None:
        """Write the objects."""
        for change in changes:
            decision, image = change.decision, change.decision.image
            written: dict[str, Any] = {
                "repositoryName": found.repository_name,
                "imageDigest": image.image_digest,
                "imageTags": list(image.image_tags),
                "imagePushedAt": image.image_pushed_at.isoformat(),
                "imageSizeInBytes": image.image_size_in_bytes,
                "rulePriority": decision.rule_priority,
                "action": action_text(decision),
                "reason": decision.reason,
            }
            if change.before is not None:
                written["before"] = {
                    "rulePriority": change.before.rule_priority,
                    "action": action_text(change.before),
                    "reason": change.before.reason,
                }
            self._out.write("[\n" if self._first else ",\n")
            self._out.write(json.dumps(written, ensure_ascii=False))
            self._first = False

    def end(self, _found: Sequence[Found]) -> None:
        """Close the array."""
        self._out.write("[]\n" if self._first else "\n]\n")


def action_text(decision: Decision) -> str:
    """What happens to an image, in AWS's words: expire, transition, or keep."""
    return "keep" if decision.action is None else str(decision.action)


def short(digest: str) -> str:
    """A digest as people read it."""
    return digest.removeprefix("sha256:")[:12]


_COLUMNS = (
    ("Repository", False),
    ("Stay", True),
    ("Deleted", True),
    ("Archived", True),
    ("Rules that act", False),
    ("Never can", False),
)


def _rows(found: Sequence[Found]) -> Iterator[list[str]]:
    total = Outcome()
    for one in found:
        outcome = one.outcome
        total.add(outcome)
        never = ", ".join(str(e.rule.rule_priority) for e in one.explained if e.never_acts)
        yield [
            one.repository_name,
            str(outcome.stay),
            str(outcome.deleted),
            str(outcome.archived),
            one.acting if one.rules else "no policy",
            never,
        ]
    if len(found) > 1:
        yield ["Total", str(total.stay), str(total.deleted), str(total.archived), "", ""]


def _notes(found: Sequence[Found]) -> Iterator[str]:
    for one in found:
        for note in one.notes:
            yield f"{one.repository_name}: {note}"
        for explained in one.explained:
            for warning in explained.warnings:
                yield f"{one.repository_name}: rule {explained.rule.rule_priority}: {warning}"


def _youngest_first(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: change.decision.image.image_pushed_at, reverse=True)


def _image_cells(change: Change) -> list[str]:
    decision, image = change.decision, change.decision.image
    was = f"{_WORDS[change.before.action]}, now " if change.before is not None else ""
    return [
        f"`{short(image.image_digest)}`",
        ", ".join(f"`{tag}`" for tag in image.image_tags) or "untagged",
        f"{image.image_pushed_at:%Y-%m-%d}",
        size_text(image.image_size_in_bytes),
        was + _WORDS[decision.action],
        decision.reason,
    ]


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;").replace("\n", " ")
