import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from strategies import lifecycle_policies

from ecr_constructs import (
    Because,
    Decision,
    Image,
    ImageStatus,
    InvalidValueError,
    LifecycleAction,
    LifecycleRule,
    TagStatus,
    lifecycle_preview,
    preview_lifecycle_policy,
)
from ecr_constructs.lifecycle_policy import lifecycle_policy_problems, numbered
from ecr_constructs.lifecycle_preview import _expression
from ecr_constructs.wildcard import matches

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "lifecycle_decisions.yaml").read_text()
)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def digest(name: str) -> str:
    return "sha256:" + name.encode().hex().rjust(64, "0")


def image(name: str, known: Mapping[str, Any]) -> Image:
    """An image of a case, in which times are days before the moment."""
    times = {
        "image_pushed_at": "pushed",
        "last_recorded_pull_time": "pulled",
        "last_archived_at": "archived",
        "last_activated_at": "restored",
    }
    assert not known.keys() - {*times.values(), "tags", "status", "holds", "subject"}
    return Image(
        image_digest=digest(name),
        image_tags=tuple(known.get("tags", ())),
        image_status=ImageStatus(known.get("status", "ACTIVE")),
        manifest_digests=tuple(digest(held) for held in known.get("holds", ())),
        subject_manifest_digest=digest(known["subject"]) if "subject" in known else None,
        **{key: ago(known[short]) for key, short in times.items() if short in known},  # type: ignore[arg-type]
    )


def told(decision: Decision) -> str:
    """A decision in the words of the cases."""
    number = decision.rule_priority
    if decision.because is Because.NOT_YET:
        return "not yet"
    if decision.because is Because.MANIFEST_LIST:
        subject = f", of {named(decision.subject)}" if decision.subject else ""
        return f"held {number} by {named(decision.held_by)}{subject}"
    if decision.action is None:
        return "keep" if number is None else f"keep {number}"
    return f"{decision.action} {number}" + (
        f" with {named(decision.subject)}" if decision.subject else ""
    )


def named(digest: str) -> str:
    return bytes.fromhex(digest[7:]).lstrip(b"\0").decode()


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_decides_as_ecr_does(case: dict[str, Any]) -> None:
    assert case["source"]
    rules = [LifecycleRule(**rule) for rule in case["rules"]]
    images = [image(name, known) for name, known in case["images"].items()]
    since = ago(case["since"]) if "since" in case else None
    found = preview_lifecycle_policy(rules, images, at=NOW, since=since)
    assert dict(zip(case["images"], map(told, found), strict=True)) == case["then"]


def test_as_many_images_stay_as_go() -> None:
    outcomes = [outcome.split()[0] for case in CASES for outcome in case["then"].values()]
    stay = [outcome for outcome in outcomes if outcome in ("keep", "held")]
    assert len(CASES) >= 40
    assert 0.4 < len(stay) / len(outcomes) < 0.65


_TAGS = ["v1", "v2", "v10", "v1-rc", "latest", "main-1", "pr-7", "a", "ab"]


@st.composite
def images(draw: st.DrawFn) -> list[Image]:
    """Images of a repository, among them some of one moment, archived and restored ones."""
    found = []
    for number in range(draw(st.integers(0, 14))):
        known: dict[str, Any] = {"pushed": draw(st.integers(0, 12) | st.integers(0, 400))}
        known["tags"] = draw(st.lists(st.sampled_from(_TAGS), max_size=3, unique=True))
        if draw(st.booleans()):
            known["pulled"] = draw(st.integers(0, known["pushed"]))
        if draw(st.integers(0, 3)) == 0:
            known["archived"] = draw(st.integers(0, known["pushed"]))
            if draw(st.booleans()):
                known["status"] = "ARCHIVED"
            else:
                known["restored"] = draw(st.integers(0, known["archived"]))
        found.append(image(f"i{number}", known))
    return found


@st.composite
def connected(draw: st.DrawFn) -> list[Image]:
    """The same, among them manifest lists and what belongs to another image."""
    found = draw(images())
    digests = st.sampled_from([i.image_digest for i in found] or [digest("x")])
    lists = st.just(()) | st.lists(digests, max_size=3, unique=True).map(tuple)
    return [
        replace(
            one,
            manifest_digests=draw(lists),
            subject_manifest_digest=draw(st.none() | st.none() | digests),
        )
        for one in found
    ]


@st.composite
def policies(draw: st.DrawFn) -> tuple[LifecycleRule, ...]:
    """Policies with numbers that matter for so few images."""
    found: list[LifecycleRule] = []
    for rule in draw(lifecycle_policies(least=0)):
        archive = rule.storage_class == "archive"
        number: dict[str, Any] = {rule.count_type: draw(st.integers(1, 6)) + 89 * archive}
        changed = replace(rule, **number)
        if rule.tag_status == TagStatus.TAGGED:
            tag = draw(st.sampled_from(["v*", "v1*", "*", "*1*", "latest", "p*-*7", "a*b*"]))
            changed = replace(changed, tag_prefix_list=(), tag_pattern_list=(tag,))
        if not lifecycle_policy_problems((*found, changed)):
            found.append(changed)
    return numbered(found)


def by_the_book(
    rules: Sequence[LifecycleRule], found: Sequence[Image]
) -> dict[str, tuple[LifecycleAction | None, int | None]]:
    """ECR's rules as the user guide tells them: slowly, one image and one rule after the other."""
    identified: dict[int, set[str]] = {}
    selected: dict[int, set[str]] = {}
    for rule in rules:
        number = int(rule.rule_priority or 0)
        mine = [
            i
            for i in found
            if (i.image_status == "ACTIVE") == (rule.storage_class == "standard")
            and rule.selects(i.image_tags)
        ]
        mine.sort(key=lambda i: (i.last_activated_at or i.image_pushed_at, i.image_digest))
        selected[number] = {i.image_digest for i in mine}
        if rule.max_image_count is not None:
            old = mine[: max(0, len(mine) - rule.max_image_count)]
        else:
            days = timedelta(days=rule.count_number)
            old = [i for i in mine if NOW - _counted_from(rule, i) > days]
        identified[number] = {i.image_digest for i in old}
    decided: dict[str, tuple[LifecycleAction | None, int | None]] = {}
    for i in found:
        first = next((n for n in sorted(selected) if i.image_digest in selected[n]), None)
        acts = first is not None and i.image_digest in identified[first]
        action = next(r.action for r in rules if r.rule_priority == first) if acts else None
        decided[i.image_digest] = (action, first)
    return decided


def _counted_from(rule: LifecycleRule, i: Image) -> datetime:
    if rule.max_image_age_days is not None:
        return i.last_activated_at or i.image_pushed_at
    if rule.max_days_since_image_transitioned is not None:
        return i.last_archived_at or NOW
    pulled, back = i.last_recorded_pull_time, i.last_activated_at
    if pulled is None or (back is not None and pulled < back):
        return back or i.image_pushed_at
    return pulled


@given(policies(), images())
def test_decides_by_the_book(rules: tuple[LifecycleRule, ...], found: list[Image]) -> None:
    decisions = preview_lifecycle_policy(rules, found, at=NOW)
    decided = {d.image.image_digest: (d.action, d.rule_priority) for d in decisions}
    assert decided == by_the_book(rules, found)


@given(policies(), connected(), st.randoms())
def test_the_order_of_images_does_not_matter(
    rules: tuple[LifecycleRule, ...], found: list[Image], random: Any
) -> None:
    mixed = list(found)
    random.shuffle(mixed)
    one, other = (preview_lifecycle_policy(rules, i, at=NOW) for i in (found, mixed))
    assert {d.image.image_digest: d for d in one} == {d.image.image_digest: d for d in other}
    assert [d.image for d in other] == mixed


def held(decision: Decision, others: Sequence[Decision]) -> bool:
    """Whether a manifest list refers to it that stays."""
    return any(
        decision.image.image_digest in other.image.manifest_digests
        and other.action is None
        and other.image is not decision.image
        and not (
            other.image.storage_class == "archive" and decision.image.storage_class == "standard"
        )
        for other in others
    )


@given(policies(), connected())
def test_lists_and_subjects_do_not_contradict_each_other(
    rules: tuple[LifecycleRule, ...], found: list[Image]
) -> None:
    decisions = preview_lifecycle_policy(rules, found, at=NOW)
    by_digest = {d.image.image_digest: d for d in decisions}
    for decision in decisions:
        stays = decision.action is None
        assert stays or not held(decision, decisions)
        if decision.because is Because.MANIFEST_LIST:
            assert by_digest[decision.held_by].action is None
            assert decision.image.image_digest in by_digest[decision.held_by].image.manifest_digests
        if decision.because is Because.SUBJECT:
            assert by_digest[decision.subject].action is decision.action
        subject = by_digest.get(decision.image.subject_manifest_digest or "", decision)
        if subject.action is LifecycleAction.EXPIRE and not held(decision, decisions):
            assert decision.action is LifecycleAction.EXPIRE
        assert decision.reason


@given(policies(), images())
def test_a_rule_of_lower_priority_changes_no_decision_of_a_higher_one(
    rules: tuple[LifecycleRule, ...], found: list[Image]
) -> None:
    before = preview_lifecycle_policy(rules[:-1], found, at=NOW)
    after = preview_lifecycle_policy(rules, found, at=NOW)
    for one, other in zip(before, after, strict=True):
        if one.rule is not None:
            assert (one.action, one.rule) == (other.action, other.rule)


@given(policies(), images())
def test_older_never_outlives_younger_under_one_count_with_the_same_tags(
    rules: tuple[LifecycleRule, ...], found: list[Image]
) -> None:
    decisions = [d for d in preview_lifecycle_policy(rules, found, at=NOW) if d.rule]
    for one in decisions:
        for other in decisions:
            same = one.rule == other.rule and one.image.image_tags == other.image.image_tags
            counts = one.rule is not None and one.rule.max_image_count is not None
            older = one.image.active_since < other.image.active_since
            if same and counts and older and one.action is None:
                assert other.action is None


@given(policies(), images())
def test_without_the_rule_that_shields_it_another_would_act(
    rules: tuple[LifecycleRule, ...], found: list[Image]
) -> None:
    for decision in preview_lifecycle_policy(rules, found, at=NOW):
        shield = decision.shielded_from
        later = [r for r in rules if (r.rule_priority or 0) > (decision.rule_priority or 0)]
        if decision.rule is None or decision.action is not None:
            assert shield is None
            continue
        for rule in later:
            [alone] = [
                d
                for d in preview_lifecycle_policy([rule], found, at=NOW)
                if d.image is decision.image
            ]
            if alone.action is not None:
                assert shield == rule
                break
        else:
            assert shield is None


@given(
    st.text("ab*", min_size=1, max_size=9).filter(lambda p: p.count("*") <= 4),
    st.lists(st.text("ab.", min_size=1, max_size=9), min_size=1, max_size=4),
)
def test_a_pattern_is_the_same_for_all_tags_in_one_text(pattern: str, tags: list[str]) -> None:
    [rule] = numbered([LifecycleRule(tag_pattern_list=(pattern,), max_image_count=1)])
    lines = "\n" + "\n".join(tags) + "\n"
    expected = any(matches(pattern, tag) for tag in tags)
    assert (_expression(pattern).search(lines) is not None) == expected
    assert lifecycle_preview._selected(rule, [lines], [0]) == [0] * expected


def test_a_pattern_takes_no_time_for_a_long_tag() -> None:
    # It would take centuries if the parts were given back.
    assert not _expression("*a*a*a*b").search("\n" + "ab" * 50_000 + "c\n")


@pytest.mark.parametrize("shielded", [False, True])
def test_each_pattern_is_tried_on_each_image_once(
    monkeypatch: pytest.MonkeyPatch, shielded: bool
) -> None:
    tried = []
    select = lifecycle_preview._selected

    def count(rule: LifecycleRule, tags: Sequence[str], positions: list[int]) -> list[int]:
        tried.append((rule.patterns, len(positions)))
        return select(rule, tags, positions)

    monkeypatch.setattr(lifecycle_preview, "_selected", count)
    patterns = ["*-a", "*-b"] if shielded else ["x*", "y*"]
    rules = [LifecycleRule(tag_pattern_list=(p,), max_image_count=9_000) for p in patterns]
    tags = ["1-a", "1-b"]
    found = [image(f"{n}", {"pushed": n, "tags": [tags[n % 2]]}) for n in range(10_000)]
    preview_lifecycle_policy(rules, found, at=NOW)
    for pattern in patterns:
        assert sum(number for listed, number in tried if listed == (pattern,)) <= len(found)


def test_is_strict_to_the_microsecond() -> None:
    rule = LifecycleRule(max_image_age_days=1)
    moment = datetime(2026, 11, 24, 3, 4, 5, 678901, tzinfo=UTC)
    exact = Image(image_digest=digest("a"), image_pushed_at=moment - timedelta(days=1))
    older = replace(exact, image_pushed_at=exact.image_pushed_at - timedelta(microseconds=1))
    [kept] = preview_lifecycle_policy([rule], [exact], at=moment)
    [gone] = preview_lifecycle_policy([rule], [older], at=moment)
    assert (kept.action, gone.action) == (None, LifecycleAction.EXPIRE)


@pytest.mark.parametrize("keyword", ["max_image_age_days", "max_days_since_image_pulled"])
def test_takes_every_number_of_days(keyword: str) -> None:
    number: dict[str, Any] = {keyword: 2**31 - 1}
    rule = LifecycleRule(**number)
    ancient = Image(
        image_digest=digest("a"), image_pushed_at=datetime(1, 1, 1, tzinfo=UTC), image_tags=("v1",)
    )
    archive = LifecycleRule(max_days_since_image_transitioned=2**31 - 1)
    found = preview_lifecycle_policy([rule, archive], [ancient], at=NOW, since=ago(10))
    assert [d.action for d in found] == [None]


REASONS = [
    ({"max_image_count": 1}, {"pushed": 9}, "rule 1: not among the youngest"),
    ({"max_image_count": 2}, {"pushed": 0.5}, "rule 1 keeps it: among the 2 youngest"),
    ({"max_image_age_days": 7}, {"pushed": 8}, "rule 1: pushed 8 days ago, more than 7"),
    (
        {"max_image_age_days": 7},
        {"pushed": 1},
        "rule 1 keeps it: pushed 1 day ago, not more than 7",
    ),
    (
        {"max_image_age_days": 7},
        {"pushed": 90, "archived": 60, "restored": 3},
        "rule 1 keeps it: restored 3 days ago, not more than 7",
    ),
    (
        {"max_days_since_image_pulled": 7},
        {"pushed": 90, "pulled": 8},
        "rule 1: pulled 8 days ago, more than 7",
    ),
    (
        {"max_days_since_image_pulled": 7},
        {"pushed": 90},
        "rule 1: never pulled, pushed 90 days ago, more than 7",
    ),
    (
        {"max_days_since_image_pulled": 7},
        {"pushed": 90, "pulled": 70, "archived": 60, "restored": 3},
        "rule 1 keeps it: restored 3 days ago, not more than 7",
    ),
    (
        {"max_days_since_image_transitioned": 90},
        {"pushed": 200, "archived": 91, "status": "ARCHIVED"},
        "rule 1: archived 91 days ago, more than 90",
    ),
    (
        {"tag_status": "untagged", "max_image_count": 1},
        {"pushed": 9, "tags": ["a"]},
        "no rule selects it",
    ),
    ({"max_image_age_days": 7}, {"pushed": -3}, "it is pushed after this moment"),
    (
        {"max_days_since_image_pulled": 7},
        {"pushed": 90, "pulled": -3},
        "rule 1 keeps it: pulled after this moment, not more than 7 days before it",
    ),
]


@pytest.mark.parametrize(("rule", "known", "reason"), REASONS, ids=[r[2] for r in REASONS])
def test_says_why(rule: dict[str, Any], known: dict[str, Any], reason: str) -> None:
    other = image("other", {"pushed": 1, "tags": ["a"]})
    decision, _ = preview_lifecycle_policy(
        [LifecycleRule(**rule)], [image("it", known), other], at=NOW
    )
    assert decision.reason == reason


def test_says_which_rule_it_is_shielded_from() -> None:
    rules = [
        LifecycleRule(tag_pattern_list=("v*",), max_image_count=5),
        LifecycleRule(max_image_count=1),
    ]
    found = [image(name, {"pushed": number, "tags": ["v1"]}) for number, name in enumerate("ab")]
    young, old = preview_lifecycle_policy(rules, found, at=NOW)
    assert young.reason == "rule 1 keeps it: among the 5 youngest"
    assert old.reason == "rule 1 keeps it: among the 5 youngest; rule 2 would delete it"


def test_says_what_holds_it_and_with_what_it_goes() -> None:
    rules = [LifecycleRule(tag_status=TagStatus.UNTAGGED, max_image_age_days=1)]
    found = [
        image("list", {"pushed": 9, "tags": ["v1"], "holds": ["amd64"]}),
        image("amd64", {"pushed": 9}),
        image("other", {"pushed": 9}),
        image("signature", {"pushed": 9, "tags": ["sig"], "subject": "other"}),
    ]
    _, held, _, signature = preview_lifecycle_policy(rules, found, at=NOW)
    assert held.reason == (
        f"manifest list {digest('list')} refers to it and stays; rule 1 would delete it:"
        " pushed 9 days ago, more than 1"
    )
    assert signature.reason == f"it goes with its subject {digest('other')}, deleted by rule 1"


def test_says_that_a_list_holds_what_would_go_with_its_subject() -> None:
    rules = [LifecycleRule(tag_status=TagStatus.UNTAGGED, max_image_age_days=7)]
    found = [
        image("list", {"pushed": 9, "tags": ["v1"], "holds": ["attestation"]}),
        image("attestation", {"pushed": 1, "subject": "app"}),
        image("app", {"pushed": 9}),
    ]
    _, attestation, _ = preview_lifecycle_policy(rules, found, at=NOW)
    assert attestation.reason == (
        f"manifest list {digest('list')} refers to it and stays; else it went with its subject"
        f" {digest('app')}, deleted by rule 1"
    )


def test_what_belongs_to_an_image_goes_where_that_goes_at_the_least() -> None:
    rules = [
        LifecycleRule(
            tag_pattern_list=("sig*",), max_image_age_days=5, action=LifecycleAction.TRANSITION
        ),
        LifecycleRule(tag_status=TagStatus.UNTAGGED, max_image_age_days=7),
        LifecycleRule(max_image_age_days=30),
    ]
    found = {
        # Both rules act: that on the signature itself is the one that is told.
        "own": {"pushed": 31, "subject": "app"},
        # Its own rule archives it, and then its subject takes it along.
        "archived": {"pushed": 31, "tags": ["sig"], "subject": "app"},
        "young": {"pushed": 1, "subject": "app"},
        "kept": {"pushed": 31, "tags": ["sig"], "subject": "young-app"},
        "app": {"pushed": 31, "tags": ["v1"]},
        "young-app": {"pushed": 1, "tags": ["v2"]},
        # No image is its own subject, but nothing may hang on one that says so.
        "self": {"pushed": 8, "subject": "self"},
    }
    decisions = preview_lifecycle_policy(
        rules, [image(name, known) for name, known in found.items()], at=NOW
    )
    assert dict(zip(found, map(told, decisions), strict=True)) == {
        "own": "expire 2",
        "archived": "expire 3 with app",
        "young": "expire 3 with app",
        "kept": "transition 1",
        "app": "expire 3",
        "young-app": "keep 3",
        "self": "expire 2",
    }


def test_says_that_it_is_archived_first() -> None:
    rules = [
        LifecycleRule(max_image_age_days=30, action=LifecycleAction.TRANSITION),
        LifecycleRule(max_days_since_image_transitioned=90),
    ]
    [decision] = preview_lifecycle_policy(
        rules, [image("a", {"pushed": 140})], at=NOW, since=ago(130)
    )
    # Thirty days after its push, 110 days ago.
    assert decision.reason == (
        "rule 1 archives it first; rule 2: archived 110 days ago, more than 90"
    )


def test_what_belongs_to_an_image_is_archived_with_it_before_it_is_deleted() -> None:
    rules = [
        LifecycleRule(
            tag_pattern_list=("v*",), max_image_age_days=30, action=LifecycleAction.TRANSITION
        ),
        LifecycleRule(
            tag_pattern_list=("sig",), max_image_age_days=9, action=LifecycleAction.TRANSITION
        ),
        LifecycleRule(tag_pattern_list=("v*",), max_days_since_image_transitioned=90),
        LifecycleRule(tag_status=TagStatus.UNTAGGED, max_image_age_days=1),
    ]
    found: dict[str, dict[str, Any]] = {
        "app": {"pushed": 140, "tags": ["v1"]},
        "sbom": {"pushed": 140, "tags": ["x"], "subject": "app"},
        "signature": {"pushed": 140, "tags": ["sig"], "subject": "app"},
        # It is in the archive already.
        "old": {"pushed": 140, "archived": 135, "status": "ARCHIVED", "subject": "app"},
        "gone": {"pushed": 140},
        # Its subject is deleted without the archive.
        "of-gone": {"pushed": 140, "tags": ["sig"], "subject": "gone"},
    }
    decisions = preview_lifecycle_policy(
        rules, [image(name, known) for name, known in found.items()], at=NOW, since=ago(130)
    )
    by = [(d.archived_by and d.archived_by.rule_priority, d.rule_priority) for d in decisions]
    assert {d.action for d in decisions} == {LifecycleAction.EXPIRE}
    assert dict(zip(found, by, strict=True)) == {
        "app": (1, 3),
        "sbom": (1, 3),
        "signature": (2, 3),
        "old": (None, 3),
        "gone": (None, 4),
        "of-gone": (None, 4),
    }


def test_fails_with_everything_at_once() -> None:
    one = image("a", {"pushed": 1})
    rules = [LifecycleRule(max_image_count=1), LifecycleRule(max_image_count=2)]
    with pytest.raises(InvalidValueError) as caught:
        preview_lifecycle_policy(rules, [one, one], at=datetime(2026, 1, 1))  # noqa: DTZ001
    sentences = [problem.sentence for problem in caught.value.problems]
    assert [re.split(", got|;", sentence)[0] for sentence in sentences] == [
        "only one rule of a storage class can select all images",
        "at must be a datetime with its offset from UTC",
        "since must be a datetime with its offset from UTC",
        "images must be of one repository, each once",
    ]


def test_fails_with_what_is_no_image() -> None:
    with pytest.raises(InvalidValueError, match="images must be a list of Image values"):
        preview_lifecycle_policy([], ["sha256:x"], at=NOW)  # type: ignore[list-item]
