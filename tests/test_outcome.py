from datetime import UTC, datetime

import pytest

from cli.in_use import Use, Used
from cli.outcome import Change, Found, Outcome, Total, size_text, some_tags
from ecr_constructs import Because, Decision, Image, LifecycleAction, LifecycleRule

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ARCHIVE, DELETE, KEEP = LifecycleAction.TRANSITION, LifecycleAction.EXPIRE, None
RULES = (
    LifecycleRule(max_image_age_days=1, action=ARCHIVE, rule_priority=1),
    LifecycleRule(max_days_since_image_transitioned=90, rule_priority=2),
)


def decided(
    action: LifecycleAction | None,
    rule: LifecycleRule | None = None,
    archived_by: LifecycleRule | None = None,
) -> Decision:
    image = Image(
        image_digest=f"sha256:{7:064x}",
        image_pushed_at=NOW,
        image_size_in_bytes=500,
        image_tags=("v1", "v2"),
    )
    return Decision(image, action, Because.RULE, rule, NOW, archived_by=archived_by)


def test_counts_images_and_each_rule_that_acts() -> None:
    outcome = Outcome()
    for decision in (
        decided(KEEP),
        decided(KEEP, RULES[0]),
        decided(ARCHIVE, RULES[0]),
        decided(DELETE, RULES[1]),
        # Two rules act on it, one after the other; it goes once.
        decided(DELETE, RULES[1], archived_by=RULES[0]),
    ):
        outcome.count(decision)
    assert outcome == Outcome(
        stay=Total(2, 1000), deleted=Total(2, 1000), archived=Total(1, 500), acting={1: 2, 2: 2}
    )
    assert Found("payments/api", RULES, outcome, ()).acting == "1 (2), 2 (2)"


def test_adds_those_of_another_repository() -> None:
    outcome = Outcome(stay=Total(1, 10), deleted=Total(2, 20), acting={1: 2})
    outcome.add(Outcome(stay=Total(3, 30), archived=Total(4, 40), acting={1: 4}))
    assert outcome == Outcome(Total(4, 40), Total(2, 20), Total(4, 40), {1: 2})


@pytest.mark.parametrize(
    ("before", "after", "differs", "loses"),
    [
        (None, decided(DELETE), False, True),
        (decided(KEEP), decided(KEEP), False, False),
        (decided(KEEP), decided(ARCHIVE), True, True),
        (decided(ARCHIVE), decided(DELETE), True, True),
        (decided(DELETE), decided(KEEP), True, False),
    ],
)
def test_an_image_fares_otherwise_where_something_else_happens_to_it(
    before: Decision | None, after: Decision, differs: bool, loses: bool
) -> None:
    assert Change(after, before).differs == differs
    assert Change(after, before, ("task 1",)).loses == loses
    assert not Change(after, before).loses


def test_tells_of_each_use_of_an_image_that_would_go() -> None:
    lost = tuple(Used(Use(who, "payments/api:v1"), decided(ARCHIVE, RULES[0])) for who in "ab")
    assert [
        line.partition(": rule 1")[0]
        for line in Found("payments/api", RULES, Outcome(), (), lost).lost_lines
    ] == [
        f"payments/api: v1, v2 (000000000000) is in use by {who}, and would be archived"
        for who in "ab"
    ]


def test_tells_once_who_uses_an_image_in_two_ways() -> None:
    ways = (Use("a", "payments/api:v1"), Use("b", "payments/api:v2"), Use("a", "payments/api:v2"))
    lost = tuple(Used(use, decided(DELETE, RULES[1])) for use in ways)
    first, second = Found("payments/api", RULES, Outcome(), (), lost).lost_lines
    assert " by a, and would be deleted" in first
    assert " by b, and would be deleted" in second


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_500_000_000, "1.5 GB"),
        (2**63 - 1, "9,223,372.0 TB"),
    ],
)
def test_a_size_is_in_the_largest_unit_that_is_whole(size: int, text: str) -> None:
    assert size_text(size) == text


def test_names_the_first_tags() -> None:
    assert some_tags(()) == "untagged"
    assert some_tags(("a", "b")) == "a, b"
    assert some_tags(tuple("abcdefg")) == "a, b, c, d, e and 2 more"
