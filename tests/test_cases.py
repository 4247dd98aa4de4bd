"""The table of cases against the files, the library, and botocore's model of the API."""

import dataclasses
import re
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session
import pytest
import yaml

from ecr_constructs import (
    Access,
    GitHubActions,
    GitLab,
    InvalidValueError,
    Problem,
    PublicRepositorySettings,
    PullThroughCacheSettings,
    Registry,
    RegistryPolicyStatement,
    ReplicationRule,
    RepositoryCreationTemplateSettings,
    RepositoryKeySettings,
    RepositorySettings,
    Scanning,
)
from ecr_constructs.account_setting import account_setting_problems, account_setting_warnings
from ecr_constructs.checks import TYPE
from ecr_constructs.ci_role import ci_role_problems
from ecr_constructs.creation_template_settings import PREFIX as TEMPLATE_PREFIX
from ecr_constructs.public_repository import REPOSITORY_NAME as PUBLIC_NAME
from ecr_constructs.pull_through_cache import PREFIX as CACHE_PREFIX
from ecr_constructs.pull_time_update_exclusion import pull_time_update_exclusion_problems
from ecr_constructs.registry import REPOSITORY_NAME
from ecr_constructs.registry_policy import registry_policy_problems
from ecr_constructs.replication import replication_problems, replication_warnings
from local.environments import write_environment
from stacks import InvalidEnvironmentsError, load_environments
from stacks.environment_warnings import ACCESS_MATCHES_NONE
from stacks.registry_warnings import FILTER_MATCHES_NONE, ROLE_WITHOUT_ACCESS

FOLDER = Path(__file__).parent / "cases"
MODEL = botocore.session.get_session().get_service_model("ecr")
TEMPLATE = {"applied_for": ["REPLICATION"]}
OF_THE_REST = (FILTER_MATCHES_NONE, ACCESS_MATCHES_NONE, ROLE_WITHOUT_ACCESS)
ACCOUNT, REGION = "111111111111", "ap-northeast-2"


class Case(NamedTuple):
    """A row of the table."""

    name: str
    group: Mapping[str, Any]
    row: Mapping[str, Any]

    @property
    def value(self) -> Any:
        return expanded(self.row["value"])

    @property
    def region(self) -> str:
        return str(self.row.get("region", REGION))

    @property
    def refused(self) -> list[str]:
        return listed(self.row.get("refused"))

    @property
    def warned(self) -> list[str]:
        return listed(self.row.get("warned"))

    def settings(self) -> Any:
        """What the value makes of a repository's settings."""
        value = self.value
        if "within" in self.group:
            value = {self.group["within"]: value}
        if "with_value" in self.group and isinstance(value, dict):
            value = {**self.group["with_value"], **value}
        if self.group.get("each"):
            value = [value]
        if "key" in self.group:
            value = {self.group["key"]: value}
        return {**self.group.get("with", {}), **value}

    def rules(self) -> Any:
        """What the value makes of the rules of replication."""
        if self.group.get("filters"):
            destinations = [{"region": "us-west-2"}]
            return [{"destinations": destinations, "repository_filters": [self.value]}]
        return self.value

    def scanning(self) -> Any:
        """What the value makes of the scanning of a registry."""
        if self.group.get("each"):
            rule = {"scan_frequency": "SCAN_ON_PUSH", "repository_filters": [self.value]}
            return {"rules": [rule]}
        return self.value

    def statement(self) -> dict[str, Any]:
        """The value as a statement of a registry policy."""
        return {**self.group["with_value"], **self.value}

    def cache(self) -> dict[str, Any]:
        """What the value makes of the pull-through cache rules of a registry."""
        if self.group.get("prefix"):
            return {self.value: {"upstream_registry": "quay"}}
        return {"cache": self.value}

    def keyed(self, good: Mapping[str, Any]) -> dict[str, Any]:
        """The value as one of what a registry has by a key, or as its key."""
        given = self.group.get("with_value", good)
        if self.group.get("prefix"):
            return {self.value: given}
        return {"payments": {**given, **self.value}}

    def role(self) -> dict[str, Any]:
        """The value as a role of jobs of CI, or as the jobs that assume it."""
        role = {"github_actions": [{"repository": "acme/payments", "branches": ["main"]}]}
        match self.group["of"]:
            case "github":
                return {"github_actions": [self.value]}
            case "gitlab":
                return {"gitlab": [self.value]}
        return {**role, **self.value}

    def environment(self) -> dict[str, Any]:
        """The value as an environment file."""
        base: dict[str, Any] = {"account": ACCOUNT, "region": self.region}
        added: dict[str, Any]
        match self.group["of"]:
            case "name":
                added = {"repositories": {self.value: {}}}
            case "settings":
                added = {"repositories": {"ab": self.settings()}}
            case "scanning":
                registry = {"scanning": self.scanning()}
                added = {"repositories": {"ab": {}}, "registry": registry}
            case "github" | "gitlab" | "ci_role":
                added = {"ci_roles": {"ci": self.role()}}
            case "key":
                kept = {"encryption_type": "KMS"}
                added = {"repository_key": self.value, "repository_defaults": kept}
            case "environment":
                added = dict(self.value)
            case _:
                added = {"registry": self.registry()}
        return base | added

    def registry(self) -> dict[str, Any]:
        """The value as the settings of a registry."""
        added: dict[str, Any]
        match self.group["of"]:
            case "rules":
                added = {"replication": {"rules": self.rules()}}
            case "policy":
                added = {"policy_statements": [self.statement()]}
            case "cache":
                added = {"pull_through_cache_rules": self.cache()}
            case "template":
                added = {"creation_templates": self.keyed(TEMPLATE)}
            case "public":
                added = {"public_repositories": self.keyed({})}
            case "account":
                added = {"account_settings": self.value}
            case _:
                added = {"pull_time_update_exclusions": self.value}
        return added


def listed(part: Any) -> list[str]:
    part = expanded(part)
    return [part] if isinstance(part, str) else part or []


def expanded(value: Any) -> Any:
    """A value of the table, without its abbreviations."""
    match value:
        case {"times": [text, count], **rest} if not rest:
            return text * count
        case {"each": [item, count, *start], **rest} if not rest:
            first = start[0] if start else 0
            return [numbered(item, number) for number in range(first, first + count)]
        case {"keys": [key, item, count], **rest} if not rest:
            return {numbered(key, n): numbered(item, n) for n in range(count)}
        case dict():
            return {key: expanded(item) for key, item in value.items()}
        case list():
            return [expanded(item) for item in value]
    return value


def numbered(value: Any, number: int) -> Any:
    """A value with its number for `#`."""
    value = expanded(value)
    match value:
        case "#":
            return number
        case str():
            return value.replace("#", str(number))
        case dict():
            return {key: numbered(item, number) for key, item in value.items()}
        case list():
            return [numbered(item, number) for item in value]
    return value


def table() -> Iterator[Case]:
    for file in sorted(FOLDER.glob("*.yaml")):
        # The table's own lists of abbreviations have keys of text only.
        for group in yaml.safe_load(file.read_text()):
            for row in group["cases"]:
                assert row.keys() <= {"value", "refused", "warned", "source", "region"}
                assert row["source"]
                shown = re.sub(r"\s+", " ", str(row["value"]))[:60]
                yield Case(f"{file.stem}: {shown}", group, row)


CASES = list(table())
by_name = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def read(case: Case, folder: Path) -> tuple[list[Problem], str]:
    """The problems of the case as an environment file, and how they are printed."""
    file = folder / "dev.yaml"
    if case.group["of"] == "file":
        file.write_bytes(case.value.encode())
    else:
        write_environment(file, case.environment())
    try:
        found = load_environments(folder).warnings
    except InvalidEnvironmentsError as error:
        found = error.problems
    if case.group["of"] in ("rules", "github", "gitlab", "ci_role"):
        # What else is in the file is beside the point.
        found = tuple(p for p in found if p.check not in OF_THE_REST)
    return [Problem(p.sentence, (), p.check) for p in found], "\n".join(map(str, found))


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 250
    assert {"refused", "warned"} < {key for case in CASES for key in case.row}


@by_name
def test_a_file_says_what_the_table_says(case: Case, tmp_path: Path) -> None:
    found, printed = read(case, tmp_path)
    expected = [*case.refused, *case.warned]
    assert len(found) == len(expected), printed
    for part in case.refused:
        assert any(part in p.sentence and not p.check.warning for p in found), printed
    for part in case.warned:
        assert any(part in p.sentence and p.check.warning for p in found), printed
    assert all("\n" not in p.sentence for p in found)


def made(kind: Any, value: Any) -> Any:
    """A value of the library from the data of a file, as a caller would write it."""
    for option in (kind, *typing.get_args(kind)):
        if dataclasses.is_dataclass(option) and isinstance(value, dict):
            hints = typing.get_type_hints(option)
            known = {name: made(hints.get(name), item) for name, item in value.items()}
            return typing.cast("Any", option)(**known)
    if isinstance(value, list) and typing.get_args(kind):
        return tuple(made(typing.get_args(kind)[0], item) for item in value)
    return value


def called(case: Case) -> list[Problem]:
    """The problems of the case as calls of the library."""
    try:
        return list(_called(case, Registry(account_id=ACCOUNT, region=case.region)))
    except InvalidValueError as error:
        return list(error.problems)


def _called(case: Case, registry: Registry) -> Iterator[Problem]:
    match case.group["of"]:
        case "name":
            yield from REPOSITORY_NAME.problems(case.value)
        case "policy":
            statement = made(RegistryPolicyStatement, case.statement())
            yield from registry_policy_problems(registry, [statement])
        case "cache":
            [(prefix, given)] = case.cache().items()
            cache = made(PullThroughCacheSettings, given)
            yield from CACHE_PREFIX.problems(prefix)
            yield from cache.problems_in(registry, prefix)
        case "template":
            [(prefix, given)] = case.keyed(TEMPLATE).items()
            template = made(RepositoryCreationTemplateSettings, given)
            yield from TEMPLATE_PREFIX.problems(prefix)
            yield from list(template.problems_in(registry)) or template.warnings
        case "public":
            [(name, given)] = case.keyed({}).items()
            repository = made(PublicRepositorySettings, given)
            yield from PUBLIC_NAME.problems(name)
            yield from repository.problems_in(registry)
        case "account":
            for name, value in case.value.items():
                wrong = list(account_setting_problems(name, value))
                yield from wrong or account_setting_warnings(name, value)
        case "exclusions":
            yield from pull_time_update_exclusion_problems(registry, case.value)
        case "github" | "gitlab" | "ci_role" | "key":
            yield from _called_for_iam(case, registry)
        case "scanning":
            yield from made(Scanning, case.scanning()).warnings(["ab"])
        case "settings":
            settings = made(RepositorySettings, case.settings())
            yield from list(settings.problems_in(registry)) or settings.warnings
        case _:
            rules = made(tuple[ReplicationRule, ...], case.rules())
            found = list(replication_problems(registry, rules))
            yield from found or replication_warnings(rules)


def _called_for_iam(case: Case, registry: Registry) -> Iterator[Problem]:
    match case.group["of"]:
        case "github":
            yield from made(GitHubActions, case.value).warnings
        case "gitlab":
            yield from made(GitLab, case.value).warnings
        case "key":
            key = made(RepositoryKeySettings, case.value)
            yield from list(key.problems_in(registry)) or key.warnings
        case _:
            role = case.role()
            statements = made(Access, role["access"]).render(registry) if "access" in role else ()
            jobs = made(tuple[GitHubActions, ...], role["github_actions"])
            bounds = {k: v for k, v in role.items() if k not in ("access", "github_actions")}
            yield from ci_role_problems(
                registry, role_name="ci", trusted=jobs, statements=statements, **bounds
            )


# What Python refuses itself: keywords that are unknown or missing, classes for mappings.
_PYTHONS = re.compile(r"unknown key|is missing|must be a (mapping|list)$")
CALLS = [
    case
    for case in CASES
    if case.group["of"] not in ("file", "environment")
    # A call fails with the first value that cannot be made.
    and not case.name.startswith("together")
    and not any(_PYTHONS.search(part) for part in case.refused)
]


@pytest.mark.parametrize("case", CALLS, ids=[case.name for case in CALLS])
def test_a_call_says_what_a_file_says(case: Case, tmp_path: Path) -> None:
    in_file, by_call = sorted(read(case, tmp_path)[0]), sorted(called(case))
    assert len(by_call) == len(in_file)
    for one, other in zip(by_call, in_file, strict=True):
        # Of a wrong type, a file adds how what was meant is written.
        added = other.sentence.removeprefix(one.sentence)
        of_type = one.check == TYPE or " must be one of " in one.sentence
        assert not added or (of_type and added.startswith("; "))


SHAPED = [case for case in CASES if "shape" in case.group and isinstance(case.value, str)]


@pytest.mark.parametrize("case", SHAPED, ids=[case.name for case in SHAPED])
def test_botocore_agrees_with_the_table(case: Case) -> None:
    shape = MODEL.shape_for(case.group["shape"])
    metadata = shape.metadata
    value = case.value
    accepted = (
        metadata.get("min", 0) <= len(value) <= metadata.get("max", len(value))
        and (not shape.enum or value in shape.enum)
        and re.fullmatch(metadata.get("pattern", ".*"), value, re.DOTALL) is not None
    )
    assert accepted == (not case.refused)
