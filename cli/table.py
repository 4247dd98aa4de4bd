"""Table: what a preview found, for people."""

from collections.abc import Sequence
from io import StringIO
from typing import IO

from rich.console import Console
from rich.table import Table

from cli.outcome import Change, Found, short, size_text
from cli.report import COLUMNS, changed_of, fate_of, notes_of, row_of, total_of, youngest_first
from ecr_constructs import Image


class TableReport:
    """A table for people."""

    def __init__(self, out: IO[str], *, verbose: bool, width: int | None) -> None:
        self._out, self._verbose, self._width = out, verbose, width

    def images(self, found: Found, changes: Sequence[Change]) -> None:
        """Write a line for each image, where they are asked for."""
        if not self._verbose or not changes:
            return
        self._out.write(f"{found.repository_name}\n")
        listed = youngest_first(changes)
        tags = [_tags_text(change.decision.image) for change in listed]
        width = min(40, max(map(len, tags)))
        for tag, change in zip(tags, listed, strict=True):
            decision, image = change.decision, change.decision.image
            self._out.write(
                f"  {fate_of(change, ' -> '):8}  {short(image.image_digest)}"
                f"  {tag:{width}}  {image.image_pushed_at.date()}"
                f"  {size_text(image.image_size_in_bytes):>8}  {decision.reason}\n"
            )
        self._out.write("\n")

    def end(self, found: Sequence[Found]) -> None:
        """Write the table, with a line for each repository, and the notes."""
        changed, others = changed_of(found)
        table = Table(box=None, pad_edge=False, header_style="")
        for heading, right in COLUMNS:
            table.add_column(heading, justify="right" if right else "left", overflow="fold")
        for cells in (*map(row_of, changed), *total_of(changed)):
            table.add_row(*cells)
        console = Console(file=StringIO(), width=self._width, highlight=False, markup=False)
        with console.capture() as captured:
            console.print(table)
        lines = [line.rstrip() for line in captured.get().splitlines()] if changed else []
        self._out.writelines(f"{line}\n" for line in (*lines, *notes_of(changed), *others))


def _tags_text(image: Image) -> str:
    return ", ".join(image.image_tags) or "untagged"
