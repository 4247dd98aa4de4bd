from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from strategies import settings as any_settings

from ecr_constructs import (
    AppliedFor,
    Effect,
    EncryptionType,
    LifecycleRule,
    PolicyStatement,
    Principal,
    RepositoryCreationTemplateSettings,
    RepositorySettings,
    TagMutability,
    TagStatus,
    template_prefix_of,
)
from ecr_constructs.lifecycle_policy import numbered
from stacks.replicas import Arrival, Source, differences, shared, templates_for, uncovered

ONE, OTHER = Principal(account="111111111111"), Principal(account="222222222222")
UNTAGGED = LifecycleRule(tag_status=TagStatus.UNTAGGED, max_image_age_days=7)
TEN, FIFTY = LifecycleRule(max_image_count=10), LifecycleRule(max_image_count=50)
PLAIN = RepositorySettings()
KEPT = RepositorySettings(lifecycle_rules=(TEN,))


def source(name: str, settings: RepositorySettings = PLAIN, **tags: str) -> Source:
    return Source(repository_name=name, settings=settings, tags=tags)


def arrival(*sources: Source, prefix: str = "") -> Arrival:
    selected = tuple(s for s in sources if s.repository_name.startswith(prefix))
    return Arrival(prefix=prefix, sources=selected, defaults=source("", KEPT))


def applied_for(*values: str) -> RepositoryCreationTemplateSettings:
    return RepositoryCreationTemplateSettings(applied_for=tuple(map(AppliedFor, values)))


# What is replicated, by which prefixes -> the prefixes of the templates.
@pytest.mark.parametrize(
    ("sources", "prefixes", "expected"),
    [
        # One for the namespace, as long as all below it are alike.
        ([source("a1/b"), source("a1/c"), source("a1/d/e")], ["a1/"], ["a1"]),
        # One more for a namespace in it that differs, and for one in that.
        ([source("a1/b"), source("a1/d/e", KEPT)], ["a1/"], ["a1", "a1/d"]),
        (
            [source("a1/b"), source("a1/d/e", KEPT), source("a1/d/f/g")],
            ["a1/"],
            ["a1", "a1/d", "a1/d/f"],
        ),
        # Two namespaces by a prefix that is the beginning of both.
        ([source("pay/b"), source("payments/b")], ["pay"], ["pay", "payments"]),
        # The end of a name selects one repository; its namespace gets a template.
        ([source("pay/api"), source("pay/web")], ["pay/api"], ["pay"]),
        # Everything, and what is in no namespace.
        ([source("a1/b"), source("web")], [""], ["ROOT"]),
        ([source("a1/b", KEPT), source("web")], [""], ["ROOT", "a1"]),
        ([source("web")], ["we"], ["ROOT"]),
        # Nothing is there yet: as the environment's defaults say.
        ([], ["a1/"], ["a1"]),
        ([], [""], ["ROOT"]),
        ([], ["pay"], []),
        # The provider takes no prefix of one character.
        ([source("a/b")], ["a/"], []),
    ],
)
def test_which_templates_a_registry_needs(
    sources: list[Source], prefixes: list[str], expected: list[str]
) -> None:
    made = templates_for([arrival(*sources, prefix=prefix) for prefix in prefixes], {})
    assert list(made) == expected


def test_what_is_not_there_yet_is_as_the_defaults_say() -> None:
    [template] = templates_for([arrival(prefix="a1/")], {}).values()
    assert template.lifecycle_rules == numbered([TEN])


def test_a_replica_is_like_its_source() -> None:
    whole = RepositorySettings(
        image_tag_mutability=TagMutability.MUTABLE,
        encryption_type=EncryptionType.KMS,
        lifecycle_rules=(UNTAGGED, TEN),
        pull=(ONE,),
        pull_push=(OTHER,),
        repository_policy_statements=(
            PolicyStatement(principals=(ONE,), actions=("ecr:ListImages",)),
        ),
    )
    one = source("a1/b", whole, team="payments")
    template = shared([one])
    assert list(differences(one, template)) == []
    assert template.applied_for == (AppliedFor.REPLICATION,)
    assert template.resource_tags == {"team": "payments"}
    assert template.policy_statements == whole.policy_statements


def test_a_key_stays_in_its_region() -> None:
    key = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    own = source("a1/b", RepositorySettings(encryption_type=EncryptionType.KMS, kms_key=key))
    template = shared([own])
    assert (template.encryption_type, template.kms_key) == ("KMS", None)
    assert list(differences(own, template)) == ["kms_key"]


def test_what_differs_is_on_the_safe_side() -> None:
    audit = PolicyStatement(principals=(OTHER,), actions=("ecr:ListImages",))
    deny = PolicyStatement(principals=(ONE,), actions=("ecr:BatchDeleteImage",), effect=Effect.DENY)
    template = shared(
        [
            source(
                "a1/b",
                RepositorySettings(
                    lifecycle_rules=(UNTAGGED, TEN),
                    pull=(ONE, OTHER),
                    repository_policy_statements=(audit,),
                ),
                team="payments",
                service="b",
            ),
            source(
                "a1/c",
                RepositorySettings(
                    image_tag_mutability=TagMutability.MUTABLE,
                    encryption_type=EncryptionType.KMS,
                    lifecycle_rules=(UNTAGGED, FIFTY),
                    pull=(ONE,),
                    push=(ONE,),
                    repository_policy_statements=(deny,),
                ),
                team="payments",
                service="c",
            ),
        ]
    )
    assert template.image_tag_mutability == "MUTABLE"
    assert template.encryption_type == "KMS"
    # The last ten of one would delete what the other keeps.
    assert template.lifecycle_rules == numbered([UNTAGGED])
    assert (template.pull, template.push) == ((ONE,), ())
    assert template.repository_policy_statements == (deny,)
    assert template.resource_tags == {"team": "payments"}


def test_rules_after_one_that_differs_are_left_out() -> None:
    old = LifecycleRule(tag_prefix_list=("old",), max_image_count=1)
    kept = LifecycleRule(tag_prefix_list=("old", "x"), max_image_count=99)
    # `kept` spares images that `old` alone would take.
    template = shared(
        [
            source("a1/b", RepositorySettings(lifecycle_rules=(kept, UNTAGGED))),
            source("a1/c", RepositorySettings(lifecycle_rules=(old, UNTAGGED))),
        ]
    )
    assert template.lifecycle_rules == ()


def test_a_policy_that_would_be_too_long_admits_nobody() -> None:
    def settings(letter: str) -> RepositorySettings:
        deny = PolicyStatement(
            principals=(ONE,), actions=("ecr:PutImage",), effect=Effect.DENY, sid=letter * 6000
        )
        return RepositorySettings(repository_policy_statements=(deny,))

    template = shared([source("a1/b", settings("b")), source("a1/c", settings("c"))])
    assert template.policy_statements == ()


def test_says_what_is_not_covered() -> None:
    sources = [
        source("a1/b", KEPT, team="x"),
        source("a1/c", KEPT, team="y"),
        source("a1/d/e", PLAIN, team="z"),
        source("web", PLAIN),
    ]
    arrivals = [arrival(*sources, prefix="a1/"), arrival(*sources, prefix="web")]
    templates = {**templates_for(arrivals[:1], {})}
    assert dict(uncovered(arrivals, templates)) == {
        "a1/b": ("tags",),
        "a1/c": ("tags",),
        # No template at all: AWS's own settings.
        "web": ("image_tag_mutability",),
    }


def test_the_templates_that_are_there_stay() -> None:
    arrivals = [arrival(source("a1/b", KEPT), source("a2/b", KEPT), source("a2/c/d", KEPT))]
    existing = {
        "ROOT": applied_for("REPLICATION"),
        "a1": applied_for("PULL_THROUGH_CACHE"),
        "a2": applied_for("REPLICATION", "CREATE_ON_PUSH"),
    }
    made = templates_for(arrivals, existing)
    # Below them, what they do not cover gets one.
    assert list(made) == ["a2/c"]
    assert dict(uncovered(arrivals, {**existing, **made})) == {
        "a1/b": ("lifecycle_rules",),
        "a2/b": ("lifecycle_rules",),
    }


def test_the_order_of_statements_and_principals_is_no_difference() -> None:
    one = RepositorySettings(pull=(ONE, OTHER))
    same = RepositorySettings(pull=(OTHER, ONE))
    assert list(differences(source("a1/b", one), shared([source("a1/c", same)]))) == []


PARTS = st.sampled_from(["aa", "bb", "cc"])
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
SETTINGS = st.sampled_from(
    [
        PLAIN,
        KEPT,
        RepositorySettings(lifecycle_rules=(UNTAGGED, TEN), pull=(ONE,)),
        RepositorySettings(lifecycle_rules=(UNTAGGED, FIFTY), pull=(ONE, OTHER)),
        RepositorySettings(encryption_type=EncryptionType.KMS, push=(OTHER,)),
    ]
)


@given(st.dictionaries(NAMES, SETTINGS, min_size=1), st.sampled_from(["", "aa", "aa/", "aa/bb"]))
def test_repositories_that_have_their_namespace_for_themselves_are_covered(
    by_namespace: dict[str, RepositorySettings], prefix: str
) -> None:
    # Each namespace holds repositories of one kind.
    sources = [
        source(f"{namespace}/{end}", settings)
        for namespace, settings in by_namespace.items()
        for end in ("x1", "x2")
    ]
    arrivals = [arrival(*sources, prefix=prefix)]
    assert dict(uncovered(arrivals, templates_for(arrivals, {}))) == {}


@given(st.dictionaries(NAMES, SETTINGS, min_size=1), st.lists(PARTS, max_size=3))
def test_no_template_is_for_nothing(
    by_name: dict[str, RepositorySettings], prefixes: list[str]
) -> None:
    sources = [source(name, settings) for name, settings in by_name.items()]
    arrivals = [arrival(*sources, prefix=prefix) for prefix in prefixes]
    made = templates_for(arrivals, {})
    used = {template_prefix_of(s.repository_name, made) for a in arrivals for s in a.sources}
    bases = {prefix for prefix in made if f"{prefix}/" in {f"{p}/" for p in prefixes}}
    assert set(made) <= used | bases | {"ROOT"}


@how(max_examples=60, deadline=None)
@given(st.lists(any_settings(), min_size=1, max_size=3))
def test_a_shared_template_is_never_wider_than_a_source(
    several: Sequence[RepositorySettings],
) -> None:
    template = shared([source(f"a1/r{n}", s, n=str(n)) for n, s in enumerate(several)])
    for settings in several:
        assert set(template.pull) <= {*settings.pull, *settings.pull_push}
        assert set(template.push) <= {*settings.push, *settings.pull_push}
        allowed = [s for s in template.repository_policy_statements if s.effect == Effect.ALLOW]
        assert all(s in settings.repository_policy_statements for s in allowed)
        # The rules that act first in the source act in the replica, and no others.
        acting = numbered(settings.lifecycle_rules)
        assert acting[: len(template.lifecycle_rules)] == template.lifecycle_rules
    denied = {s for x in several for s in x.repository_policy_statements if s.effect == Effect.DENY}
    assert denied <= {*template.repository_policy_statements} or not template.policy_statements
