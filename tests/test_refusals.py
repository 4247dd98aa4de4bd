"""What breaks one named rule, at random, is refused with the sentence of that rule."""

import importlib
import json
import string
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import pytest
from conftest import new_stack
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from strategies import KEY, REGION, accounts, lifecycle_rules, names, principals

from ecr_constructs import (
    Access,
    AppliedFor,
    EncryptionType,
    GitHubActions,
    GitLab,
    Image,
    InvalidValueError,
    LifecycleRule,
    PolicyStatement,
    Principal,
    PublicPolicyStatement,
    PublicRepositorySettings,
    PullThroughCacheSettings,
    Registry,
    RegistryPolicy,
    RegistryPolicyStatement,
    ReplicationDestination,
    ReplicationRule,
    Repository,
    RepositoryCreationTemplateSettings,
    RepositoryKeySettings,
    RepositorySettings,
    ScanFrequency,
    Scanning,
    ScanningRule,
    ScanType,
    TagMutability,
    TagStatus,
    access,
    account_setting,
    ci_jobs,
    ci_role,
    condition,
    creation_role,
    creation_template_settings,
    encryption,
    image,
    image_settings,
    lifecycle_document,
    lifecycle_policy,
    lifecycle_preview,
    lifecycle_rule,
    lockout,
    oidc_provider,
    parse_image,
    parse_lifecycle_policy,
    parse_repository_policy,
    policy_document,
    policy_json,
    policy_risk,
    preview_lifecycle_policy,
    principal,
    public_repository,
    pull_through_cache,
    pull_time_update_exclusion,
    registry_policy,
    replication,
    repository_key,
    repository_policy,
    repository_policy_document,
    repository_reference,
    scanning,
    service_role,
    tag_mutability,
    tags,
    upstream,
)
from ecr_constructs import action as actions
from ecr_constructs.access import access_document
from ecr_constructs.action import PRIVATE, REPOSITORY_ACTIONS
from ecr_constructs.checks import (
    MAX_WHOLE_NUMBER,
    TYPE,
    Check,
    Choice,
    Problem,
    TextForm,
    WholeNumber,
    refuse,
    sent_length,
)
from ecr_constructs.creation_role import creation_role_problems
from ecr_constructs.oidc_provider import oidc_provider_arn
from ecr_constructs.pull_time_update_exclusion import pull_time_update_exclusion_problems
from ecr_constructs.registry import ACCOUNT_ID, REGIONS, REPOSITORY_NAME, partition_of
from ecr_constructs.registry import REGION as REGION_CHECK
from ecr_constructs.replication import replication_problems
from scripts.checks_page import ROOMS, all_checks

HOME = Registry(account_id="111111111111", region=REGION)
OTHERS = [region for region in REGIONS if region != REGION and partition_of(region) == "aws"]
SECRET = "arn:aws:secretsmanager:{}:111111111111:secret:ecr-pullthroughcache/x-AbCdEf"
_WANTING = st.sampled_from(["docker-hub", "github", "gitlab", "chainguard"])
DOCUMENT = """
{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "ecr:DeleteRepository"}]}
"""
DIGEST = f"sha256:{'a' * 64}"
DEPLOYER = "arn:aws:iam::111111111111:role/terraform"
ABROAD = [region for region in REGIONS if partition_of(region) not in ("aws", "aws-eusc")]


class Refusal(NamedTuple):
    """A rule, values that break it, and where they go."""

    check: Check
    values: st.SearchStrategy[Any]
    use: Callable[[Any], object]
    others: tuple[Check, ...] = ()
    """The rules that some of the values break as well."""


def named(name: str) -> None:
    refuse(REPOSITORY_NAME.problems(name))


def settings(**given: Any) -> RepositorySettings:
    return RepositorySettings(**given)


def here(**given: Any) -> None:
    refuse(RepositorySettings(**given).problems_in(HOME))


def statement(**given: Any) -> PolicyStatement:
    whole: dict[str, Any] = {
        "principals": (Principal(account="222222222222"),),
        "actions": ("ecr:BatchGetImage",),
        **given,
    }
    return PolicyStatement(**whole)


def rule(**given: Any) -> ReplicationRule:
    whole: dict[str, Any] = {"destinations": (ReplicationDestination(region=OTHERS[0]),), **given}
    return ReplicationRule(**whole)


def scanning_rule(frequency: str = "SCAN_ON_PUSH", filters: Any = ()) -> ScanningRule:
    return ScanningRule(scan_frequency=ScanFrequency(frequency), repository_filters=filters)


def cached(prefix: str = "cache", **given: Any) -> None:
    refuse(PullThroughCacheSettings(**given).problems_in(HOME, prefix))


def registry_statement(**given: Any) -> RegistryPolicyStatement:
    whole: dict[str, Any] = {
        "principals": (Principal(account="222222222222"),),
        "actions": ("ecr:ReplicateImage",),
        **given,
    }
    return RegistryPolicyStatement(**whole)


def template(**given: Any) -> RepositoryCreationTemplateSettings:
    whole: dict[str, Any] = {"applied_for": ("REPLICATION",), **given}
    return RepositoryCreationTemplateSettings(**whole)


def excluded(arns: Any) -> None:
    refuse(pull_time_update_exclusion_problems(HOME, arns))


def public_statement(**given: Any) -> PublicPolicyStatement:
    whole: dict[str, Any] = {
        "principals": (Principal(account="222222222222"),),
        "actions": ("ecr-public:PutImage",),
        **given,
    }
    return PublicPolicyStatement(**whole)


def risky(**members: Any) -> None:
    whole = {"Statement": [{"Effect": "Allow", **members}]}
    refuse(policy_risk.policy_risks(whole, registry=HOME, deployer=DEPLOYER))


def admitting(principal: Any) -> None:
    risky(Principal=principal, Action="ecr:BatchGetImage")


def together(rules: Any) -> None:
    refuse(replication_problems(HOME, rules))


def to(*destinations: ReplicationDestination) -> ReplicationRule:
    return ReplicationRule(destinations=destinations, repository_filters=("payments/",))


def key(**given: Any) -> None:
    refuse(RepositoryKeySettings(**given).problems_in(HOME))


def github(**given: Any) -> GitHubActions:
    return GitHubActions(**{"repository": "acme/api", "branches": ("main",), **given})


def role(**given: Any) -> None:
    whole: dict[str, Any] = {"role_name": "ci", "trusted": [github()], **given}
    refuse(ci_role.ci_role_problems(HOME, **whole))


def by_hand(policy: Any) -> None:
    refuse(policy_document.policy_document_problems(json.dumps(policy)))


def element(**members: Any) -> None:
    """A policy by hand of which a statement has other members, or none where they are nothing."""
    whole = {"Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage", **members}
    by_hand({"Statement": [{k: v for k, v in whole.items() if v is not None}]})


def read_back(principal: Any, condition: Any) -> None:
    whole = {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Principal": principal}
    parse_repository_policy(json.dumps({"Statement": [{**whole, "Condition": condition}]}))


def read_rule(selection: Any, action: Any) -> None:
    counted = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}
    chosen = {k: v for k, v in {**counted, **selection}.items() if v is not None}
    rule = {"rulePriority": 1, "selection": chosen, "action": {"type": "expire", **action}}
    parse_lifecycle_policy(json.dumps({"rules": [rule]}))


def image_of(**given: Any) -> Image:
    details = {"imageDigest": DIGEST, "imagePushedAt": 0, **given}
    return parse_image(details)


def shared() -> Any:
    return Repository.from_repository_name(new_stack(), "Shared", "shared/base")


def granted(*principals: Principal) -> None:
    reference = shared()
    for one in principals:
        reference.grant_pull(one)


def role_of(account: str) -> Principal:
    return Principal(role=f"arn:aws:iam::{account}:role/task")


def inserted(values: st.SearchStrategy[str], wrong: str) -> st.SearchStrategy[str]:
    """A good text with one character somewhere that it must not have."""
    return st.builds(
        lambda text, at, c: text[: at % len(text)] + c + text[at % len(text) :],
        values,
        st.integers(0, 300),
        st.sampled_from(wrong),
    ).filter(lambda text: len(text) <= 256)


def stars(least: int) -> st.SearchStrategy[str]:
    """Letters with at least so many `*`."""
    pieces = st.lists(st.text(string.ascii_letters, max_size=3), min_size=least + 1, max_size=9)
    return pieces.map("*".join)


def pairs(**fixed: Any) -> st.SearchStrategy[tuple[LifecycleRule, ...]]:
    """Two rules of the standard storage class that differ, but for what is fixed."""
    counts = st.lists(st.integers(1, 1000), min_size=2, max_size=2)
    return counts.map(lambda ns: tuple(LifecycleRule(max_image_count=n, **fixed) for n in ns))


word = st.text(string.ascii_lowercase, min_size=2, max_size=8)
words = partial(st.lists, word, unique=True, max_size=20)
long = partial(st.integers, max_value=2000)
kinds = st.sampled_from(["max_image_count", "max_image_age_days", "max_days_since_image_pulled"])
lifecycle = lambda given: LifecycleRule(**given)  # noqa: E731

REFUSALS = [
    Refusal(REPOSITORY_NAME.length, long(min_value=257).map("a".__mul__), named),
    Refusal(REPOSITORY_NAME.whole, inserted(names, "A *:@!é\n"), named),
    Refusal(
        tag_mutability.WILDCARDS,
        stars(3),
        lambda text: settings(
            image_tag_mutability=TagMutability.IMMUTABLE_WITH_EXCLUSION,
            image_tag_mutability_exclusion_filters=(text,),
        ),
    ),
    Refusal(
        tag_mutability.COUNT,
        words(min_size=6, max_size=20),
        lambda filters: settings(
            image_tag_mutability=TagMutability.IMMUTABLE_WITH_EXCLUSION,
            image_tag_mutability_exclusion_filters=filters,
        ),
    ),
    Refusal(
        tag_mutability.FILTERS_UNUSED,
        words(min_size=1, max_size=5),
        lambda filters: settings(image_tag_mutability_exclusion_filters=filters),
    ),
    Refusal(
        tag_mutability.FILTERS_NEEDED,
        st.sampled_from(["MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"]),
        lambda mutability: settings(image_tag_mutability=mutability),
    ),
    Refusal(
        tag_mutability.MUTABILITY.check,
        st.text().filter(lambda text: text not in list(TagMutability)),
        lambda mutability: settings(image_tag_mutability=mutability),
    ),
    Refusal(encryption.KEY_UNUSED, st.just(KEY), lambda key: settings(kms_key=key)),
    Refusal(
        encryption.KEY_PARTITION,
        st.sampled_from(["aws-cn", "aws-us-gov"]).map(lambda other: KEY.replace("aws", other, 1)),
        lambda key: here(encryption_type=EncryptionType.KMS, kms_key=key),
    ),
    Refusal(
        encryption.KEY_ELSEWHERE,
        st.sampled_from(OTHERS).map(lambda region: KEY.replace(REGION, region)),
        lambda key: here(encryption_type=EncryptionType.KMS, kms_key=key),
    ),
    Refusal(
        encryption.KMS_KEY.whole,
        inserted(st.just(KEY), " *!é"),
        lambda key: settings(encryption_type=EncryptionType.KMS, kms_key=key),
    ),
    Refusal(
        tags.KEY.length, long(min_value=129).map("k".__mul__), lambda k: settings(tags={k: ""})
    ),
    Refusal(
        tags.VALUE.length, long(min_value=257).map("v".__mul__), lambda v: settings(tags={"k": v})
    ),
    Refusal(
        tags.RESERVED,
        st.builds("{}:{}".format, st.sampled_from(["aws", "AWS", "Aws"]), word),
        lambda key: settings(tags={key: ""}),
    ),
    Refusal(
        tags.COUNT,
        st.integers(51, 300),
        lambda count: settings(tags={f"k{number}": "" for number in range(count)}),
    ),
    Refusal(
        lifecycle_rule.ONE_COUNT,
        st.sets(kinds, min_size=2).map(lambda found: dict.fromkeys(found, 100)),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.NUMBERS["max_image_count"].lower,
        st.integers(max_value=0).map(lambda count: {"max_image_count": count}),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.NUMBERS["max_days_since_image_transitioned"].lower,
        st.integers(max_value=89).map(lambda days: {"max_days_since_image_transitioned": days}),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.PRIORITY.upper,
        st.integers(2**31).map(lambda n: {"max_image_count": 1, "rule_priority": n}),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.PULLED_EXPIRES,
        st.integers(1, 1000).map(lambda n: {"max_days_since_image_pulled": n, "action": "expire"}),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.WILDCARDS,
        stars(5).map(lambda text: {"max_image_count": 1, "tag_pattern_list": (text,)}),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.TAG_PREFIX.whole,
        inserted(word, "* /:é").map(lambda p: {"max_image_count": 1, "tag_prefix_list": (p,)}),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.BOTH_LISTS,
        st.tuples(words(min_size=1), words(min_size=1)).map(
            lambda two: {
                "max_image_count": 1,
                "tag_pattern_list": tuple(two[0]),
                "tag_prefix_list": tuple(two[1]),
            }
        ),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.LIST_UNUSED,
        st.tuples(words(min_size=1), st.sampled_from(["untagged", "any"])).map(
            lambda two: {
                "max_image_count": 1,
                "tag_prefix_list": tuple(two[0]),
                "tag_status": two[1],
            }
        ),
        lifecycle,
    ),
    Refusal(
        lifecycle_policy.PRIORITY_TWICE,
        st.tuples(lifecycle_rules(), lifecycle_rules(), st.integers(1, 1000)),
        lambda given: settings(
            lifecycle_rules=[
                replace(given[0], rule_priority=given[2]),
                replace(given[1], rule_priority=given[2]),
            ]
        ),
        (
            lifecycle_policy.ONE_UNTAGGED,
            lifecycle_policy.ONE_ANY,
            lifecycle_policy.SHARED_PREFIX,
            lifecycle_policy.ANY_LAST,
        ),
    ),
    Refusal(
        lifecycle_policy.ONE_UNTAGGED,
        pairs(tag_status=TagStatus.UNTAGGED),
        lambda rules: settings(lifecycle_rules=rules),
    ),
    Refusal(lifecycle_policy.ONE_ANY, pairs(), lambda rules: settings(lifecycle_rules=rules)),
    Refusal(
        lifecycle_policy.SHARED_PREFIX,
        word.flatmap(lambda prefix: pairs(tag_prefix_list=(prefix,))),
        lambda rules: settings(lifecycle_rules=rules),
    ),
    Refusal(
        lifecycle_policy.ANY_LAST,
        st.integers(2, 1000),
        lambda last: settings(
            lifecycle_rules=[
                LifecycleRule(max_image_count=1, rule_priority=last - 1),
                LifecycleRule(max_image_count=1, tag_prefix_list=("v",), rule_priority=last),
            ]
        ),
    ),
    Refusal(
        lifecycle_policy.COUNT,
        st.integers(51, 150),
        lambda count: settings(
            lifecycle_rules=[
                LifecycleRule(max_image_count=1, tag_prefix_list=(f"p{number}",))
                for number in range(count)
            ]
        ),
    ),
    Refusal(
        ACCOUNT_ID.whole,
        st.text(string.digits, max_size=20).filter(lambda text: len(text) != 12),
        lambda account: Principal(account=account),
    ),
    Refusal(
        principal.ROLE_ARN.whole,
        inserted(st.just("arn:aws:iam::111111111111:role/ci"), " *!:é"),
        lambda arn: Principal(role=arn),
    ),
    Refusal(
        principal.ONE_KIND,
        accounts,
        lambda account: Principal(account=account, role=f"arn:aws:iam::{account}:role/ci"),
    ),
    Refusal(
        principal.PARTITION,
        st.sampled_from(["aws-cn", "aws-us-gov", "aws-iso", "aws-eusc"]),
        lambda partition: here(push=[Principal(role=f"arn:{partition}:iam::111111111111:role/ci")]),
    ),
    Refusal(
        actions.ACTION,
        word.map(lambda text: f"ecr:{text}"),
        lambda action: statement(actions=(action,)),
    ),
    Refusal(
        actions.ALL_ACTIONS,
        st.integers(1, 20).map(lambda count: f"ecr:{'*' * count}"),
        lambda action: statement(actions=(action,)),
    ),
    Refusal(
        repository_policy.POLICY_LENGTH,
        st.integers(10_240, 20_000),
        lambda length: settings(repository_policy_statements=[statement(sid="x" * length)]),
    ),
    Refusal(
        repository_policy.EFFECT.check,
        st.text().filter(lambda text: text not in ("Allow", "Deny")),
        lambda effect: statement(effect=effect),
    ),
    Refusal(
        condition.OPERATOR,
        word,
        lambda operator: statement(conditions={operator: {"aws:x": "y"}}),
    ),
    Refusal(
        condition.KEY.whole, word, lambda key: statement(conditions={"StringLike": {key: "y"}})
    ),
    Refusal(
        replication.FILTER.whole,
        inserted(word, "*A !é"),
        lambda text: rule(repository_filters=(text,)),
    ),
    Refusal(
        replication.FILTER_COUNT,
        st.integers(101, 300),
        lambda count: rule(repository_filters=[f"p{number}-" for number in range(count)]),
    ),
    Refusal(
        REGION_CHECK,
        st.text().filter(lambda text: text not in REGIONS and "${" not in text),
        lambda region: ReplicationDestination(region=region),
    ),
    Refusal(replication.NO_RULE, st.just([]), together),
    Refusal(
        replication.RULE_COUNT,
        st.integers(11, 40),
        lambda count: together([to(ReplicationDestination(region=OTHERS[0]))] * count),
    ),
    Refusal(
        replication.DESTINATION_COUNT,
        st.lists(st.sampled_from(OTHERS), min_size=26, unique=True),
        lambda regions: together([to(*(ReplicationDestination(region=r) for r in regions))]),
    ),
    Refusal(
        replication.DESTINATION_TWICE,
        st.sampled_from(OTHERS),
        lambda region: together([to(*[ReplicationDestination(region=region)] * 2)]),
    ),
    Refusal(
        replication.ITSELF,
        st.sampled_from([None, "111111111111"]),
        lambda account: together([to(ReplicationDestination(region=REGION, registry_id=account))]),
    ),
    Refusal(
        replication.PARTITION,
        st.sampled_from(ABROAD),
        lambda region: together([to(ReplicationDestination(region=region))]),
    ),
    Refusal(
        tag_mutability.DUPLICATE,
        words(min_size=1, max_size=2),
        lambda filters: settings(
            image_tag_mutability=TagMutability.IMMUTABLE_WITH_EXCLUSION,
            image_tag_mutability_exclusion_filters=[*filters, *filters],
        ),
    ),
    Refusal(
        encryption.GOVCLOUD_ONLY,
        st.sampled_from([r for r in REGIONS if partition_of(r) != "aws-us-gov"]),
        lambda region: refuse(
            RepositorySettings(encryption_type=EncryptionType.KMS_DSSE).problems_in(
                Registry(account_id="111111111111", region=region)
            )
        ),
    ),
    Refusal(
        tags.UNSPEAKABLE,
        st.just("__proto__") | word.map(lambda text: f"$jsii.{text}"),
        lambda key: settings(tags={key: ""}),
    ),
    Refusal(
        lifecycle_rule.DUPLICATE_TAG,
        words(min_size=1).map(lambda p: {"max_image_count": 1, "tag_prefix_list": [*p, *p]}),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.TRANSITIONED_ARCHIVES,
        st.integers(90, 1000).map(
            lambda n: {"max_days_since_image_transitioned": n, "action": "transition"}
        ),
        lifecycle,
    ),
    Refusal(
        lifecycle_rule.LIST_NEEDED,
        kinds.map(lambda kind: {kind: 100, "tag_status": "tagged"}),
        lifecycle,
    ),
    Refusal(
        lifecycle_policy.NO_PRIORITY_LEFT,
        st.integers(1, 9),
        lambda count: settings(
            lifecycle_rules=[
                LifecycleRule(
                    max_image_count=1, tag_prefix_list=("first",), rule_priority=2**31 - 1
                ),
                *(
                    LifecycleRule(max_image_count=1, tag_prefix_list=(f"p{n}",))
                    for n in range(count)
                ),
            ]
        ),
    ),
    Refusal(
        lifecycle_policy.POLICY_LENGTH,
        st.integers(30_720, 60_000),
        lambda length: settings(
            lifecycle_rules=[LifecycleRule(max_image_count=1, description="x" * length)]
        ),
    ),
    Refusal(
        condition.NO_KEYS,
        st.sampled_from(["StringLike", "Bool", "Null"]),
        lambda operator: statement(conditions={operator: {}}),
    ),
    Refusal(
        condition.NO_VALUE,
        st.sampled_from([[], ()]),
        lambda none: statement(conditions={"StringLike": {"aws:x": none}}),
    ),
    *(
        Refusal(
            condition.FORMS[start][1],
            st.text(string.ascii_letters + "%", min_size=1).filter(
                lambda text: text.lower() not in ("true", "false") and len(text) % 4
            ),
            lambda value, operator=operator: statement(  # type: ignore[misc]
                conditions={operator: {"aws:x": value}}
            ),
        )
        for start, operator in (
            ("Numeric", "NumericLessThan"),
            ("Date", "ForAnyValue:DateEquals"),
            ("Bool", "BoolIfExists"),
            ("IpAddress", "IpAddress"),
            ("Arn", "ArnNotLike"),
            ("BinaryEquals", "BinaryEquals"),
        )
    ),
    Refusal(
        repository_policy.NO_PRINCIPAL,
        st.sampled_from([[], ()]),
        lambda none: statement(principals=none),
    ),
    Refusal(actions.NO_ACTION, st.sampled_from([[], ()]), lambda none: statement(actions=none)),
    Refusal(
        actions.LOGIN_ACTION,
        st.just("ecr:GetAuthorizationToken"),
        lambda action: statement(actions=("ecr:ListImages", action)),
    ),
    Refusal(
        replication.PROVIDER_REGION,
        st.just("eusc-de-east-1"),
        lambda region: ReplicationDestination(region=region),
    ),
    Refusal(
        replication.NO_DESTINATION, st.sampled_from([[], ()]), lambda none: rule(destinations=none)
    ),
    Refusal(
        replication.DUPLICATE_FILTER,
        words(min_size=1),
        lambda filters: rule(repository_filters=[*filters, *filters]),
    ),
    Refusal(
        scanning.NO_FILTER, st.sampled_from([[], ()]), lambda none: scanning_rule(filters=none)
    ),
    Refusal(
        scanning.FILTER_COUNT,
        st.integers(101, 300),
        lambda count: scanning_rule(filters=[f"p{number}" for number in range(count)]),
    ),
    Refusal(
        scanning.DUPLICATE_FILTER,
        words(min_size=1),
        lambda filters: scanning_rule(filters=[*filters, *filters]),
    ),
    Refusal(
        scanning.FREQUENCY_TWICE,
        words(min_size=2),
        lambda filters: Scanning(
            scan_type=ScanType.ENHANCED,
            rules=tuple(scanning_rule(filters=[value]) for value in filters),
        ),
    ),
    Refusal(
        scanning.BASIC_CONTINUOUS,
        words(min_size=1),
        lambda filters: Scanning(rules=(scanning_rule("CONTINUOUS_SCAN", filters),)),
    ),
    Refusal(
        pull_through_cache.ONE_UPSTREAM,
        st.sampled_from(["quay", "kubernetes"]),
        lambda name: cached(upstream_registry=name, upstream_registry_url="quay.io"),
    ),
    Refusal(
        upstream.UPSTREAM_URL,
        st.builds("{}.{}".format, word, word),
        lambda url: cached(upstream_registry_url=url),
    ),
    Refusal(
        pull_through_cache.CREDENTIAL_NEEDED, _WANTING, lambda name: cached(upstream_registry=name)
    ),
    Refusal(
        pull_through_cache.CREDENTIAL_UNUSED,
        st.sampled_from(["quay", "kubernetes", "ecr-public"]),
        lambda name: cached(upstream_registry=name, create_credential=True),
    ),
    Refusal(
        pull_through_cache.ONE_CREDENTIAL,
        _WANTING,
        lambda name: cached(
            upstream_registry=name, create_credential=True, credential_arn=SECRET.format(REGION)
        ),
    ),
    Refusal(
        pull_through_cache.CREDENTIAL_ELSEWHERE,
        st.sampled_from(OTHERS),
        lambda region: cached(upstream_registry="docker-hub", credential_arn=SECRET.format(region)),
    ),
    Refusal(
        pull_through_cache.UPSTREAM_PREFIX_UNUSED,
        word,
        lambda prefix: cached(upstream_registry="quay", upstream_repository_prefix=prefix),
    ),
    Refusal(
        pull_through_cache.UPSTREAM_PREFIX_ROOT,
        word,
        lambda prefix: cached(
            "ROOT",
            upstream_registry_url=f"111111111111.dkr.ecr.{OTHERS[0]}.amazonaws.com",
            upstream_repository_prefix=prefix,
        ),
    ),
    Refusal(
        pull_through_cache.ROLE_UNUSED,
        st.sampled_from(["quay", "kubernetes"]),
        lambda name: cached(
            upstream_registry=name, custom_role_arn="arn:aws:iam::111111111111:role/cache"
        ),
    ),
    Refusal(
        service_role.ROLE_ELSEWHERE,
        accounts.filter(lambda account: account != "111111111111"),
        lambda account: cached(
            upstream_registry_url=f"{account}.dkr.ecr.{REGION}.amazonaws.com",
            custom_role_arn=f"arn:aws:iam::{account}:role/cache",
        ),
    ),
    Refusal(
        pull_through_cache.IMAGE_OUTSIDE,
        word,
        lambda prefix: PullThroughCacheSettings(
            upstream_registry_url=f"222222222222.dkr.ecr.{REGION}.amazonaws.com",
            upstream_repository_prefix=f"{prefix}-1",
        ).image_kept(f"{prefix}/api:1"),
    ),
    Refusal(
        pull_through_cache.ITSELF,
        st.just(f"111111111111.dkr.ecr.{REGION}.amazonaws.com"),
        lambda url: cached(upstream_registry_url=url),
    ),
    Refusal(
        pull_through_cache.UNSUPPORTED,
        st.sampled_from(["cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"]),
        lambda region: refuse(
            PullThroughCacheSettings(upstream_registry="quay").problems_in(
                Registry(account_id="111111111111", region=region), "quay"
            )
        ),
    ),
    Refusal(
        registry_policy.DUPLICATE_PREFIX,
        words(min_size=1),
        lambda prefixes: registry_statement(repository_prefixes=[*prefixes, *prefixes]),
    ),
    Refusal(
        registry_policy.POLICY_LENGTH,
        st.integers(10_240, 20_000),
        lambda length: refuse(
            registry_policy.registry_policy_problems(HOME, [registry_statement(sid="x" * length)])
        ),
    ),
    Refusal(
        principal.SOURCE_NEEDED,
        word.map("{}.amazonaws.com".format).filter(lambda name: not name.startswith("lambda.")),
        lambda name: Principal(service=name),
    ),
    Refusal(
        principal.SOURCE_UNUSED,
        accounts,
        lambda account: Principal(account=account, source_account=account),
    ),
    Refusal(
        principal.LAMBDA_SERVICE,
        accounts,
        lambda account: Principal(service="lambda.amazonaws.com", source_account=account),
    ),
    Refusal(
        principal.LAMBDA_ELSEWHERE,
        st.sampled_from(OTHERS),
        lambda region: here(
            pull=(Principal(lambda_function=f"arn:aws:lambda:{region}:222222222222:function:x"),)
        ),
    ),
    Refusal(
        repository_policy.CONDITION_TWICE,
        st.sampled_from(["aws:PrincipalOrgID", "AWS:principalorgid"]),
        lambda key: statement(
            principals=(Principal(organization="o-a1b2c3d4e5"),),
            conditions={"StringEquals": {key: "o-x"}},
        ),
    ),
    Refusal(policy_risk.EVERYBODY, st.sampled_from(["*", {"AWS": "*"}]), admitting),
    Refusal(
        policy_risk.SERVICE_FOR_EVERYBODY,
        word.map("{}.amazonaws.com".format),
        lambda service: admitting({"Service": service}),
    ),
    Refusal(
        policy_risk.ALLOWED_BUT,
        accounts,
        lambda account: risky(NotPrincipal={"AWS": account}, Action="ecr:BatchGetImage"),
    ),
    Refusal(
        policy_risk.FOREIGN_PUSH,
        accounts.filter(lambda account: account != "111111111111"),
        lambda account: here(push=(Principal(account=account),)),
    ),
    Refusal(
        policy_risk.FOREIGN_CHANGES,
        st.sampled_from([*{*PRIVATE.changing} - {*PRIVATE.pushing}]),
        lambda action: risky(Principal={"AWS": "2" * 12}, Action=action),
    ),
    Refusal(
        policy_risk.EVERYBODY_CHANGES,
        st.sampled_from(PRIVATE.changing),
        lambda action: risky(Principal="*", Action=action),
        (policy_risk.EVERYBODY,),
    ),
    Refusal(
        actions.POLICY_BY_WILDCARD,
        st.sampled_from(["ecr:S*", "ecr:Set*", "ecr:SetRepositoryPolic?", "ecr:*Policy"]),
        lambda action: statement(actions=(action,)),
    ),
    Refusal(
        policy_risk.NOT_ACTION,
        st.sampled_from(REPOSITORY_ACTIONS),
        lambda action: risky(Principal={"AWS": "1" * 12}, NotAction=action),
    ),
    Refusal(
        lockout.LOCKOUT,
        st.sampled_from(["*", {"AWS": "*"}, {"AWS": DEPLOYER}, {"AWS": "111111111111"}]),
        lambda principal: risky(Effect="Deny", Principal=principal, Action="ecr:Set*"),
    ),
    Refusal(
        lockout.DENIED_BUT,
        st.sampled_from(["111111111111", DEPLOYER, ["111111111111", DEPLOYER]]),
        lambda spared: risky(Effect="Deny", NotPrincipal={"AWS": spared}, Action="ecr:*"),
    ),
    Refusal(
        image_settings.DOCUMENT_ALONE,
        accounts,
        lambda account: settings(policy_document=DOCUMENT, pull=(Principal(account=account),)),
    ),
    Refusal(
        encryption.KEY_OF_OTHERS,
        accounts.filter(lambda account: account != "111111111111"),
        lambda account: here(
            encryption_type=EncryptionType.KMS, kms_key=KEY.replace("111111111111", account)
        ),
    ),
    Refusal(
        pull_through_cache.URL_NEEDED,
        st.sampled_from(["azure", "ecr"]),
        lambda name: cached(upstream_registry=name),
    ),
    Refusal(
        pull_through_cache.UPSTREAM_PARTITION,
        st.sampled_from(["us-gov-west-1", "us-gov-east-1"]),
        lambda region: cached(upstream_registry_url=f"222222222222.dkr.ecr.{region}.amazonaws.com"),
    ),
    Refusal(
        creation_template_settings.UNSUPPORTED,
        st.sampled_from(["cn-north-1", "us-gov-west-1"]),
        lambda region: refuse(
            template().problems_in(Registry(account_id="111111111111", region=region))
        ),
    ),
    Refusal(
        creation_template_settings.NOT_APPLIED,
        st.sampled_from([[], ()]),
        lambda nothing: template(applied_for=nothing),
    ),
    Refusal(
        creation_template_settings.APPLIED_TWICE,
        st.lists(st.sampled_from(list(AppliedFor)), min_size=4),
        lambda values: template(applied_for=values),
    ),
    Refusal(
        service_role.ROLE_ELSEWHERE,
        accounts.filter(lambda account: account != "111111111111"),
        lambda account: refuse(
            template(custom_role_arn=f"arn:aws:iam::{account}:role/ecr").problems_in(HOME)
        ),
    ),
    Refusal(
        creation_role.ROLE_POLICY_LENGTH,
        st.integers(160, 300),
        lambda count: refuse(
            creation_role_problems(
                HOME, {f"namespace-{n}": template(resource_tags={"a": "b"}) for n in range(count)}
            )
        ),
    ),
    Refusal(
        account_setting.VALUE,
        st.tuples(st.sampled_from(list(account_setting.VALUES)), word),
        lambda pair: refuse(account_setting.account_setting_problems(*pair)),
    ),
    Refusal(
        pull_time_update_exclusion.COUNT,
        st.integers(101, 200),
        lambda count: excluded([f"arn:aws:iam::111111111111:role/r{n}" for n in range(count)]),
    ),
    Refusal(
        pull_time_update_exclusion.DUPLICATE,
        words(min_size=1),
        lambda names: excluded([f"arn:aws:iam::111111111111:role/{n}" for n in [*names, *names]]),
    ),
    Refusal(
        pull_time_update_exclusion.PARTITION,
        st.sampled_from(["aws-cn", "aws-us-gov"]),
        lambda partition: excluded([f"arn:{partition}:iam::111111111111:role/ci"]),
    ),
    Refusal(
        public_repository.BADGE_COUNT,
        words(min_size=51, max_size=60),
        lambda badges: PublicRepositorySettings(architectures=badges),
    ),
    Refusal(
        public_repository.DUPLICATE_BADGE,
        words(min_size=1),
        lambda badges: PublicRepositorySettings(operating_systems=(*badges, *badges)),
    ),
    Refusal(
        public_repository.LOGO,
        st.one_of(
            inserted(st.just("QUFB"), " !é"),
            st.integers(170_667, 170_700).map("QUFB".__mul__),
        ),
        lambda logo: PublicRepositorySettings(logo_image_blob=logo),
    ),
    Refusal(
        public_repository.NO_DENY,
        st.sampled_from(["ecr-public:Describe*", "ecr-public:*", "*", "ecr-public:GetRepository*"]),
        lambda action: public_statement(effect="Deny", actions=(action,)),
    ),
    Refusal(
        public_repository.PARTITION,
        st.sampled_from(ABROAD),
        lambda region: refuse(
            PublicRepositorySettings().problems_in(
                Registry(account_id="111111111111", region=region)
            )
        ),
    ),
    Refusal(
        TYPE,
        st.one_of(st.none(), st.integers(), st.text(), st.lists(st.booleans())),
        lambda value: settings(scan_on_push=value),
    ),
    Refusal(
        TYPE,
        st.one_of(st.none(), st.integers(), st.lists(st.just(REGION))),
        lambda region: Registry(account_id="111111111111", region=region),
    ),
    Refusal(access.NOTHING, st.sampled_from([(), []]), lambda nothing: Access(pull=nothing)),
    Refusal(
        access.PULL_NEEDED,
        st.tuples(word, word).filter(lambda two: two[0] != two[1]),
        lambda two: Access(pull=(f"{two[0]}/",), pull_through=(two[1],)),
    ),
    Refusal(
        access.DUPLICATE,
        words(min_size=1),
        lambda names: Access(push=(*names, *names)),
    ),
    Refusal(
        access.POLICY_LENGTH,
        st.integers(130, 300),
        lambda count: refuse(
            access.access_problems(
                access_document(HOME, Access(pull=tuple(f"ns{number}/" for number in range(count))))
            )
        ),
    ),
    Refusal(
        access.PART_LENGTH,
        st.integers(6_144, 10_000),
        lambda length: refuse(
            access.part_problems(
                "arn:aws:iam::111111111111:role/ci",
                [
                    {
                        **access.access_statement("", ["ecr:ListImages"], ["arn"]),
                        "Condition": {"StringEquals": {"aws:SourceVpce": "x" * length}},
                    }
                ],
            )
        ),
    ),
    Refusal(repository_key.ALIAS_RESERVED, word, lambda text: key(alias=f"aws/{text}")),
    Refusal(
        repository_key.DELETION_WINDOW,
        st.one_of(st.integers(max_value=6), st.integers(31)),
        lambda days: key(deletion_window_in_days=days),
    ),
    Refusal(
        repository_key.ROTATION_PERIOD,
        st.one_of(st.integers(max_value=89), st.integers(2561)),
        lambda days: key(rotation_period_in_days=days),
    ),
    Refusal(
        repository_key.ROLE_OR_USER,
        principals.filter(lambda principal: principal.arn is None),
        lambda principal: key(creators=(principal,)),
    ),
    Refusal(
        repository_key.PRINCIPAL_ELSEWHERE,
        accounts.filter(lambda account: account != "111111111111"),
        lambda account: key(administrators=[Principal(role=f"arn:aws:iam::{account}:role/ci")]),
    ),
    Refusal(
        repository_key.POLICY_LENGTH,
        st.integers(300, 500),
        lambda count: key(
            creators=[
                Principal(role=f"arn:aws:iam::111111111111:role/{'r' * 50}{number}")
                for number in range(count)
            ]
        ),
    ),
    Refusal(
        oidc_provider.VARIABLE,
        word.map("${{aws:{}}}".format),
        lambda text: github(environments=(text,)),
    ),
    Refusal(ci_jobs.EVERY, st.integers(1, 50).map("*".__mul__), lambda n: github(tags=(n,))),
    Refusal(
        ci_jobs.UNRESTRICTED,
        st.sampled_from([(), []]),
        lambda none: github(branches=none, tags=none, environments=none),
    ),
    Refusal(ci_jobs.TWICE, words(min_size=1), lambda names: github(environments=[*names, *names])),
    Refusal(
        ci_jobs.GITLAB_HOST,
        word,
        lambda branch: GitLab(
            project="acme/api", branches=(branch,), host=oidc_provider.GITHUB_ISSUER
        ),
    ),
    Refusal(ci_role.NOBODY, st.sampled_from([(), []]), lambda nobody: role(trusted=nobody)),
    Refusal(
        ci_role.UNTRUSTED_ISSUER,
        word.map("{}.example.com".format),
        lambda issuer: role(provider_arns={issuer: oidc_provider_arn(HOME, issuer)}),
    ),
    Refusal(
        ci_role.PROVIDER_ARN,
        accounts.filter(lambda account: account != "111111111111"),
        lambda account: role(
            provider_arns={
                oidc_provider.GITHUB_ISSUER: oidc_provider_arn(
                    replace(HOME, account_id=account), oidc_provider.GITHUB_ISSUER
                )
            }
        ),
    ),
    Refusal(
        ci_role.SESSION_DURATION,
        st.one_of(st.integers(max_value=3599), st.integers(43201)),
        lambda seconds: role(max_session_duration=seconds),
    ),
    Refusal(
        ci_role.BOUNDARY_ELSEWHERE,
        st.one_of(
            accounts.filter(lambda account: account != "111111111111").map("aws:iam::{}".format),
            st.sampled_from(["aws-cn:iam::111111111111", "aws-us-gov:iam::aws"]),
        ),
        lambda where: role(permissions_boundary=f"arn:{where}:policy/bound"),
    ),
    Refusal(
        ci_role.TRUST_POLICY_LENGTH,
        st.integers(60, 200),
        lambda count: role(trusted=[github(tags=[f"version-{n}" for n in range(count)])]),
    ),
    Refusal(
        ci_role.POLICY_LENGTH,
        st.integers(10_240, 20_000),
        lambda size: role(statements=[{**access.login_statement(), "Sid": "x" * size}]),
    ),
    Refusal(
        policy_json.SYNTAX,
        st.dictionaries(word, word, min_size=1).map(lambda data: json.dumps(data)[:-1]),
        parse_lifecycle_policy,
    ),
    Refusal(
        policy_json.KEY_TWICE,
        word.map(lambda name: f'{{"{name}": 1, "{name}": 2}}'),
        parse_repository_policy,
    ),
    Refusal(policy_json.UNKNOWN_KEY, word, lambda name: element(**{name: "x"})),
    Refusal(
        policy_json.MISSING_KEY,
        st.sampled_from(["Effect"]),
        lambda name: element(**{name: None}),
    ),
    Refusal(
        policy_document.ONE_OF,
        st.sampled_from(
            [{"NotAction": "ecr:PutImage"}, {"NotPrincipal": {"AWS": "1" * 12}}, {"Action": None}]
        ),
        lambda given: element(**given),
    ),
    Refusal(
        policy_document.ELEMENT,
        word | st.dictionaries(word, word) | st.lists(accounts) | st.just({"AWS": []}),
        lambda principal: element(Principal=principal),
    ),
    Refusal(
        policy_document.TEXTS,
        st.one_of(
            st.just([]), st.integers(), st.lists(st.integers(), min_size=1), st.just(["ecr:x", ""])
        ),
        lambda action: element(Action=action),
    ),
    Refusal(
        repository_policy_document.ONE_ELEMENT,
        accounts,
        lambda account: read_back({"AWS": account, "Service": "codebuild.amazonaws.com"}, {}),
    ),
    Refusal(
        repository_policy_document.ONE_SOURCE,
        st.lists(accounts, min_size=2, unique=True),
        lambda several: read_back(
            {"Service": "codebuild.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": several}}
        ),
    ),
    Refusal(
        repository_policy_document.ORGANIZATION_NEEDED,
        st.sampled_from(["*", {"AWS": "*"}, {"AWS": ["*"]}]),
        lambda principal: read_back(principal, {}),
    ),
    Refusal(
        lifecycle_document.COUNT_UNIT,
        word.filter(lambda text: text != "days"),
        lambda unit: read_rule({"countType": "sinceImagePushed", "countUnit": unit}, {}),
    ),
    Refusal(
        lifecycle_document.STORAGE_CLASS,
        word.filter(lambda text: text != "standard"),
        lambda storage_class: read_rule({"storageClass": storage_class}, {}),
    ),
    Refusal(
        lifecycle_document.TARGET,
        word,
        lambda target: read_rule({}, {"targetStorageClass": target}),
    ),
    Refusal(
        lifecycle_document.LIST_EMPTY,
        st.sampled_from(["tagPatternList", "tagPrefixList"]),
        lambda name: read_rule({name: []}, {}),
    ),
    Refusal(
        lifecycle_policy.NO_RULE,
        st.sampled_from(['{"rules": []}', '{ "rules" : [ ] }']),
        parse_lifecycle_policy,
    ),
    Refusal(
        repository_policy.NO_STATEMENT,
        st.sampled_from([{}, {"Version": "2012-10-17"}, {"Id": "x"}]),
        lambda rest: by_hand({"Statement": [], **rest}),
    ),
    Refusal(
        registry_policy.NO_STATEMENT,
        st.sampled_from([[], ()]),
        lambda none: RegistryPolicy(new_stack(), "Policy", registry=HOME, statements=none),
    ),
    Refusal(
        image.NEEDED,
        st.sampled_from(["imageDigest", "imagePushedAt"]),
        lambda name: image_of(**{name: None}),
    ),
    Refusal(
        image.TIME,
        st.datetimes().map(datetime.isoformat) | word,
        lambda time: image_of(lastRecordedPullTime=time),
    ),
    Refusal(
        image.ARCHIVED_WHEN,
        st.none(),
        lambda time: image_of(imageStatus="ARCHIVED", lastArchivedAt=time),
    ),
    Refusal(
        lifecycle_preview.MOMENT,
        st.datetimes() | st.dates(),
        lambda moment: preview_lifecycle_policy([LifecycleRule(max_image_count=1)], [], at=moment),
    ),
    Refusal(
        lifecycle_preview.IMAGE_TWICE,
        st.integers(2, 9),
        lambda count: preview_lifecycle_policy(
            [LifecycleRule(max_image_count=1)], [image_of()] * count, at=datetime.now(UTC)
        ),
    ),
    Refusal(
        repository_reference.REPOSITORY_ARN,
        st.text() | inserted(st.just("arn:aws:ecr:"), ":é"),
        lambda arn: Repository.from_repository_arn(new_stack(), "Shared", arn),
    ),
    Refusal(
        repository_reference.ARN_PARTITION,
        st.sampled_from(ABROAD),
        lambda region: Repository.from_repository_arn(
            new_stack(), "Shared", f"arn:aws:ecr:{region}:111111111111:repository/ab"
        ),
    ),
    Refusal(ci_role.NO_GRANTEE, st.just([()]), lambda nobody: shared().grant_pull(*nobody[0])),
    Refusal(ci_role.ONE_BY_ONE, st.lists(principals), lambda some: shared().grant_pull(some)),
    Refusal(
        repository_reference.GRANT,
        principals.filter(lambda principal: principal.arn is None),
        granted,
    ),
    Refusal(
        repository_reference.ACCOUNTS,
        st.lists(accounts, min_size=2, unique=True),
        lambda several: granted(*(role_of(account) for account in several)),
    ),
]


FORMS = [
    form
    for room in ROOMS
    if room.startswith("ecr_constructs.")
    for form in vars(importlib.import_module(room)).values()
    if isinstance(form, TextForm | Choice | WholeNumber)
]
FORMS += [*lifecycle_rule.NUMBERS.values(), *public_repository.TEXTS.values()]
# Rules that no value alone can break, with who breaks them.
BY_HAND = {pull_through_cache.COUNT: "the cache rules of a file: a row of the table"}


def test_every_rule_of_the_library_has_what_breaks_it() -> None:
    known = {refusal.check for refusal in REFUSALS} | BY_HAND.keys()
    known |= {check for form in FORMS for check in form.checks}
    for room, found in all_checks().items():
        if room.startswith("ecr_constructs."):
            assert {check for _, check in found if not check.warning} <= known, room


def wrong_for(form: TextForm | Choice | WholeNumber, check: Check) -> st.SearchStrategy[Any]:
    """Values that break one check of a form."""
    if isinstance(form, WholeNumber):
        beyond = st.integers(MAX_WHOLE_NUMBER + 1)
        return st.integers(max_value=form.minimum - 1) if check == form.lower else beyond
    if isinstance(form, Choice):
        return st.text().filter(lambda text: text not in form.options)
    if check == form.length:
        short = [""] if form.minimum else []
        long_ones = (
            [st.integers(form.maximum + 1, form.maximum + 5000).map("a".__mul__)]
            if form.maximum
            else []
        )
        return st.one_of(*(st.just(text) for text in short), *long_ones)
    size = st.integers(max(form.minimum, 1), form.maximum or 50)
    return size.map(lambda length: "\x07" * length)


@pytest.mark.parametrize(
    ("form", "check"),
    [(form, check) for form in FORMS for check in form.checks],
    ids=[f"{form.what}: {check.rule[:50]}" for form in FORMS for check in form.checks],
)
@how(max_examples=10)
@given(data=st.data())
def test_a_form_refuses_with_its_sentence(
    form: TextForm | Choice | WholeNumber, check: Check, data: st.DataObject
) -> None:
    found = list(form.problems(data.draw(wrong_for(form, check))))
    assert [problem.check for problem in found] == [check]
    assert found[0].sentence.startswith(check.rule.replace("{what}", form.what))


def problems(refusal: Refusal, value: Any) -> tuple[Problem, ...]:
    try:
        refusal.use(value)
    except InvalidValueError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("refusal", REFUSALS, ids=[r.check.rule[:60] for r in REFUSALS])
@how(max_examples=25)
@given(data=st.data())
def test_is_refused_with_the_sentence_of_the_rule(refusal: Refusal, data: st.DataObject) -> None:
    found = {problem.check for problem in problems(refusal, data.draw(refusal.values))}
    assert found - set(refusal.others) == {refusal.check}


class Length(NamedTuple):
    """A policy of which AWS takes so many characters, with a text in it."""

    check: Check
    limit: int
    document: Callable[[str], object]
    use: Callable[[str], object]


def document_of(*statements_: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements_)}


def denied(sid: str) -> dict[str, str]:
    return {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage"}


def described(text: str) -> LifecycleRule:
    return LifecycleRule(max_image_count=1, description=text, rule_priority=1)


def administered(text: str) -> RepositoryKeySettings:
    names = [f"{'r' * 60}{number}" for number in range(316)]
    roles = [
        Principal(role=f"arn:aws:iam::111111111111:role/{name}") for name in (*names, f"{text}/r")
    ]
    return RepositoryKeySettings(administrators=tuple(roles))


def tagged(text: str) -> GitHubActions:
    return github(branches=(), tags=[*(f"{'t' * 90}{number}" for number in range(13)), text])


LENGTHS = [
    Length(
        access.POLICY_LENGTH,
        6_144,
        document_of,
        lambda text: refuse(access.access_problems(document_of(text))),
    ),
    Length(
        ci_role.POLICY_LENGTH,
        10_240,
        lambda text: document_of({**access.login_statement(), "Sid": text}),
        lambda text: role(statements=[{**access.login_statement(), "Sid": text}]),
    ),
    Length(
        ci_role.TRUST_POLICY_LENGTH,
        2_048,
        lambda text: ci_role.trust_policy_document(HOME, [tagged(text)]),
        lambda text: role(trusted=[tagged(text)]),
    ),
    Length(
        repository_policy.POLICY_LENGTH,
        10_240,
        lambda text: document_of(denied(text)),
        lambda text: by_hand(document_of(denied(text))),
    ),
    Length(
        repository_policy.POLICY_LENGTH,
        10_240,
        lambda text: repository_policy.repository_policy_document([statement(sid=text)]),
        lambda text: settings(repository_policy_statements=[statement(sid=text)]),
    ),
    Length(
        registry_policy.POLICY_LENGTH,
        10_240,
        lambda text: registry_policy.registry_policy_document(HOME, [registry_statement(sid=text)]),
        lambda text: refuse(
            registry_policy.registry_policy_problems(HOME, [registry_statement(sid=text)])
        ),
    ),
    Length(
        lifecycle_policy.POLICY_LENGTH,
        30_720,
        lambda text: lifecycle_policy.lifecycle_policy_document([described(text)]),
        lambda text: settings(lifecycle_rules=[described(text)]),
    ),
    Length(
        repository_key.POLICY_LENGTH,
        32_768,
        lambda text: repository_key.key_policy_document(HOME, administered(text)),
        lambda text: refuse(administered(text).problems_in(HOME)),
    ),
]


@pytest.mark.parametrize("length", LENGTHS, ids=[each.check.rule for each in LENGTHS])
def test_a_policy_is_as_long_as_aws_takes_it(length: Length) -> None:
    room = length.limit - sent_length(length.document("x")) + 1
    refusal = Refusal(length.check, st.none(), lambda size: length.use("x" * size))
    assert not problems(refusal, room)
    assert [problem.check for problem in problems(refusal, room + 1)] == [length.check]


# What values are made of without what is tried.
GOOD: dict[type, dict[str, Any]] = {
    Access: {"pull": ("ab",), "pull_through": ("ROOT",)},
    GitHubActions: {"repository": "acme/api", "branches": ("main",)},
    GitLab: {"project": "acme/api", "branches": ("main",)},
    LifecycleRule: {"max_image_count": 1},
    PolicyStatement: {
        "principals": (Principal(account="222222222222"),),
        "actions": ("ecr:BatchGetImage",),
    },
    PublicPolicyStatement: {
        "principals": (Principal(account="222222222222"),),
        "actions": ("ecr-public:PutImage",),
        "effect": "Deny",
    },
    PublicRepositorySettings: {},
    PullThroughCacheSettings: {"upstream_registry": "quay"},
    RegistryPolicyStatement: {
        "principals": (Principal(account="222222222222"),),
        "actions": ("ecr:ReplicateImage",),
    },
    ReplicationDestination: {"region": "us-west-2"},
    ReplicationRule: {"destinations": (ReplicationDestination(region="us-west-2"),)},
    RepositoryCreationTemplateSettings: {"applied_for": ("REPLICATION",)},
    RepositoryKeySettings: {},
    RepositorySettings: {},
    Scanning: {},
    ScanningRule: {"scan_frequency": "SCAN_ON_PUSH", "repository_filters": ("*",)},
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, field.name) for kind in GOOD for field in fields(kind)],
    ids=[f"{kind.__name__}.{field.name}" for kind in GOOD for field in fields(kind)],
)
@pytest.mark.parametrize("value", [object(), (object(),), {"a": object()}])
def test_a_value_of_another_type_is_refused(kind: type, name: str, value: object) -> None:
    kind(**GOOD[kind])
    with pytest.raises(InvalidValueError) as caught:
        kind(**{**GOOD[kind], name: value})
    assert name in {problem.path[0] for problem in caught.value.problems if problem.path}


# What is known at deploy time only, which would be refused if it were what it looks like.
TOKEN = "${aws_x.y.arn}"
FOREIGN = f"222222222222.dkr.ecr.{REGION}.amazonaws.com"
TAKEN: dict[str, Callable[[], object]] = {
    "account": lambda: Principal(account=TOKEN),
    "action": lambda: statement(actions=(TOKEN,)),
    "condition": lambda: statement(conditions={"Bool": {"aws:x": TOKEN}}),
    "credential": lambda: cached(upstream_registry="docker-hub", credential_arn=TOKEN),
    "exclusion filter": lambda: settings(
        image_tag_mutability=TagMutability.IMMUTABLE_WITH_EXCLUSION,
        image_tag_mutability_exclusion_filters=(f"***{TOKEN}",),
    ),
    "key": lambda: here(encryption_type=EncryptionType.KMS, kms_key=TOKEN),
    "part of a key": lambda: here(
        encryption_type=EncryptionType.KMS, kms_key=f"arn:aws:kms:{OTHERS[0]}:1:{TOKEN}"
    ),
    "key's principal": lambda: key(creators=(Principal(role=TOKEN),)),
    "part of a principal": lambda: here(
        policy_document=DOCUMENT.replace('"*"', f'{{"AWS": "arn:aws-cn:iam::1:{TOKEN}"}}')
    ),
    "principal": lambda: here(pull=(Principal(role=TOKEN),)),
    "principal of an exclusion": lambda: excluded([f"arn:aws-cn:iam::1:{TOKEN}"]),
    "region": lambda: together([to(ReplicationDestination(region=TOKEN))]),
    "region of a registry": lambda: refuse(
        replication_problems(
            Registry(account_id="111111111111", region=TOKEN),
            [to(ReplicationDestination(region="cn-north-1"))],
        )
    ),
    "role of a cache rule": lambda: cached(upstream_registry_url=FOREIGN, custom_role_arn=TOKEN),
    "role of a template": lambda: refuse(template(custom_role_arn=TOKEN).problems_in(HOME)),
    "tag pattern": lambda: LifecycleRule(max_image_count=1, tag_pattern_list=(f"*****{TOKEN}",)),
}


@pytest.mark.parametrize("use", TAKEN.values(), ids=TAKEN)
def test_what_is_known_at_deploy_time_only_is_taken(use: Callable[[], object]) -> None:
    use()


@pytest.mark.parametrize("known_later", [TOKEN, f"alias/{TOKEN}"])
def test_what_is_known_at_deploy_time_only_is_no_mistake(known_later: str) -> None:
    made = settings(encryption_type=EncryptionType.KMS, kms_key=known_later)
    assert list(made.warnings) == []


@given(st.lists(principals, min_size=1, unique=True).map(tuple))
def test_what_breaks_no_rule_is_taken(given: tuple[Principal, ...]) -> None:
    assert not problems(Refusal(Check("", ""), st.none(), lambda p: settings(pull=p)), given)
