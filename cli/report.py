"""Report: what a preview found, as a table for people, Markdown for a pull request, or JSON."""

import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import IO, Any, NamedTuple, Protocol

from rich.console import Console
from rich.table import Table

from cli.counts import counted
from cli.in_use import Used
from cli.output import tell
from ecr_constructs import Decision, Image, LifecycleAction, LifecycleRule
from ecr_constructs.lifecycle_explanation import Explanation, explain_lifecycle_policy

# Of a repository's images, in Markdown that is not verbose; and of the tags of an image in a list.
MOST_LISTED = 50
MOST_TAGS = 5
# GitHub takes comments of 65,536 characters: so many for each part, and a few for the headings.
IN_USE_ROOM, TABLE_ROOM, NOTES_ROOM, LISTS_ROOM = 10_000, 15_000, 5_000, 30_000
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
        for rule in (decision.archived_by, decision.rule):
            if rule is not None and rule.rule_priority is not None:
                self.acting[rule.rule_priority] = self.acting.get(rule.rule_priority, 0) + 1

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
    """A decision, what another policy decides where two are compared, and who uses the image."""

    decision: Decision
    before: Decision | None = None
    used_by: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether something else happens to the image than by the other policy."""
        return self.before is not None and self.before.action is not self.decision.action

    @property
    def loses(self) -> bool:
        """Whether somebody uses the image, and it would go."""
        return bool(self.used_by) and self.decision.action is not None


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
    lost: tuple[Used, ...] = ()
    """The images in use that would go."""
    as_before: bool = False
    """Whether all of it fares as by the policy that it is compared with."""

    @property
    def acting(self) -> str:
        """The rules that act, and on how many images."""
        acting = sorted(self.outcome.acting.items())
        return ", ".join(f"{number} ({count:,})" for number, count in acting)

    @property
    def explained(self) -> list[Explanation]:
        """What each rule does, and which can never act."""
        return explain_lifecycle_policy(self.rules)

    @property
    def lost_lines(self) -> Iterator[str]:
        """A line for each use of an image that would go."""
        for use, decision in self.lost:
            image = decision.image
            done = "archived" if action_text(decision) == "transition" else "deleted"
            called = f"{_some(image.image_tags)} ({short(image.image_digest)})"
            yield (
                f"{self.repository_name}: {called} is in use by {use.who}, and would be {done}:"
                f" {decision.reason}"
            )


class Report(Protocol):
    """How what is found is written."""

    def images(self, found: Found, changes: Sequence[Change]) -> None:
        """Write the images of a repository, before anything else of it."""

    def end(self, found: Sequence[Found]) -> None:
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
        tags = [_tags_text(change.decision.image) for change in listed]
        width = min(40, max(map(len, tags)))
        for tag, change in zip(tags, listed, strict=True):
            decision, image = change.decision, change.decision.image
            self._out.write(
                f"  {_fate(change, ' -> '):8}  {short(image.image_digest)}"
                f"  {tag:{width}}  {image.image_pushed_at.date()}"
                f"  {size_text(image.image_size_in_bytes):>8}  {decision.reason}\n"
            )
        self._out.write("\n")

    def end(self, found: Sequence[Found]) -> None:
        """Write the table, with a line for each repository, and the notes."""
        changed, others = _changed(found)
        table = Table(box=None, pad_edge=False, header_style="")
        for heading, right in _COLUMNS:
            table.add_column(heading, justify="right" if right else "left", overflow="fold")
        for cells in (*map(_row, changed), *_total(changed)):
            table.add_row(*cells)
        console = Console(file=StringIO(), width=self._width, highlight=False, markup=False)
        with console.capture() as captured:
            console.print(table)
        lines = [line.rstrip() for line in captured.get().splitlines()] if changed else []
        self._out.writelines(f"{line}\n" for line in (*lines, *_notes(changed), *others))


class MarkdownReport:
    """Markdown for a comment on a pull request, no longer than GitHub takes."""

    def __init__(self, out: IO[str], *, verbose: bool) -> None:
        self._out, self._verbose = out, verbose
        self._lists: list[str] = []
        self._room = LISTS_ROOM
        self._unlisted = 0

    def images(self, found: Found, changes: Sequence[Change]) -> None:
        """Keep what goes, or everything where that is asked for, to be listed below the table."""
        listed = [
            change
            for change in _youngest_first(changes)
            if self._verbose or change.before is not None or change.decision.action is not None
        ]
        if not listed:
            return
        summary = f"{html.escape(found.repository_name)}: {counted(len(listed), 'image')}"
        head = (
            "",
            "<details>",
            f"<summary>{summary}</summary>",
            "",
            "| Image | Tags | Pushed | Size | | Why |",
            "|---|---|---|--:|---|---|",
        )
        shown = listed if self._verbose else listed[:MOST_LISTED]
        rows = _fitting(map(_image_row, shown), self._room - _length(head))
        if not rows:
            self._unlisted += 1
            return
        more = len(listed) - len(rows)
        lines = (
            *head,
            *rows,
            *_left_out(more, "more is", "more are", "not listed here"),
            "",
            "</details>",
        )
        self._room -= _length(lines)
        self._lists += lines

    def end(self, found: Sequence[Found]) -> None:
        """Write what is in use and would go, the table, the notes and the lists."""
        changed, others = _changed(found)
        lost = [line for one in found for line in one.lost_lines]
        lines = ["### Lifecycle preview"]
        if lost:
            lines += ["", "**In use, and would go:**", ""]
            lines += _items(lost, IN_USE_ROOM)
        if changed:
            rows = _fitting(
                (_markdown_row(map(_escaped, _row(one))) for one in changed), TABLE_ROOM
            )
            lines += [
                "",
                _markdown_row([heading for heading, _ in _COLUMNS]),
                "|" + "|".join("--:" if right else "---" for _, right in _COLUMNS) + "|",
                *rows,
                *(_markdown_row(cells) for cells in _total(changed)),
                *_left_out(
                    len(changed) - len(rows),
                    "more repository is",
                    "more repositories are",
                    "in the total alone",
                ),
            ]
        notes = [*_notes(changed), *others]
        if notes:
            lines += ["", *_items(notes, NOTES_ROOM)]
        lines += self._lists
        lines += _left_out(
            self._unlisted,
            "more repository has",
            "more repositories have",
            "images that are not listed here",
        )
        self._out.writelines(f"{line}\n" for line in lines)


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
                "inUse": list(change.used_by),
            }
            if change.before is not None:
                written["before"] = {
                    "rulePriority": change.before.rule_priority,
                    "action": action_text(change.before),
                    "reason": change.before.reason,
                }
            self._out.write("[\n" if self._first else ",\n")
            self._out.write(json.dumps(written))
            self._first = False

    def end(self, found: Sequence[Found]) -> None:
        """Close the array; it has no room for notes."""
        self._out.write("[]\n" if self._first else "\n]\n")
        for line in _notes(_changed(found)[0]):
            tell(line)


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


def _changed(found: Sequence[Found]) -> tuple[list[Found], list[str]]:
    """The repositories to tell of, and how many others fare as before."""
    changed = [one for one in found if not one.as_before or one.lost]
    others = len(found) - len(changed)
    if not others:
        return changed, []
    who = counted(others, "repository fares", "repositories fare")
    return changed, [f"{who} as by the other policy"]


def _row(found: Found) -> list[str]:
    outcome = found.outcome
    return [
        found.repository_name,
        str(outcome.stay),
        str(outcome.deleted),
        str(outcome.archived),
        found.acting if found.rules else "no policy",
        ", ".join(str(e.rule.rule_priority) for e in found.explained if e.never_acts),
    ]


def _total(found: Sequence[Found]) -> Iterator[list[str]]:
    if len(found) > 1:
        total = Outcome()
        for one in found:
            total.add(one.outcome)
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


def _fate(change: Change, now: str) -> str:
    """What happens to an image, and what did before where the two are compared."""
    word = _WORDS[change.decision.action]
    if change.before is None:
        return word
    return f"{_WORDS[change.before.action]}{now}{word}" if change.differs else f"{word} as before"


def _tags_text(image: Image) -> str:
    return ", ".join(image.image_tags) or "untagged"


def _some(tags: Sequence[str]) -> str:
    """The first ones of an image's tags."""
    more = len(tags) - MOST_TAGS
    return ", ".join(tags[:MOST_TAGS]) + (f" and {more:,} more" if more > 0 else "") or "untagged"


def _image_row(change: Change) -> str:
    decision, image = change.decision, change.decision.image
    # Tags and digests hold nothing that Markdown knows.
    tags = [f"`{tag}`" for tag in image.image_tags]
    return _markdown_row(
        [
            f"`{short(image.image_digest)}`",
            _some(tags),
            f"{image.image_pushed_at.date()}",
            size_text(image.image_size_in_bytes),
            _fate(change, ", now "),
            _escaped(decision.reason),
        ]
    )


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _items(texts: Sequence[str], room: int) -> list[str]:
    """A list of texts, as far as there is room."""
    items = _fitting((f"- {_escaped(text)}" for text in texts), room)
    return [*items, *_left_out(len(texts) - len(items), "more is", "more are", "not listed here")]


def _left_out(count: int, one: str, more: str, what: str) -> list[str]:
    return ["", f"{counted(count, one, more)} {what}."] if count else []


def _fitting(lines: Iterable[str], room: int) -> list[str]:
    """As many of the lines as there is room for."""
    found = []
    for line in lines:
        room -= _length([line])
        if room < 0:
            break
        found.append(line)
    return found


def _length(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _escaped(text: str) -> str:
    """A text of which Markdown takes no character for its own."""
    return re.sub(r"([\\`*_~\[\]<>|&])", r"\\\1", " ".join(text.split()))
