"""Lifecycle preview: which images a lifecycle policy deletes or archives, and why the others stay.

It follows ECR's evaluation rules. Every rule identifies images on its own, also those that another
rule takes; then each image belongs to the first rule that selects it, which acts on it or keeps it
from all later ones. Standard storage and the archive are apart. (ECR user guide, lifecycle policy
evaluation rules.)
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from ecr_constructs.checks import Check, Problem, refuse, sequence, shown
from ecr_constructs.image import Image
from ecr_constructs.lifecycle_policy import lifecycle_policy_problems, numbered
from ecr_constructs.lifecycle_rule import LifecycleAction, LifecycleRule, TagStatus

MOMENT = Check(
    "{what} must be a datetime with its offset from UTC", "this library: times are moments"
)
IMAGE_TWICE = Check(
    "images must be of one repository, each once", "ECR API: a digest names an image"
)
# How many images are looked at together for those that a rule counts.
_CHUNK = 4096
_FIRST = datetime.min.replace(tzinfo=UTC)


class Because(Enum):
    """Why something happens to an image, or nothing."""

    RULE = "rule"
    """The first rule that selects it acts on it, or keeps it."""
    NO_RULE = "no rule"
    """No rule selects it."""
    MANIFEST_LIST = "manifest list"
    """A rule would act, but a manifest list refers to it that stays."""
    SUBJECT = "subject"
    """It is a signature, SBOM or the like, and goes with the image that it belongs to."""
    NOT_YET = "not yet"
    """It is pushed after the moment."""


class _Limited(NamedTuple):
    """A rule, and from where on it acts: on what is older than a moment, or than an image."""

    rule: LifecycleRule
    limit: tuple[datetime, str] | None

    def acts_on(self, image: Image) -> bool:
        """Whether the rule alone would act on an image of its storage class."""
        if self.limit is None:
            return False
        moment, digest = self.limit
        if self.rule.count_type == "max_image_count":
            old = (image.active_since, image.image_digest) < (moment, digest)
        else:
            old = _SINCE[self.rule.count_type](image)[0] < moment
        return old and self.rule.selects(image.image_tags)


class Decision(NamedTuple):
    """What a lifecycle policy does to an image, and why."""

    image: Image
    action: LifecycleAction | None
    """What happens to it; nothing where it stays."""
    because: Because
    rule: LifecycleRule | None
    """The rule that acts on it or keeps it, with its priority."""
    at: datetime
    """The moment of the decision."""
    later: tuple[_Limited, ...] = ()
    held_by: str = ""
    """The digest of the manifest list that holds it."""
    subject: str = ""
    """The digest of the image that it belongs to, where it goes with that, or would."""
    archived_by: LifecycleRule | None = None
    """The rule that moves it to the archive first, from where the other one deletes it."""
    archived_at: datetime | None = None
    """When that happens."""

    @property
    def rule_priority(self) -> int | None:
        """The number of the rule that acts on it or keeps it."""
        return None if self.rule is None else self.rule.rule_priority

    @property
    def shielded_from(self) -> LifecycleRule | None:
        """The first later rule that would act on it, did the rule that keeps it not select it."""
        if self.action is not None or self.because is not Because.RULE:
            return None
        return next((one.rule for one in self.later if one.acts_on(self.image)), None)

    @property
    def reason(self) -> str:
        """Why, as a sentence without an end."""
        rule = self.rule
        if rule is None:
            later = self.because is Because.NOT_YET
            return "it is pushed after this moment" if later else "no rule selects it"
        if self.held_by:
            return f"manifest list {self.held_by} refers to it and stays; {self._else(rule)}"
        if self.because is Because.SUBJECT:
            return f"it goes with {self._its_subject(rule, self.action)}"
        fact = self._fact(rule, acts=self.action is not None)
        if self.action is None:
            kept = f"rule {rule.rule_priority} keeps it: {fact}"
            other = self.shielded_from
            if other is None:
                return kept
            return f"{kept}; rule {other.rule_priority} would {_would(other.action)} it"
        first = ""
        if self.archived_by is not None:
            first = f"rule {self.archived_by.rule_priority} archives it first; "
        return f"{first}rule {rule.rule_priority}: {fact}"

    def _else(self, rule: LifecycleRule) -> str:
        """What would happen to it if no manifest list held it."""
        if self.subject:
            return f"else it went with {self._its_subject(rule, rule.action)}"
        fact = self._fact(rule, acts=True)
        return f"rule {rule.rule_priority} would {_would(rule.action)} it: {fact}"

    def _its_subject(self, rule: LifecycleRule, action: LifecycleAction | None) -> str:
        done = "deleted" if action is LifecycleAction.EXPIRE else "archived"
        return f"its subject {self.subject}, {done} by rule {rule.rule_priority}"

    def _fact(self, rule: LifecycleRule, *, acts: bool) -> str:
        """What the rule counts, for this image."""
        number = rule.count_number
        if rule.count_type == "max_image_count":
            youngest = "youngest" if number == 1 else f"{number} youngest"
            return f"not among the {youngest}" if acts else f"among the {youngest}"
        since, done = _SINCE[rule.count_type](self.image)
        if self.archived_at is not None:
            since = self.archived_at
        if since > self.at:
            return f"{done} after this moment, not more than {number} days before it"
        days = (self.at - since).days
        age = f"{done} {days} day{'' if days == 1 else 's'} ago"
        return f"{age}, {'more' if acts else 'not more'} than {number}"


def _earlier(moment: datetime, days: int) -> datetime:
    """A moment so many days before; the first one where there is none that early."""
    try:
        return moment - timedelta(days=days)
    except OverflowError:
        return _FIRST


def _would(action: LifecycleAction | None) -> str:
    return "archive" if action is LifecycleAction.TRANSITION else "delete"


def _since_active(image: Image) -> tuple[datetime, str]:
    restored = image.last_activated_at is not None
    return image.active_since, "restored" if restored else "pushed"


def _since_used(image: Image) -> tuple[datetime, str]:
    if image.used_at == image.last_recorded_pull_time:
        return image.used_at, "pulled"
    since, done = _since_active(image)
    return since, f"never pulled, {done}" if done == "pushed" else done


def _since_archived(image: Image) -> tuple[datetime, str]:
    return image.last_archived_at or image.image_pushed_at, "archived"


# What a rule counts -> the moment that it counts from, and what happened then.
_SINCE: Mapping[str, Callable[[Image], tuple[datetime, str]]] = {
    "max_image_age_days": _since_active,
    "max_days_since_image_pulled": _since_used,
    "max_days_since_image_transitioned": _since_archived,
}


def preview_lifecycle_policy(
    rules: Sequence[LifecycleRule],
    images: Sequence[Image],
    *,
    at: datetime,
    since: datetime | None = None,
) -> list[Decision]:
    """What a lifecycle policy does to the images of a repository: a decision for each, in order.

    ECR acts within 24 hours of the moment. An image that a manifest list refers to stays as long as
    the list does; that takes the `manifest_digests` of the list. A signature, or what else has a
    subject, goes with it, unless such a list holds it. Of images with one time, that with the
    higher digest counts as the younger; which one ECR takes is unknown.

    :param rules: the policy; none deletes nothing.
    :param images: all images of one repository, archived ones too.
    :param at: the moment, with an offset from UTC. Images that are pushed later are not there: no
        rule counts them.
    :param since: when the images were as they are, `at` by default. Where it is earlier, nobody is
        supposed to push or pull in between, and what is archived by then is deleted from the
        archive, where a rule says so.
    :raises ValueError: for rules that ECR would refuse together, an image that is there twice, and
        moments without an offset.
    """
    start = at if since is None else since
    refuse(_problems(rules, images, at, start))
    ranked = numbered(rules)
    archive = [rule for rule in ranked if rule.storage_class == "archive"] if start < at else []
    there = [image for image in images if image.image_pushed_at <= at]
    classes = [image.storage_class for image in there]
    found = {
        storage_class: _decided(
            [rule for rule in ranked if rule.storage_class == storage_class],
            [i for i, own in zip(there, classes, strict=True) if own == storage_class],
            at,
        )
        for storage_class in ("standard", "archive")
    }
    decided = [next(found[storage_class]) for storage_class in classes]
    alone = [_from_archive(one, archive, start) for one in decided] if archive else decided
    settled = iter(_settled(decided, alone))
    return [
        next(settled)
        if image.image_pushed_at <= at
        else Decision(image, None, Because.NOT_YET, None, at)
        for image in images
    ]


def _problems(
    rules: Sequence[LifecycleRule], images: Sequence[Image], at: object, since: object
) -> Iterator[Problem]:
    yield from sequence("images", images, Image)
    yield from lifecycle_policy_problems(rules)
    for what, moment in (("at", at), ("since", since)):
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            yield MOMENT.problem(shown(moment), what=what)
    digests = [image.image_digest for image in images if isinstance(image, Image)]
    if len(set(digests)) < len(digests):
        twice = [digest for digest, times in Counter(digests).items() if times > 1]
        others = f" and {len(twice) - 1:,} more" if len(twice) > 1 else ""
        yield IMAGE_TWICE.problem(f"{shown(twice[0])}{others} several times")


def _decided(
    rules: Sequence[LifecycleRule], images: Sequence[Image], at: datetime
) -> Iterator[Decision]:
    """The decisions of one storage class's rules on its images, in order."""
    count = len(images)
    # Seconds are exact to the microsecond, and far faster to compare than moments.
    active = [image.active_since.timestamp() for image in images]
    digests = [image.image_digest for image in images]
    youngest = sorted(range(count), key=active.__getitem__, reverse=True)
    if len(set(active)) < count:
        youngest.sort(key=lambda index: (active[index], digests[index]), reverse=True)
    ages = [0] * count
    for rank, index in enumerate(youngest):
        ages[index] = rank
    tags = ["\n".join(("", *i.image_tags, "")) if i.image_tags else "" for i in images]
    limited: list[_Limited] = []
    acting: list[int | None] = [None] * count
    acts = [False] * count
    free = youngest
    for number, rule in enumerate(rules):
        limit: tuple[datetime, str] | None
        if rule.count_type == "max_image_count":
            counted, last = _counted(rule, tags, youngest, acting)
            selected = [index for index in counted if acting[index] is None]
            limit = None if last is None else (images[last].active_since, digests[last])
            rank = count if last is None else ages[last]
            marked = selected[bisect_right(selected, rank, key=ages.__getitem__) :]
        else:
            selected = _selected(rule, tags, free)
            before, since = _earlier(at, rule.count_number), _SINCE[rule.count_type]
            limit = (before, "")
            marked = [index for index in selected if since(images[index])[0] < before]
        limited.append(_Limited(rule, limit))
        for index in selected:
            acting[index] = number
        for index in marked:
            acts[index] = True
        free = [index for index in free if acting[index] is None] if selected else free
    later = [tuple(limited[number + 1 :]) for number in range(len(rules))]
    for image, one, act in zip(images, acting, acts, strict=True):
        if one is None:
            yield Decision(image, None, Because.NO_RULE, None, at)
        else:
            rule = rules[one]
            yield Decision(image, rule.action if act else None, Because.RULE, rule, at, later[one])


def _selected(rule: LifecycleRule, tags: Sequence[str], positions: list[int]) -> list[int]:
    """Those of the positions at which the rule selects an image.

    :param tags: of each image in lines, a line break before and after each; or nothing.
    """
    if rule.tag_status == TagStatus.ANY:
        return positions
    if rule.tag_status == TagStatus.UNTAGGED:
        return [i for i in positions if not tags[i]]
    for pattern in rule.patterns:
        # A search for a text is several times as fast as one for an expression.
        texts = _texts(pattern)
        for text in dict.fromkeys(texts):
            positions = [i for i in positions if text in tags[i]]
        if len(texts) > 1:
            search = _expression(pattern).search
            positions = [i for i in positions if search(tags[i])]
    return positions


def _counted(
    rule: LifecycleRule, tags: Sequence[str], youngest: list[int], acting: Sequence[int | None]
) -> tuple[list[int], int | None]:
    """What a rule selects, from the youngest, and the last one that it keeps.

    Of what is older than that, only images that no rule before selects are looked at.
    """
    found: list[int] = []
    last = None
    for start in range(0, len(youngest), _CHUNK):
        chunk = youngest[start : start + _CHUNK]
        if last is not None:
            chunk = [index for index in chunk if acting[index] is None]
        found += _selected(rule, tags, chunk)
        if last is None and len(found) >= rule.count_number:
            last = found[rule.count_number - 1]
    return found, last


@lru_cache(maxsize=1024)
def _texts(pattern: str) -> tuple[str, ...]:
    """What has to be in the lines of an image's tags for a pattern to match one; the longest first.

    A single text is the whole condition. A line break alone is in all that have tags.
    """
    parts = [part for part in f"\n{pattern}\n".split("*") if part not in ("", "\n")]
    return tuple(sorted(parts, key=len, reverse=True)) or ("\n",)


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    """A pattern of whole tags, for tags on a line each.

    Each part between two `*` is taken where it first occurs, and never given back, so that no tag
    takes more than linear time.
    """
    first, *parts = map(re.escape, f"\n{pattern}\n".split("*"))
    return re.compile(first + "".join(f"(?>[^\n]*?{part})" for part in parts))


def _from_archive(decision: Decision, rules: Sequence[LifecycleRule], start: datetime) -> Decision:
    """The decision on an image that is archived so early that a rule deletes it from there."""
    archiving = decision.rule
    if archiving is None or decision.action is not LifecycleAction.TRANSITION:
        return decision
    archived_at = start
    if archiving.count_type != "max_image_count":
        since = _SINCE[archiving.count_type](decision.image)[0]
        if since > _earlier(start, archiving.count_number):
            archived_at = since + timedelta(days=archiving.count_number)
    rule = next((rule for rule in rules if rule.selects(decision.image.image_tags)), None)
    if rule is None or archived_at >= _earlier(decision.at, rule.count_number):
        return decision
    return decision._replace(
        action=LifecycleAction.EXPIRE, rule=rule, archived_by=archiving, archived_at=archived_at
    )


class _Links:
    """Who waits for whom among the images of a repository, by their positions."""

    def __init__(self, images: Sequence[Image]) -> None:
        places = {image.image_digest: index for index, image in enumerate(images)}
        self.holders: dict[int, set[int]] = {}
        """The manifest lists that hold an image as long as they stay."""
        self.subjects: dict[int, int] = {}
        self.waiting: dict[int, list[int]] = {}
        """What is to be looked at again when an image goes."""
        for index, image in enumerate(images):
            for digest in set(image.manifest_digests):
                member = places.get(digest, index)
                # What is in the archive holds nothing in standard storage.
                apart = (image.storage_class, images[member].storage_class)
                if member != index and apart != ("archive", "standard"):
                    self.holders.setdefault(member, set()).add(index)
                    self.waiting.setdefault(index, []).append(member)
            subject = places.get(image.subject_manifest_digest or "", index)
            if subject != index:
                self.subjects[index] = subject
                self.waiting.setdefault(subject, []).append(index)


def _settled(decided: Sequence[Decision], alone: Sequence[Decision]) -> list[Decision]:
    """The decisions, with manifest lists and subjects.

    An image stays to which a manifest list refers that stays; else it goes with its subject. A list
    that is archived lets go of its images. (ECR user guide: the list has to be deleted or archived
    first.) What waits for each other stays.

    :param decided: what the rules do to each image now.
    :param alone: what they do to it in the end where nothing holds it.
    """
    images = [decision.image for decision in decided]
    if not any(image.manifest_digests or image.subject_manifest_digest for image in images):
        return list(alone)
    links = _Links(images)
    gone: dict[int, Decision] = {}
    open_ = [index for index in range(len(decided)) if index not in links.holders]
    while open_:
        index = open_.pop()
        decision = _following(alone[index], gone.get(links.subjects.get(index, -1)))
        before = gone.get(index)
        if decision.action is None or (before and before.action is decision.action):
            continue
        gone[index] = decision
        for other in links.waiting.get(index, ()):
            holders = links.holders.get(other, set())
            holders.discard(index)
            if not holders:
                open_.append(other)
    return [gone.get(i) or _held(i, decided, links, gone) for i in range(len(decided))]


def _held(
    index: int, decided: Sequence[Decision], links: _Links, gone: Mapping[int, Decision]
) -> Decision:
    """The decision on an image that stays, perhaps because a manifest list holds it."""
    would = _following(decided[index], gone.get(links.subjects.get(index, -1)))
    if would.action is None:
        return would
    holder = min(decided[holder].image.image_digest for holder in links.holders[index])
    return would._replace(action=None, because=Because.MANIFEST_LIST, held_by=holder)


def _following(decision: Decision, subject: Decision | None) -> Decision:
    """The decision on what belongs to a subject: it goes where that goes, and never comes back."""
    gone = decision.action is LifecycleAction.EXPIRE
    standard = decision.image.storage_class == "standard"
    if subject is None or gone:
        return decision
    if subject.action is LifecycleAction.TRANSITION and (decision.action or not standard):
        return decision
    # It is in the archive by the time that the subject is deleted from there.
    first = decision.rule if decision.action else subject.archived_by
    return decision._replace(
        action=subject.action,
        because=Because.SUBJECT,
        rule=subject.rule,
        subject=subject.image.image_digest,
        archived_by=first if subject.archived_by and standard else None,
    )
