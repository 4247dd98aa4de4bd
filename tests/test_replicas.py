import json
from collections.abc import Sequence
from functools import partial

import pytest
from conftest import new_stack
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
    Registry,
    RepositoryCreationTemplate,
    RepositoryCreationTemplateSettings,
    RepositorySettings,
    TagMutability,
    TagStatus,
    template_prefix_of,
)
from ecr_constructs.lifecycle_policy import numbered
from stacks import replicas
from stacks.arrivals import Arrival, Origin, Source
from stacks.replicas import differences, uncovered

ONE, OTHER = Principal(account="111111111111"), Principal(account="222222222222")
UNTAGGED = LifecycleRule(tag_status=TagStatus.UNTAGGED, max_image_age_days=7)
TEN, FIFTY = LifecycleRule(max_image_count=10), LifecycleRule(max_image_count=50)
THERE = Registry(account_id="222222222222", region="us-west-2")
PLAIN = RepositorySettings()
KEPT = RepositorySettings(lifecycle_rules=(TEN,))

shared = partial(replicas.shared, registry=THERE)
templates_for = partial(replicas.templates_for, registry=THERE)


def source(name: str, settings: RepositorySettings = PLAIN, **tags: str) -> Source:
    return Source(name=name, environment="shared", settings=settings, tags=tags)


def arrival(*sources: Source, prefix: str = "") -> Arrival:
    made = tuple(s for s in sources if not s.name or s.name.endswith("/"))
    defined = tuple(s for s in sources if s not in made)
    return Arrival(prefix=prefix, origin=Origin(repositories=defined, namespaces=made))


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
        # A template of everything would be about more than that.
        ([source("web")], ["we"], []),
        # A namespace in which ECR makes repositories itself.
        ([source("a1/b"), source("a1/new/", KEPT)], ["a1/"], ["a1", "a1/new"]),
        # Everything that is in no namespace of its own, where ECR makes repositories itself.
        ([source("", KEPT), source("a1/b")], [""], ["ROOT", "a1"]),
        # Nobody knows of anything.
        ([], ["a1/"], []),
        ([], [""], []),
        # The provider takes no prefix of one character.
        ([source("a/b")], ["a/"], []),
    ],
)
def test_which_templates_a_registry_needs(
    sources: list[Source], prefixes: list[str], expected: list[str]
) -> None:
    made = templates_for([arrival(*sources, prefix=prefix) for prefix in prefixes], {})
    assert list(made) == expected


def test_a_repository_that_two_rules_copy_is_one() -> None:
    arrivals = [arrival(source("a1/b/c", KEPT), prefix=prefix) for prefix in ("a1/", "a1")]
    assert templates_for(arrivals, {})["a1"].lifecycle_rules == numbered([TEN])


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


def test_awss_own_key_is_in_every_region() -> None:
    aws = RepositorySettings(encryption_type=EncryptionType.KMS, kms_key="alias/aws/ecr")
    one = source("a1/b", aws)
    template = shared([one, source("a1/c", RepositorySettings())])
    assert (template.encryption_type, template.kms_key) == ("KMS", "alias/aws/ecr")
    assert list(differences(one, template)) == []
    own = source("a1/c", RepositorySettings(encryption_type=EncryptionType.KMS))
    assert shared([one, own]).kms_key is None


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
    def settings(letter: str, length: int) -> RepositorySettings:
        deny = PolicyStatement(
            principals=(ONE,), actions=("ecr:PutImage",), effect=Effect.DENY, sid=letter * length
        )
        return RepositorySettings(pull=(OTHER,), repository_policy_statements=(deny,))

    for length in (6000, 4960):
        both = [source("a1/b", settings("b", length)), source("a1/c", settings("c", length))]
        assert shared(both).policy_statements == ()


def test_says_what_is_not_covered() -> None:
    sources = [
        source("a1/b", KEPT, team="x"),
        source("a1/c", KEPT, team="y"),
        source("a1/d/e", PLAIN, team="z"),
        source("web", PLAIN),
    ]
    arrivals = [arrival(*sources, prefix="a1/"), arrival(*sources, prefix="web")]
    templates = templates_for(arrivals, {})
    assert dict(uncovered(arrivals, templates, {})) == {
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
    assert dict(uncovered(arrivals, {**existing, **made}, {})) == {
        "a1/b": ("lifecycle_rules",),
        "a2/b": ("lifecycle_rules",),
    }


def test_the_order_of_statements_and_principals_is_no_difference() -> None:
    one = RepositorySettings(pull=(ONE, OTHER))
    same = RepositorySettings(pull=(OTHER, ONE))
    assert list(differences(source("a1/b", one), shared([source("a1/c", same)]))) == []


def test_the_order_of_conditions_is_no_difference() -> None:
    secure, from_here = (
        {"Bool": {"aws:SecureTransport": "true"}},
        {"Null": {"aws:SourceVpc": "false"}},
    )
    one, same = (
        RepositorySettings(
            repository_policy_statements=(
                PolicyStatement(
                    principals=(ONE,), actions=("ecr:ListImages",), conditions=conditions
                ),
            )
        )
        for conditions in ({**secure, **from_here}, {**from_here, **secure})
    )
    assert list(differences(source("a1/b", one), same)) == []


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
    assert dict(uncovered(arrivals, templates_for(arrivals, {}), {})) == {}


def arriving(by_name: dict[str, RepositorySettings], prefixes: Sequence[str]) -> list[Arrival]:
    sources = [source(name, settings, n=name) for name, settings in by_name.items()]
    return [arrival(*sources, prefix=prefix) for prefix in prefixes]


EXISTING = st.dictionaries(
    st.sampled_from(["ROOT", "aa", "aa/bb"]),
    st.sampled_from([applied_for("CREATE_ON_PUSH"), applied_for("REPLICATION")]),
    max_size=2,
)
# A namespace of one character takes no template.
ANY_NAMES = st.lists(PARTS | st.just("x"), min_size=1, max_size=4).map("/".join)


@given(
    st.dictionaries(ANY_NAMES, SETTINGS, min_size=1),
    st.lists(PARTS | st.sampled_from(["", "x/", "aa/"]), max_size=3),
    EXISTING,
)
def test_no_template_is_for_nothing(
    by_name: dict[str, RepositorySettings],
    prefixes: list[str],
    existing: dict[str, RepositoryCreationTemplateSettings],
) -> None:
    arrivals = arriving(by_name, prefixes)
    made = templates_for(arrivals, existing)
    assert not set(made) & set(existing)
    all_of_them = {**existing, **made}
    used = {template_prefix_of(s.name, all_of_them) for a in arrivals for s in a.sources}
    # What is replicated by a namespace has a template, whoever is below it.
    replicated = {
        _prefix for p in prefixes for n in [*by_name, p] for _prefix in _namespaces_of(n, p)
    }
    assert set(made) <= used | replicated
    assert "ROOT" not in made or "" in prefixes


def _namespaces_of(name: str, prefix: str) -> set[str]:
    cuts = [name[:at] for at, letter in enumerate(name) if letter == "/"]
    return {cut for cut in cuts if f"{cut}/".startswith(prefix)} | (
        {"ROOT"} if not prefix else set()
    )


def within(settings: RepositorySettings, template: RepositoryCreationTemplateSettings) -> bool:
    """Whether a template neither deletes more than a source does, nor admits more."""
    acting = numbered(settings.lifecycle_rules)
    return (
        acting[: len(template.lifecycle_rules)] == template.lifecycle_rules
        and set(template.pull) <= {*settings.pull, *settings.pull_push}
        and set(template.push) <= {*settings.push, *settings.pull_push}
    )


@given(
    st.dictionaries(ANY_NAMES, SETTINGS, min_size=1),
    st.lists(PARTS | st.sampled_from(["", "x/", "aa/"]), min_size=1, max_size=3),
    EXISTING,
)
def test_what_a_repository_is_made_by_is_never_wider_than_its_source(
    by_name: dict[str, RepositorySettings],
    prefixes: list[str],
    existing: dict[str, RepositoryCreationTemplateSettings],
) -> None:
    arrivals = arriving(by_name, prefixes)
    made = templates_for(arrivals, existing)
    replicating = {p: t for p, t in existing.items() if AppliedFor.REPLICATION in t.applied_for}
    templates = {**replicating, **made}
    told = dict(uncovered(arrivals, {**existing, **made}, {}))
    for s in {s for a in arrivals for s in a.sources}:
        prefix = template_prefix_of(s.name, templates)
        if prefix is not None and prefix in made:
            assert isinstance(s.settings, RepositorySettings)
            assert within(s.settings, made[prefix])
        # Whoever is without one is told of, unless AWS's own settings are the same.
        if prefix is None:
            assert s.name in told


@how(max_examples=60)
@given(st.lists(any_settings(), min_size=1, max_size=3))
def test_a_shared_template_is_never_wider_than_a_source(
    several: Sequence[RepositorySettings],
) -> None:
    template = shared([source(f"a1/r{n}", s, n=str(n)) for n, s in enumerate(several)])
    for settings in several:
        assert within(settings, template)
        allowed = [s for s in template.repository_policy_statements if s.effect == Effect.ALLOW]
        assert all(s in settings.repository_policy_statements for s in allowed)
    denied = {s for x in several for s in x.repository_policy_statements if s.effect == Effect.DENY}
    assert denied <= {*template.repository_policy_statements} or not template.policy_statements


ARN_OF_DEPLOYER = "arn:aws:iam::222222222222:role/terraform"
# What is right in the account 111111111111, and wrong in another account or Region.
OF_HOME = st.sampled_from(
    [
        RepositorySettings(push=(ONE,)),
        RepositorySettings(pull_push=(ONE,), read=(OTHER,)),
        RepositorySettings(
            pull=(
                Principal(lambda_function="arn:aws:lambda:ap-northeast-2:111111111111:function:x"),
            )
        ),
        *(
            RepositorySettings(
                pull=(OTHER,),
                repository_policy_statements=(
                    PolicyStatement(principals=(who,), actions=("ecr:*",), effect=Effect.DENY),
                ),
            )
            for who in (OTHER, Principal(role=ARN_OF_DEPLOYER))
        ),
        RepositorySettings(
            policy_document=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": "111111111111"},
                            "Action": "ecr:PutImage",
                        }
                    ],
                }
            )
        ),
    ]
)


@how(max_examples=60)
@given(
    st.lists(any_settings() | OF_HOME, min_size=1, max_size=3),
    st.sampled_from(["ap-northeast-2", "us-west-2"]),
    st.sampled_from(["111111111111", "222222222222", "333333333333"]),
)
def test_whatever_is_shared_can_be_made_at_the_destination(
    several: Sequence[RepositorySettings], region: str, account: str
) -> None:
    registry = Registry(account_id=account, region=region)
    sources = [source(f"a1/r{n}", s, n=str(n)) for n, s in enumerate(several)]
    template = replicas.shared(sources, registry=registry, deployer=ARN_OF_DEPLOYER)
    assert list(template.problems_in(registry, ARN_OF_DEPLOYER)) == []
    RepositoryCreationTemplate(
        new_stack(), "Template", registry=registry, prefix="a1", **vars(template)
    )


def test_days_since_the_last_pull_are_the_sources_alone() -> None:
    pulled = LifecycleRule(tag_status=TagStatus.UNTAGGED, max_days_since_image_pulled=90)
    one = source("a1/b", RepositorySettings(lifecycle_rules=(pulled, TEN)))
    template = shared([one])
    assert template.lifecycle_rules == ()
    assert list(differences(one, template)) == ["lifecycle_rules"]


def test_a_count_is_not_for_the_images_of_two_repositories() -> None:
    settings = RepositorySettings(lifecycle_rules=(UNTAGGED, TEN))
    here = Source(name="a1/b", environment="a", settings=settings, tags={})
    there = Source(name="a1/b", environment="b", settings=settings, tags={})
    assert shared([here, there]).lifecycle_rules == numbered([UNTAGGED])


def test_what_is_at_the_destination_already_is_compared() -> None:
    arrivals = [arrival(source("a1/b", KEPT, team="x"), prefix="a1/")]
    assert dict(uncovered(arrivals, {}, {"a1/b": PLAIN})) == {"a1/b": ("lifecycle_rules",)}
    assert dict(uncovered(arrivals, {}, {"a1/b": KEPT})) == {}
