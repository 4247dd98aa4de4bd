"""Scanning: when the images of a registry are scanned for vulnerabilities."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cdktf_cdktf_provider_aws.ecr_registry_scanning_configuration import (
    EcrRegistryScanningConfiguration,
    EcrRegistryScanningConfigurationRule,
    EcrRegistryScanningConfigurationRuleRepositoryFilter,
)
from constructs import Construct

from ecr_constructs.checks import (
    Check,
    Choice,
    Problem,
    TextForm,
    refuse,
    sequence,
    shown,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.registry import IN_LOWERCASE
from ecr_constructs.wildcard import matches

MAX_FILTERS = 100
_PAGE = "ECR user guide, image scanning"


class ScanType(StrEnum):
    """Who scans."""

    BASIC = "BASIC"
    """ECR itself, at no charge: the operating system's packages, when an image is pushed."""
    ENHANCED = "ENHANCED"
    """Amazon Inspector, at its price: packages of programming languages, too, and again whenever
    a vulnerability becomes known."""


class ScanFrequency(StrEnum):
    """When the images of a repository are scanned."""

    SCAN_ON_PUSH = "SCAN_ON_PUSH"
    """Once, when an image is pushed."""
    CONTINUOUS_SCAN = "CONTINUOUS_SCAN"
    """When an image is pushed, and again whenever a vulnerability becomes known."""
    MANUAL = "MANUAL"
    """When somebody asks for it. What no rule selects has it with `BASIC`; no rule can name it."""


SCAN_TYPE = Choice(what="scan_type", source="ECR API, `ScanType`", options=list(ScanType))
SCAN_FREQUENCY = Choice(
    what="scan_frequency",
    source="ECR API, `ScanFrequency`; MANUAL is what no rule selects, unknown whether a rule"
    " may name it",
    options=[ScanFrequency.SCAN_ON_PUSH, ScanFrequency.CONTINUOUS_SCAN],
)
FILTER = TextForm(
    what="scanning filter",
    source="ECR API, `ScanningRepositoryFilterValue`",
    maximum=255,
    # AWS's own pattern, which takes the same texts, needs minutes for some of them in Python.
    pattern=re.compile(r"[a-z0-9*]+(?:[._/-][a-z0-9*]+)*"),
    form="lowercase letters, digits and '*', with single '.', '_', '-' or '/' between them",
    meant=IN_LOWERCASE,
)
NO_FILTER = Check(
    "a scanning rule needs at least one filter",
    "AWS provider 5.100.0, validation",
    "the filter '*' selects every repository",
)
FILTER_COUNT = Check(
    f"a scanning rule takes at most {MAX_FILTERS} filters",
    "ECR API, `ScanningRepositoryFilterList`",
)
DUPLICATE_FILTER = Check(
    "repository_filters of a scanning rule must not repeat a filter",
    "AWS provider: they are a set; a repeated filter has no effect",
)
FREQUENCY_TWICE = Check(
    "a scanning configuration takes one rule for each scan_frequency",
    "ECR API, `RegistryScanningRuleList`: at most 2 rules",
    "put the filters into one rule",
)
MATCHES_NONE = Check(
    "a scanning filter should match a repository of the environment files",
    _PAGE,
    "mend the filter, or take it away",
    warning=True,
)
NEVER_SCANNED = Check(
    "with scan_type ENHANCED, the images of a repository that no rule selects are never scanned",
    _PAGE,
    "select it, such as by the filter '*' with SCAN_ON_PUSH",
    warning=True,
)
BASIC_CONTINUOUS = Check(
    "scan_type BASIC scans on push only", _PAGE, "write scan_type ENHANCED, or SCAN_ON_PUSH"
)


@dataclass(frozen=True, kw_only=True)
class ScanningRule:
    """Which repositories are scanned how often.

    :param scan_frequency: `SCAN_ON_PUSH` or `CONTINUOUS_SCAN`.
    :param repository_filters: 1 to 100 filters of 1 to 255 characters. One without `*` selects
        every repository whose name holds it; one with `*`, which is any characters, has to match
        the whole name.
    :raises ValueError: for a frequency or a filter that ECR would refuse.
    """

    scan_frequency: ScanFrequency
    """How often: SCAN_ON_PUSH or CONTINUOUS_SCAN."""
    repository_filters: tuple[str, ...]
    """Parts of repository names, or patterns of whole names with '*' for any characters."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        object.__setattr__(self, "scan_frequency", ScanFrequency(self.scan_frequency))
        object.__setattr__(self, "repository_filters", tuple(self.repository_filters))

    def _problems(self) -> Iterator[Problem]:
        yield from within(("scan_frequency",), SCAN_FREQUENCY.problems(self.scan_frequency))
        path = ("repository_filters",)
        filters = self.repository_filters
        if not isinstance(filters, list | tuple):
            yield wrong_type("repository_filters", "a list", filters)._replace(path=path)
            return
        if not filters:
            yield NO_FILTER.problem("none", path)
        if len(filters) > MAX_FILTERS:
            yield FILTER_COUNT.problem(str(len(filters)), path)
        yield from within(path, unique(DUPLICATE_FILTER, filters))
        for index, value in enumerate(filters):
            yield from within((*path, index), FILTER.problems(value))

    def selects(self, repository_name: str) -> bool:
        """Whether the rule is about a repository of this name."""
        return any(filter_selects(value, repository_name) for value in self.repository_filters)


def filter_selects(value: str, repository_name: str) -> bool:
    """Whether a filter selects a repository: as a part of its name, or with `*` as a pattern."""
    return matches(value, repository_name) if "*" in value else value in repository_name


def may_select_below(value: str, namespace: str) -> bool:
    """Whether a filter may select a repository whose name starts with a namespace."""
    head, star, _ = value.partition("*")
    return not star or head.startswith(namespace) or namespace.startswith(head)


@dataclass(frozen=True, kw_only=True)
class Scanning:
    """How the images of a registry are scanned for vulnerabilities.

    :param scan_type: `BASIC` by default.
    :param rules: at most one for each frequency; `BASIC` scans on push only.
    :raises ValueError: for rules that ECR would refuse together.
    """

    scan_type: ScanType = ScanType.BASIC
    """Who scans: ECR itself (BASIC) or Amazon Inspector (ENHANCED), at its price."""
    rules: tuple[ScanningRule, ...] = ()
    """Which repositories are scanned how often; at most one rule for each frequency."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        object.__setattr__(self, "scan_type", ScanType(self.scan_type))
        object.__setattr__(self, "rules", tuple(self.rules))

    def _problems(self) -> Iterator[Problem]:
        yield from within(("scan_type",), SCAN_TYPE.problems(self.scan_type))
        wrong = list(sequence("rules", self.rules, ScanningRule))
        yield from within(("rules",), wrong)
        if wrong:
            return
        seen: set[ScanFrequency] = set()
        for index, rule in enumerate(self.rules):
            path = ("rules", index, "scan_frequency")
            if rule.scan_frequency in seen:
                yield FREQUENCY_TWICE.problem(f"{rule.scan_frequency} twice", path)
            seen.add(rule.scan_frequency)
            on_push = rule.scan_frequency == ScanFrequency.SCAN_ON_PUSH
            if self.scan_type == ScanType.BASIC and not on_push:
                yield BASIC_CONTINUOUS.problem(rule.scan_frequency, path)

    def frequency(self, repository_name: str) -> ScanFrequency | None:
        """How often the images of a repository are scanned; `None` for never.

        Where both frequencies select a repository, continuous scanning wins. What no rule selects
        is scanned when somebody asks for it with `BASIC`, and never with `ENHANCED`.
        """
        found = {rule.scan_frequency for rule in self.rules if rule.selects(repository_name)}
        for frequency in (ScanFrequency.CONTINUOUS_SCAN, ScanFrequency.SCAN_ON_PUSH):
            if frequency in found:
                return frequency
        return ScanFrequency.MANUAL if self.scan_type == ScanType.BASIC else None

    def warnings(
        self, repository_names: Sequence[str], namespaces: Sequence[str] = ()
    ) -> Iterator[Problem]:
        """What is legal, but certainly a mistake, in a registry of these repositories.

        :param namespaces: beginnings of further repositories, which are not known by name.
        """
        for index, rule in enumerate(self.rules):
            for position, value in enumerate(rule.repository_filters):
                known = any(filter_selects(value, name) for name in repository_names)
                if not known and not any(may_select_below(value, n) for n in namespaces):
                    path = ("rules", index, "repository_filters", position)
                    yield MATCHES_NONE.problem(shown(value), path)
        never = [name for name in repository_names if self.frequency(name) is None]
        if never:
            more = f" and {len(never) - 3} more" if len(never) > 3 else ""
            yield NEVER_SCANNED.problem(", ".join(map(shown, never[:3])) + more, ("rules",))


class RegistryScanningConfiguration(Construct):
    """The scanning of a registry. A registry has one: define it once per account and Region.

    A destroy sets it back to basic scanning without rules.

    :param scan_type: `BASIC` by default.
    :param rules: at most one for each frequency. Without any, images are scanned when somebody
        asks for it with `BASIC`, and never with `ENHANCED`.
    :raises ValueError: for rules that ECR would refuse together.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        scan_type: ScanType = ScanType.BASIC,
        rules: Sequence[ScanningRule] = (),
    ) -> None:
        refuse(within(("rules",), sequence("rules", rules, ScanningRule)))
        scanning = Scanning(scan_type=scan_type, rules=tuple(rules))
        super().__init__(scope, id_)
        EcrRegistryScanningConfiguration(
            self,
            "Resource",
            scan_type=scanning.scan_type,
            rule=[
                EcrRegistryScanningConfigurationRule(
                    scan_frequency=rule.scan_frequency,
                    repository_filter=[
                        EcrRegistryScanningConfigurationRuleRepositoryFilter(
                            filter=value, filter_type="WILDCARD"
                        )
                        for value in rule.repository_filters
                    ],
                )
                for rule in scanning.rules
            ]
            or None,
        )
