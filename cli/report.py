"""Report: how what a preview found is written, and what all ways of it have in common."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from cli.counts import counted
from cli.outcome import Change, Found, Outcome, fate_text

# Heading -> whether it is of numbers.
COLUMNS = (
    ("Repository", False),
    ("Stay", True),
    ("Deleted", True),
    ("Archived", True),
    ("Rules that act", False),
    ("Never can", False),
)


class Report(Protocol):
    """How what is found is written."""

    def images(self, found: Found, changes: Sequence[Change]) -> None:
        """Write the images of a repository, before anything else of it."""

    def end(self, found: Sequence[Found]) -> None:
        """Write what is to be said at the end."""


def changed_of(found: Sequence[Found]) -> tuple[list[Found], list[str]]:
    """The repositories to tell of, and how many others fare as before."""
    changed = [one for one in found if not one.as_before or one.lost]
    others = len(found) - len(changed)
    if not others:
        return changed, []
    who = counted(others, "repository fares", "repositories fare")
    return changed, [f"{who} as by the other policy"]


def row_of(found: Found) -> list[str]:
    """What the columns tell of a repository."""
    outcome = found.outcome
    return [
        found.repository_name,
        str(outcome.stay),
        str(outcome.deleted),
        str(outcome.archived),
        found.acting if found.rules else "no policy",
        ", ".join(str(e.rule.rule_priority) for e in found.explained if e.never_acts),
    ]


def total_of(found: Sequence[Found]) -> Iterator[list[str]]:
    """The same of all repositories, where there are several."""
    if len(found) > 1:
        total = Outcome()
        for one in found:
            total.add(one.outcome)
        yield ["Total", str(total.stay), str(total.deleted), str(total.archived), "", ""]


def notes_of(found: Sequence[Found]) -> Iterator[str]:
    """What there is to say of repositories beside, and what is a mistake of their rules."""
    for one in found:
        for note in one.notes:
            yield f"{one.repository_name}: {note}"
        for explained in one.explained:
            for warning in explained.warnings:
                yield f"{one.repository_name}: rule {explained.rule.rule_priority}: {warning}"


def youngest_first(changes: Sequence[Change]) -> list[Change]:
    """The images in the order in which people look at them."""
    return sorted(changes, key=lambda change: change.decision.image.image_pushed_at, reverse=True)


def fate_of(change: Change, now: str) -> str:
    """What happens to an image, and what did before where the two are compared.

    :param now: what is written between the two.
    """
    word = fate_text(change.decision)
    if change.before is None:
        return word
    return f"{fate_text(change.before)}{now}{word}" if change.differs else f"{word} as before"
