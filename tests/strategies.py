"""Values that the library accepts, and nearly accepts, at random."""

import json
import string
from dataclasses import fields, replace
from typing import Any

from hypothesis import strategies as st

from ecr_constructs import (
    AppliedFor,
    Effect,
    EncryptionType,
    LifecycleAction,
    LifecycleRule,
    PolicyStatement,
    Principal,
    PublicRepositorySettings,
    PullThroughCacheSettings,
    RegistryPolicyStatement,
    ReplicationDestination,
    ReplicationRule,
    RepositoryCreationTemplateSettings,
    RepositorySettings,
    ScanFrequency,
    Scanning,
    ScanningRule,
    ScanType,
    TagMutability,
    TagStatus,
)
from ecr_constructs.action import REPOSITORY_ACTIONS
from ecr_constructs.checks import sent_length
from ecr_constructs.creation_template_settings import PREFIX as TEMPLATE_PREFIX
from ecr_constructs.image_settings import ImageSettings
from ecr_constructs.lifecycle_policy import MAX_POLICY_LENGTH as MAX_LIFECYCLE_LENGTH
from ecr_constructs.lifecycle_policy import (
    lifecycle_policy_document,
    lifecycle_policy_problems,
    numbered,
)
from ecr_constructs.public_repository import REPOSITORY_NAME as PUBLIC_NAME
from ecr_constructs.pull_through_cache import PREFIX as CACHE_PREFIX
from ecr_constructs.registry import REGIONS, REPOSITORY_NAME
from ecr_constructs.repository_policy import MAX_POLICY_LENGTH, repository_policy_document
from ecr_constructs.scanning import FILTER as SCANNING_FILTER

REGION = "ap-northeast-2"
KEY = f"arn:aws:kms:{REGION}:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"

# Letters, and what JSON, HTML and YAML treat in their own way.
_PROSE = st.text(
    st.sampled_from(
        string.ascii_letters + string.digits + " .,:;-_/\\\"'<>&{}[]#%$가é\u2028\U0001f600"
    ),
    min_size=1,
    max_size=40,
).filter(lambda text: "${" not in text)
_TAG = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=12)

names = st.from_regex(REPOSITORY_NAME.pattern, fullmatch=True).filter(lambda n: 2 <= len(n) <= 256)
accounts = st.text(string.digits, min_size=12, max_size=12)


def _arns(kind: str) -> st.SearchStrategy[str]:
    part = st.text(string.ascii_letters + string.digits + "_+=,.@-", min_size=1, max_size=64)
    path = st.lists(part, min_size=1, max_size=3).map("/".join)
    return st.builds(lambda account, p: f"arn:aws:iam::{account}:{kind}/{p}", accounts, path)


_UNIT = "o-a1b2c3d4e5/r-ab12/ou-ab12-{:08}/{}"
_SERVICES = st.sampled_from(["codebuild.amazonaws.com", "sagemaker.amazonaws.com"])
_FUNCTION = f"arn:aws:lambda:{REGION}:{{}}:function:{{}}"
_PROJECT = "arn:aws:codebuild:us-east-1:{}:project/{}"
# Whoever may push: another account or an organization as a whole must not, nor a service for it.
pushers = st.one_of(
    st.builds(Principal, role=_arns("role")),
    st.builds(Principal, user=_arns("user")),
    st.builds(
        Principal,
        lambda_function=st.builds(_FUNCTION.format, accounts, st.sampled_from(["api", "web"])),
    ),
    st.builds(Principal, service=_SERVICES, source_account=st.just("111111111111")),
    st.builds(
        Principal,
        service=_SERVICES,
        source_account=st.none() | accounts,
        source_arn=st.builds(_PROJECT.format, accounts, st.sampled_from(["api", "web"])),
    ),
)
principals = st.one_of(
    pushers,
    st.builds(
        Principal,
        lambda_function=st.builds(_FUNCTION.format, accounts, st.sampled_from(["a*", "*"])),
    ),
    st.builds(Principal, service=_SERVICES, source_account=accounts),
    st.builds(Principal, account=accounts),
    st.builds(Principal, organization=st.sampled_from(["o-a1b2c3d4e5", "o-f6g7h8i9j0"])),
    st.builds(
        Principal,
        organizational_unit=st.builds(_UNIT.format, st.integers(0, 9), st.sampled_from(["", "*"])),
    ),
)
_patterns = st.lists(_TAG | st.sampled_from(["*", "v*", "*-rc", "*a*b*"]), min_size=1, unique=True)


@st.composite
def lifecycle_rules(draw: st.DrawFn, *, archive: bool = True) -> LifecycleRule:
    """One rule."""
    kinds = ["max_image_count", "max_image_age_days"]
    if archive:
        kinds += ["max_days_since_image_pulled", "max_days_since_image_transitioned"]
    kind = draw(st.sampled_from(kinds))
    least = 90 if kind == "max_days_since_image_transitioned" else 1
    given: dict[str, Any] = {kind: draw(st.integers(least, 2**31 - 1))}
    if archive and kind in ("max_image_count", "max_image_age_days"):
        given["action"] = draw(st.sampled_from(LifecycleAction))
    tags = draw(st.sampled_from(["tag_pattern_list", "tag_prefix_list", "untagged", "any"]))
    if tags == "tag_pattern_list":
        given[tags] = tuple(draw(_patterns))
    elif tags == "tag_prefix_list":
        given[tags] = tuple(draw(st.lists(_TAG, min_size=1, max_size=4, unique=True)))
    else:
        given["tag_status"] = TagStatus(tags)
    given["description"] = draw(st.none() | _PROSE)
    return LifecycleRule(**given)


@st.composite
def lifecycle_policies(
    draw: st.DrawFn, *, archive: bool = True, least: int = 1
) -> tuple[LifecycleRule, ...]:
    """Rules that go together, numbered."""
    found: list[LifecycleRule] = []
    for rule in draw(st.lists(lifecycle_rules(archive=archive), min_size=least, max_size=12)):
        if not lifecycle_policy_problems((*found, rule)):
            found.append(rule)
    return numbered(found)


_VALUES = {
    "StringEquals": st.sampled_from(["o-a1b2c3", "${aws:PrincipalTag/team}", "", "%{x}"]),
    "ForAnyValue:StringLike": st.sampled_from(["o-a/r-b/*", "a*"]),
    "StringNotEqualsIgnoreCaseIfExists": st.just("x"),
    "ArnLike": st.sampled_from(["arn:aws:iam::*:role/ci-*", "arn:aws:ecr:*:1:repository/x"]),
    "Bool": st.sampled_from(["true", "false"]),
    "Null": st.sampled_from(["true", "false"]),
    "NumericLessThanEquals": st.integers(-9, 9999).map(str),
    "DateGreaterThan": st.sampled_from(["2030-01-31T12:00:00Z", "2030-01-31", "1893456000"]),
    "IpAddress": st.sampled_from(["203.0.113.0/24", "2001:db8::/32", "10.0.0.1"]),
}
_KEYS = st.sampled_from(["aws:PrincipalAccount", "aws:PrincipalTag/team", "ecr:ResourceTag/x"])


@st.composite
def _conditions(draw: st.DrawFn) -> dict[str, dict[str, str | tuple[str, ...]]]:
    found = {}
    for operator in draw(st.lists(st.sampled_from(sorted(_VALUES)), max_size=3, unique=True)):
        value = _VALUES[operator]
        some = value | st.lists(value, min_size=1, max_size=2).map(tuple)
        found[operator] = draw(st.dictionaries(_KEYS, some, min_size=1, max_size=2))
    return found


statements = st.builds(
    PolicyStatement,
    principals=st.lists(pushers, min_size=1, max_size=3, unique=True).map(tuple),
    actions=st.lists(
        st.sampled_from([*REPOSITORY_ACTIONS, "ecr:Describe*", "ecr:List*"]),
        min_size=1,
        max_size=5,
        unique=True,
    ).map(tuple),
    effect=st.sampled_from(Effect),
    conditions=_conditions(),
    sid=st.none() | _PROSE.filter(lambda text: text.isprintable()),
)
_by_aws = st.one_of(
    accounts,
    accounts.map("arn:aws:iam::{}:root".format),
    _arns("role"),
    _arns("user"),
    accounts.map("arn:aws:sts::{}:assumed-role/ci/job-1".format),
    # And what nobody is.
    st.sampled_from(["nobody", "1234", "arn:aws:s3:::b", "arn:aws:iam::111111111111:*", "\ud800"]),
    st.text(string.digits, max_size=14),
    accounts.map("arn:aws:iam::{}:role/*".format),
)
_by_service = st.sampled_from(["codebuild.amazonaws.com", "nobody", "*"])


def _one_or_several(values: st.SearchStrategy[str]) -> st.SearchStrategy[str | list[str]]:
    return values | st.lists(values, min_size=1, max_size=3)


# Policies by hand, of which the library refuses many: for whom they are about.
policy_documents = st.fixed_dictionaries(
    {
        "Statement": st.fixed_dictionaries(
            {
                "Effect": st.just("Deny"),
                "Principal": st.fixed_dictionaries(
                    {"AWS": _one_or_several(_by_aws)},
                    optional={"Service": _one_or_several(_by_service)},
                ),
                "Action": _one_or_several(st.sampled_from([*REPOSITORY_ACTIONS, "ecr:Get*"])),
            },
            optional={
                "Sid": st.sampled_from(["a b", "a\n"]),
                "Condition": st.fixed_dictionaries(
                    {},
                    optional={
                        "Bool": st.just({"aws:SecureTransport": True}),
                        "NumericLessThan": st.just({"aws:MultiFactorAuthAge": 3600}),
                        "StringEquals": st.just({"aws:SourceAccount": ["111111111111"]}),
                    },
                ),
            },
        )
    }
).map(json.dumps)
_tags = st.dictionaries(
    _PROSE.filter(
        lambda t: t.isprintable() and not t.lower().startswith(("aws:", "$jsii.", "__proto__"))
    ),
    st.just("") | _PROSE.filter(lambda text: text.isprintable()),
    max_size=6,
)


@st.composite
def settings(
    draw: st.DrawFn, *, archive: bool = True, exclusion: bool = True
) -> RepositorySettings:
    """Settings of a repository, as they may be in `REGION`.

    :param archive: with archive rules, which only providers from 6.29.0 on know, and not moto.
    :param exclusion: with exclusion filters, which only providers from 6.8.0 on know.
    """
    mutable = ["MUTABLE", "IMMUTABLE"]
    if exclusion:
        mutable += ["MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"]
    mutability = draw(st.sampled_from(mutable))
    filters: tuple[str, ...] = ()
    if mutability.endswith("EXCLUSION"):
        one = _TAG | st.sampled_from(["*", "pr-*", "*-rc*"])
        filters = tuple(draw(st.lists(one, min_size=1, max_size=5, unique=True)))
    encryption = draw(st.sampled_from(["AES256", "KMS"]))
    key = draw(st.sampled_from([None, KEY, "alias/ecr"])) if encryption == "KMS" else None
    some = st.lists(principals, max_size=2).map(tuple)
    pushing = st.lists(pushers, max_size=2).map(tuple)
    return RepositorySettings(
        image_tag_mutability=TagMutability(mutability),
        image_tag_mutability_exclusion_filters=filters,
        scan_on_push=draw(st.booleans()),
        encryption_type=EncryptionType(encryption),
        kms_key=key,
        force_delete=draw(st.booleans()),
        prevent_destroy=draw(st.booleans()),
        tags=draw(_tags),
        lifecycle_rules=draw(lifecycle_policies(archive=archive, least=0)),
        pull=draw(some),
        push=draw(pushing),
        pull_push=draw(pushing),
        read=draw(some),
        repository_policy_statements=tuple(draw(st.lists(statements, max_size=3))),
    )


_filters = st.from_regex(r"(?:[a-z0-9][a-z0-9._-]*/)*[a-z0-9._-]*", fullmatch=True).filter(
    lambda text: 2 <= len(text) <= 256
)
replication_rules = st.lists(
    st.builds(
        ReplicationRule,
        destinations=st.lists(
            st.builds(
                ReplicationDestination,
                region=st.sampled_from(
                    [
                        r
                        for r in REGIONS
                        if not r.startswith(("cn-", "us-gov", "us-iso", "eu-iso", "eusc"))
                    ]
                ),
                registry_id=accounts.filter(lambda account: account != "111111111111"),
            ),
            min_size=1,
            max_size=2,
            unique=True,
        ).map(tuple),
        repository_filters=st.lists(_filters, max_size=3, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=10,
).map(tuple)


@st.composite
def creation_templates(
    draw: st.DrawFn, *, exclusion: bool = True
) -> RepositoryCreationTemplateSettings:
    """What a creation template says, as it may be in `REGION`.

    :param exclusion: with exclusion filters and CREATE_ON_PUSH, which an old provider lacks.
    """
    made = draw(settings(exclusion=exclusion))
    kinds = (
        list(AppliedFor) if exclusion else [AppliedFor.REPLICATION, AppliedFor.PULL_THROUGH_CACHE]
    )
    kept = {field.name: getattr(made, field.name) for field in fields(ImageSettings)}
    if kept["kms_key"] is not None:
        kept["kms_key"] = KEY
    return RepositoryCreationTemplateSettings(
        **kept,
        applied_for=tuple(draw(st.lists(st.sampled_from(kinds), min_size=1, unique=True))),
        description=draw(st.none() | _PROSE.filter(lambda text: text.isprintable())),
        resource_tags=draw(_tags),
        custom_role_arn=draw(st.none() | st.just("arn:aws:iam::111111111111:role/ecr")),
    )


template_prefixes = st.just("ROOT") | st.from_regex(TEMPLATE_PREFIX.pattern, fullmatch=True).filter(
    lambda text: 2 <= len(text) <= 256
)
_cache_prefixes = st.just("ROOT") | st.from_regex(CACHE_PREFIX.pattern, fullmatch=True).filter(
    lambda text: 2 <= len(text) <= 30
)
_SECRET = f"arn:aws:secretsmanager:{REGION}:111111111111:secret:ecr-pullthroughcache/x-AbCdEf"
cache_rules = st.dictionaries(
    _cache_prefixes,
    st.one_of(
        st.builds(
            PullThroughCacheSettings,
            upstream_registry=st.sampled_from(["ecr-public", "quay", "kubernetes"]),
        ),
        st.builds(
            PullThroughCacheSettings,
            upstream_registry=st.sampled_from(["docker-hub", "github", "gitlab", "chainguard"]),
            credential_arn=st.just(_SECRET),
        ),
        st.builds(
            PullThroughCacheSettings,
            upstream_registry_url=accounts.map("{}.dkr.ecr.us-west-2.amazonaws.com".format),
        ),
    ),
    max_size=5,
)
_scanning_filters = st.from_regex(SCANNING_FILTER.pattern, fullmatch=True).filter(
    lambda text: 1 <= len(text) <= 255
)
_scanning_rules = st.lists(_scanning_filters, min_size=1, max_size=4, unique=True).map(tuple)
scannings = st.one_of(
    st.builds(
        Scanning,
        scan_type=st.just(ScanType.ENHANCED),
        rules=st.tuples(
            *(
                st.builds(
                    ScanningRule,
                    scan_frequency=st.just(frequency),
                    repository_filters=_scanning_rules,
                )
                for frequency in (ScanFrequency.SCAN_ON_PUSH, ScanFrequency.CONTINUOUS_SCAN)
            )
        ),
    ),
    st.just(Scanning()),
)
registry_statements = st.builds(
    RegistryPolicyStatement,
    principals=st.lists(principals, min_size=1, max_size=3, unique=True).map(tuple),
    actions=st.lists(st.sampled_from(REPOSITORY_ACTIONS), min_size=1, max_size=4, unique=True).map(
        tuple
    ),
    repository_prefixes=st.lists(_filters, max_size=3, unique=True).map(tuple),
    effect=st.sampled_from(Effect),
    conditions=_conditions(),
    sid=st.none() | _PROSE.filter(lambda text: text.isprintable()),
)
public_names = st.from_regex(PUBLIC_NAME.pattern, fullmatch=True).filter(
    lambda text: 2 <= len(text) <= 205
)
_badges = st.lists(
    st.sampled_from(["ARM", "ARM 64", "x86", "x86-64", "riscv"]), max_size=3, unique=True
).map(tuple)
public_repositories = st.builds(
    PublicRepositorySettings,
    description=st.none() | _PROSE,
    about_text=st.none() | _PROSE,
    usage_text=st.none() | st.lists(_PROSE, max_size=9).map("\n".join),
    architectures=_badges,
    operating_systems=_badges,
    tags=_tags,
    push=st.lists(st.builds(Principal, role=_arns("role")), max_size=2).map(tuple),
)


def at_the_limits(*, exclusion: bool = True) -> dict[str, RepositorySettings]:
    """A repository of which everything is as long, and as many, as it may be."""
    filters = tuple(f"{number}*{'x' * 125}*" for number in range(5)) if exclusion else ()
    rules = [
        LifecycleRule(tag_pattern_list=(f"v{number}*",), max_image_count=2**31 - 1)
        for number in range(50)
    ]
    room = MAX_LIFECYCLE_LENGTH - sent_length(lifecycle_policy_document(rules))
    rules[0] = replace(rules[0], description="x" * (room - len('"description":"",')))
    statement = PolicyStatement(
        sid="x",
        principals=(Principal(role=f"arn:aws:iam::111111111111:role/{'p' * 60}/{'r' * 64}"),),
        actions=("ecr:BatchGetImage",),
    )
    room = MAX_POLICY_LENGTH - sent_length(repository_policy_document([statement]))
    return {
        "a" * 256: RepositorySettings(
            image_tag_mutability=(
                TagMutability.MUTABLE_WITH_EXCLUSION if exclusion else TagMutability.MUTABLE
            ),
            image_tag_mutability_exclusion_filters=filters,
            tags={f"{number:02}{'k' * 126}": "v" * 256 for number in range(50)},
            lifecycle_rules=tuple(rules),
            repository_policy_statements=(replace(statement, sid="x" * (room + 1)),),
        )
    }


RULES_AT_THE_LIMITS = tuple(
    ReplicationRule(
        destinations=tuple(
            ReplicationDestination(region="us-west-2", registry_id=f"{rule}{number:011}")
            for number in range(3 if rule < 5 else 2)
        ),
        repository_filters=tuple(f"{number:03}{'f' * 253}" for number in range(100)),
    )
    for rule in range(10)
)
