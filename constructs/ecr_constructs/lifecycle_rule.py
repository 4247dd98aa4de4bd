"""Lifecycle rule: which images expire or go to the archive, and when."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ecr_constructs.checks import (
    Check,
    Choice,
    Problem,
    TextForm,
    WholeNumber,
    is_token,
    refuse,
    shown,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.wildcard import matches

MAX_PATTERN_WILDCARDS = 4
MIN_DAYS_IN_ARCHIVE = 90
# Older providers send archive rules, but do not see later changes to them.
ARCHIVE_PROVIDER_VERSION = "6.29.0"
_PAGE = "ECR user guide, lifecycle policy properties"

# Keyword -> AWS's countType.
COUNT_TYPES = {
    "max_image_count": "imageCountMoreThan",
    "max_image_age_days": "sinceImagePushed",
    "max_days_since_image_pulled": "sinceImagePulled",
    "max_days_since_image_transitioned": "sinceImageTransitioned",
}


class TagStatus(StrEnum):
    """Which images a rule selects by their tags."""

    TAGGED = "tagged"
    """Images that have tags matching the rule's list."""
    UNTAGGED = "untagged"
    """Images without any tag."""
    ANY = "any"
    """All images."""


class LifecycleAction(StrEnum):
    """What a rule does to an image."""

    EXPIRE = "expire"
    """Delete it."""
    TRANSITION = "transition"
    """Move it to the archive, from where it cannot be pulled until it is restored."""


_TRANSITIONED = "max_days_since_image_transitioned"
NUMBERS = {
    name: WholeNumber(
        what=name,
        source=f"{_PAGE}, `countNumber`",
        minimum=MIN_DAYS_IN_ARCHIVE if name == _TRANSITIONED else 1,
    )
    for name in COUNT_TYPES
}
PRIORITY = WholeNumber(what="rule_priority", source=f"{_PAGE}, `rulePriority`")
TAG_STATUS = Choice(what="tag_status", source=f"{_PAGE}, `tagStatus`", options=list(TagStatus))
ACTION = Choice(
    what="action",
    source=f"{_PAGE}, `action`",
    options=list(LifecycleAction),
    others={"delete": "expire", "remove": "expire", "archive": "transition"},
)
DESCRIPTION = TextForm(
    what="description",
    source="unknown whether an empty text, and control characters but tab and line break, pass:"
    " refused",
    pattern=re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]*"),
)
TAG_PATTERN = TextForm(
    what="tag pattern",
    source="ECR API, `ImageTag`, and OCI distribution specification: no tag holds another"
    " character; unknown whether ECR refuses it",
    maximum=300,
    pattern=re.compile(r"[A-Za-z0-9_.*-]+"),
    form="letters, digits, '_', '.', '-' and '*'",
)
TAG_PREFIX = TextForm(
    what="tag prefix",
    source="ECR API, `ImageTag`, and OCI distribution specification: no tag holds another"
    " character; unknown whether ECR refuses it",
    maximum=300,
    pattern=re.compile(r"[A-Za-z0-9_.-]+"),
    form="letters, digits, '_', '.' and '-'; for '*' use 'tag_pattern_list'",
)
WILDCARDS = Check(f"a tag pattern takes at most {MAX_PATTERN_WILDCARDS} '*'", _PAGE)
DUPLICATE_TAG = Check(
    "{what} must not repeat an entry",
    "unknown whether ECR refuses it; a repeated entry has no effect",
)
ONE_COUNT = Check(
    "a lifecycle rule takes exactly one of"
    f" {', '.join(map(repr, list(COUNT_TYPES)[:-1]))} and {list(COUNT_TYPES)[-1]!r}",
    f"{_PAGE}, `countType`",
)
PULLED_EXPIRES = Check(
    "'max_days_since_image_pulled' can only archive images",
    f"{_PAGE}, `sinceImagePulled`",
    f"leave 'action' out, and expire them by '{_TRANSITIONED}'",
)
TRANSITIONED_ARCHIVES = Check(
    f"'{_TRANSITIONED}' can only expire images",
    f"{_PAGE}, `sinceImageTransitioned`",
    "leave 'action' out",
)
BOTH_LISTS = Check(
    "a lifecycle rule takes 'tag_pattern_list' or 'tag_prefix_list'", _PAGE, "write two rules"
)
LIST_NEEDED = Check(
    "tag_status 'tagged' needs 'tag_pattern_list' or 'tag_prefix_list'",
    "ECR API error, 'Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED'",
    "the pattern '*' matches every tag",
)
LIST_UNUSED = Check(
    "a tag list goes with tag_status 'tagged' only",
    f"{_PAGE}, `tagStatus`",
    "leave 'tag_status' out",
)


@dataclass(frozen=True, kw_only=True)
class LifecycleRule:
    """A rule of a lifecycle policy: which images it selects, how many or how long it keeps them.

    An image is selected by a list when *every* entry of the list matches some tag of the image.
    An image that a rule selects is out of reach of all rules with a higher priority number, also
    where the rule keeps it.

    Counts, days and priorities fit 32 bits: whether ECR takes larger ones is unknown.

    :param max_image_count: keep this many of the selected images, the youngest; 1 or more.
    :param max_image_age_days: keep images until this many days after their push; 1 or more.
    :param max_days_since_image_pulled: archive images that nobody has pulled for this many days;
        1 or more. Implies the action `transition`.
    :param max_days_since_image_transitioned: expire images that have been in the archive for this
        many days; 90 or more, the archive's minimum.
    :param action: `expire` by default; `transition` archives instead.
    :param tag_status: by default `tagged` where a tag list is given, else `any`.
    :param tag_pattern_list: whole tags, in which `*` stands for any characters, at most four in
        one pattern. Letters, digits, `_`, `.` and `-`, up to 300: no tag holds more, and whether
        ECR refuses it is unknown, as is whether it refuses an entry that is there twice.
    :param tag_prefix_list: beginnings of tags, likewise.
    :param rule_priority: 1 or more, lower numbers act first. By default the rules are numbered in
        the order given, after the highest number that is given, and a rule for all images last.
    :param description: for people. Not empty and without control characters: whether ECR takes
        those, and how long it may be, is unknown.
    :raises ValueError: for anything that ECR would refuse.
    """

    max_image_count: int | None = None
    """Keep this many of the selected images, the youngest."""
    max_image_age_days: int | None = None
    """Keep images until this many days after their push."""
    max_days_since_image_pulled: int | None = None
    """Archive images that nobody has pulled for this many days."""
    max_days_since_image_transitioned: int | None = None
    """Expire images that have been in the archive for this many days (90 or more)."""
    action: LifecycleAction | None = None
    """What happens to the images: expire (default) or transition to the archive."""
    tag_status: TagStatus | None = None
    """By default tagged where a tag list is given, else any."""
    tag_pattern_list: tuple[str, ...] = ()
    """Select images of which every one of these patterns matches a tag; '*' is any characters."""
    tag_prefix_list: tuple[str, ...] = ()
    """Select images of which every one of these is the beginning of a tag."""
    rule_priority: int | None = None
    """Lower numbers act first. By default the rules are numbered in the order given."""
    description: str | None = None
    """For people."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        tagged = self.tag_pattern_list or self.tag_prefix_list
        default_status = TagStatus.TAGGED if tagged else TagStatus.ANY
        pulled = self.max_days_since_image_pulled is not None
        default_action = LifecycleAction.TRANSITION if pulled else LifecycleAction.EXPIRE
        for name, value in {
            "tag_status": TagStatus(self.tag_status or default_status),
            "action": LifecycleAction(self.action or default_action),
            "tag_pattern_list": tuple(self.tag_pattern_list),
            "tag_prefix_list": tuple(self.tag_prefix_list),
        }.items():
            object.__setattr__(self, name, value)

    def _problems(self) -> Iterator[Problem]:
        yield from self._count_problems()
        yield from self._tag_problems()
        for name, form in (
            ("action", ACTION),
            ("rule_priority", PRIORITY),
            ("description", DESCRIPTION),
        ):
            value = getattr(self, name)
            if value is not None:
                yield from within((name,), form.problems(value))

    def _count_problems(self) -> Iterator[Problem]:
        given = [name for name in COUNT_TYPES if getattr(self, name) is not None]
        if len(given) != 1:
            yield ONE_COUNT.problem(" and ".join(map(repr, given)) or "none")
        for name in given:
            yield from within((name,), NUMBERS[name].problems(getattr(self, name)))
        if given == ["max_days_since_image_pulled"] and self.action == LifecycleAction.EXPIRE:
            yield PULLED_EXPIRES.problem("action 'expire'", ("action",))
        if given == [_TRANSITIONED] and self.action == LifecycleAction.TRANSITION:
            yield TRANSITIONED_ARCHIVES.problem("action 'transition'", ("action",))

    def _tag_problems(self) -> Iterator[Problem]:
        for name, form in (("tag_pattern_list", TAG_PATTERN), ("tag_prefix_list", TAG_PREFIX)):
            values = getattr(self, name)
            if not isinstance(values, list | tuple):
                yield wrong_type(name, "a list", values)._replace(path=(name,))
                continue
            for index, value in enumerate(values):
                yield from within((name, index), form.problems(value))
            yield from within((name,), unique(DUPLICATE_TAG, values, what=name))
        if isinstance(self.tag_pattern_list, list | tuple):
            for index, pattern in enumerate(self.tag_pattern_list):
                count = str(pattern).count("*")
                if count > MAX_PATTERN_WILDCARDS and not is_token(pattern):
                    path = ("tag_pattern_list", index)
                    yield WILDCARDS.problem(f"{shown(pattern)} ({count})", path)
        if self.tag_pattern_list and self.tag_prefix_list:
            yield BOTH_LISTS.problem("both")
        if self.tag_status is None:
            return
        listed = self.tag_pattern_list or self.tag_prefix_list
        yield from within(("tag_status",), TAG_STATUS.problems(self.tag_status))
        if self.tag_status == TagStatus.TAGGED and not listed:
            yield LIST_NEEDED.problem("neither", ("tag_status",))
        if self.tag_status in (TagStatus.UNTAGGED, TagStatus.ANY) and listed:
            yield LIST_UNUSED.problem(f"tag_status {shown(self.tag_status)}", ("tag_status",))

    @property
    def storage_class(self) -> str:
        """Where the selected images are: `archive` or `standard`."""
        return "standard" if self.max_days_since_image_transitioned is None else "archive"

    @property
    def required_provider_version(self) -> str | None:
        """The oldest AWS provider that handles the rule, where not every one does."""
        archive = self.storage_class == "archive" or self.action == LifecycleAction.TRANSITION
        return ARCHIVE_PROVIDER_VERSION if archive else None

    @property
    def count_type(self) -> str:
        """The keyword that says what is counted, such as `max_image_count`."""
        return next(name for name in COUNT_TYPES if getattr(self, name) is not None)

    @property
    def count_number(self) -> int:
        """How many images or days."""
        number: int = getattr(self, self.count_type)
        return number

    def selects(self, tags: Sequence[str]) -> bool:
        """Whether the rule selects an image with these tags, in its storage class.

        Every entry of the rule's list has to match some tag of the image.
        """
        if self.tag_status == TagStatus.ANY:
            return True
        if self.tag_status == TagStatus.UNTAGGED:
            return not tags
        return all(any(matches(p, tag) for tag in tags) for p in self.patterns)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The rule's list as patterns of whole tags; a prefix is a pattern that ends in `*`."""
        return self.tag_pattern_list or tuple(f"{prefix}*" for prefix in self.tag_prefix_list)

    def render(self) -> dict[str, object]:
        """The rule as AWS writes it, in AWS's key order; what is not given is left out."""
        archive = self.storage_class == "archive"
        selection = {
            "tagStatus": str(self.tag_status),
            "tagPatternList": list(self.tag_pattern_list),
            "tagPrefixList": list(self.tag_prefix_list),
            "storageClass": "archive" if archive else None,
            "countType": COUNT_TYPES[self.count_type],
            "countUnit": None if self.count_type == "max_image_count" else "days",
            "countNumber": self.count_number,
        }
        transition = self.action == LifecycleAction.TRANSITION
        rule = {
            "rulePriority": self.rule_priority,
            "description": self.description,
            "selection": {key: value for key, value in selection.items() if value},
            "action": {"type": str(self.action)}
            | ({"targetStorageClass": "archive"} if transition else {}),
        }
        return {key: value for key, value in rule.items() if value is not None}
