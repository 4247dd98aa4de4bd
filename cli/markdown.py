"""Markdown: what a preview found, for a comment on a pull request."""

import html
import re
from collections.abc import Iterable, Sequence
from typing import IO

from cli.counts import counted
from cli.outcome import Change, Found, short, size_text, some_tags
from cli.report import COLUMNS, changed_of, fate_of, notes_of, row_of, total_of, youngest_first

# Of a repository's images, where not all are asked for.
MOST_LISTED = 50
# GitHub takes comments of 65,536 characters: so many for each part, and a few for the headings.
IN_USE_ROOM, TABLE_ROOM, NOTES_ROOM, LISTS_ROOM = 10_000, 15_000, 5_000, 30_000


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
            for change in youngest_first(changes)
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
        changed, others = changed_of(found)
        lost = [line for one in found for line in one.lost_lines]
        lines = ["### Lifecycle preview"]
        if lost:
            lines += ["", "**In use, and would go:**", ""]
            lines += _items(lost, IN_USE_ROOM)
        if changed:
            rows = _fitting(
                (_markdown_row(map(_escaped, row_of(one))) for one in changed), TABLE_ROOM
            )
            lines += [
                "",
                _markdown_row([heading for heading, _ in COLUMNS]),
                "|" + "|".join("--:" if right else "---" for _, right in COLUMNS) + "|",
                *rows,
                *(_markdown_row(cells) for cells in total_of(changed)),
                *_left_out(
                    len(changed) - len(rows),
                    "more repository is",
                    "more repositories are",
                    "in the total alone",
                ),
            ]
        notes = [*notes_of(changed), *others]
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


def _image_row(change: Change) -> str:
    decision, image = change.decision, change.decision.image
    # Tags and digests hold nothing that Markdown knows.
    tags = [f"`{tag}`" for tag in image.image_tags]
    return _markdown_row(
        [
            f"`{short(image.image_digest)}`",
            some_tags(tags),
            f"{image.image_pushed_at.date()}",
            size_text(image.image_size_in_bytes),
            fate_of(change, ", now "),
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
