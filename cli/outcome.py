"""Outcome: what a preview found in a repository, and of how many images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cli.in_use import Use, Used
from ecr_constructs import Decision, LifecycleAction, LifecycleRule
from ecr_constructs.lifecycle_explanation import Explanation, explain_lifecycle_policy

# What happens to an image, as people say it.
_FATES = {
    None: "stays",
    LifecycleAction.EXPIRE: "deleted",
    LifecycleAction.TRANSITION: "archived",
}
# Of an image's tags, where only some are named.
MOST_TAGS = 5


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
    def lost_lines(self) -> list[str]:
        """A line for each who uses an image that would go, however often."""
        return list(dict.fromkeys(self._line(*one) for one in self.lost))

    def _line(self, use: Use, decision: Decision) -> str:
        image = decision.image
        called = f"{some_tags(image.image_tags)} ({short(image.image_digest)})"
        return (
            f"{self.repository_name}: {called} is in use by {use.who}, and would be"
            f" {fate_text(decision)}: {decision.reason}"
        )


def size_text(size: float) -> str:
    """Bytes in the units in which AWS bills: a GB is 10^9 of them."""
    for unit in ("B", "kB", "MB", "GB"):
        # No number is rounded to a thousand of its unit.
        if size < 999.95:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def action_text(decision: Decision) -> str:
    """What happens to an image, in AWS's words: expire, transition, or keep."""
    return "keep" if decision.action is None else str(decision.action)


def fate_text(decision: Decision) -> str:
    """The same in words for people."""
    return _FATES[decision.action]


def short(digest: str) -> str:
    """A digest as people read it."""
    return digest.removeprefix("sha256:")[:12]


def some_tags(tags: Sequence[str]) -> str:
    """The first ones of an image's tags."""
    more = len(tags) - MOST_TAGS
    return ", ".join(tags[:MOST_TAGS]) + (f" and {more:,} more" if more > 0 else "") or "untagged"
