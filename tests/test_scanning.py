import pytest
from cdktf import TerraformStack
from conftest import Resources

from ecr_constructs import (
    RegistryScanningConfiguration,
    ScanFrequency,
    Scanning,
    ScanningRule,
    ScanType,
)
from ecr_constructs.scanning import MATCHES_NONE, filter_selects

ON_PUSH, CONTINUOUS = ScanFrequency.SCAN_ON_PUSH, ScanFrequency.CONTINUOUS_SCAN
NAMES = ("prod", "repo-prod", "prod-repo", "repo-prod-repo", "prodrepo")


# The table of the ECR user guide, "filters to choose which repositories are scanned".
@pytest.mark.parametrize(
    ("value", "selected"),
    [
        ("prod", "YYYYY"),
        ("*prod", "YYNNN"),
        ("prod*", "YNYNY"),
        ("*prod*", "YYYYY"),
        ("prod*repo", "NNYNY"),
    ],
)
def test_a_filter_selects_what_the_user_guide_says(value: str, selected: str) -> None:
    assert "".join("NY"[filter_selects(value, name)] for name in NAMES) == selected


def enhanced(**rules: str) -> Scanning:
    return Scanning(
        scan_type=ScanType.ENHANCED,
        rules=tuple(
            ScanningRule(scan_frequency=ScanFrequency(name), repository_filters=(value,))
            for name, value in rules.items()
        ),
    )


def test_continuous_scanning_wins() -> None:
    scanning = enhanced(SCAN_ON_PUSH="*", CONTINUOUS_SCAN="prod")
    assert scanning.frequency("prod/api") is CONTINUOUS
    assert scanning.frequency("dev/api") is ON_PUSH


def test_what_no_rule_selects_is_scanned_by_hand_or_never() -> None:
    assert Scanning().frequency("ab") is ScanFrequency.MANUAL
    assert enhanced(SCAN_ON_PUSH="prod").frequency("ab") is None


def test_names_three_of_those_that_are_never_scanned() -> None:
    [warning] = enhanced().warnings(["aa", "bb", "cc", "dd", "ee"])
    assert "never scanned, got 'aa', 'bb', 'cc' and 2 more; select it" in warning.sentence


def test_a_filter_of_many_letters_is_read_at_once() -> None:
    # AWS's own pattern takes minutes for this in Python.
    with pytest.raises(ValueError, match="scanning filter must be"):
        ScanningRule(scan_frequency=ON_PUSH, repository_filters=("a" * 60 + "!",))


def test_is_defined_as_the_provider_wants_it(stack: TerraformStack, resources: Resources) -> None:
    scanning = enhanced(SCAN_ON_PUSH="*", CONTINUOUS_SCAN="prod*")
    RegistryScanningConfiguration(
        stack, "Scanning", scan_type=scanning.scan_type, rules=scanning.rules
    )
    [resource] = resources("aws_ecr_registry_scanning_configuration")
    assert resource["scan_type"] == "ENHANCED"
    assert resource["rule"] == [
        {
            "scan_frequency": frequency,
            "repository_filter": [{"filter": value, "filter_type": "WILDCARD"}],
        }
        for frequency, value in (("SCAN_ON_PUSH", "*"), ("CONTINUOUS_SCAN", "prod*"))
    ]


def test_is_basic_without_rules_by_default(stack: TerraformStack, resources: Resources) -> None:
    RegistryScanningConfiguration(stack, "Scanning")
    [resource] = resources("aws_ecr_registry_scanning_configuration")
    assert resource["scan_type"] == "BASIC"
    assert "rule" not in resource


def test_defines_nothing_where_it_fails(stack: TerraformStack) -> None:
    rule = ScanningRule(scan_frequency=CONTINUOUS, repository_filters=("*",))
    with pytest.raises(ValueError, match="BASIC scans on push only"):
        RegistryScanningConfiguration(stack, "Scanning", rules=[rule])
    assert stack.node.try_find_child("Scanning") is None


@pytest.mark.parametrize(
    ("value", "namespaces", "warned"),
    [
        ("docker-hub/*", [], True),
        ("docker-hub/*", ["docker-hub/"], False),
        ("docker-*", ["docker-hub/"], False),
        ("docker-hub/library/*", ["docker-hub/"], False),
        ("web*", ["docker-hub/"], True),
        # Without '*' it is any part of a name.
        ("nginx", ["docker-hub/"], False),
        ("web*", [""], False),
    ],
)
def test_does_not_warn_of_what_may_come(value: str, namespaces: list[str], warned: bool) -> None:
    scanning = enhanced(SCAN_ON_PUSH=value)
    rules = [w.check for w in scanning.warnings([], namespaces)]
    assert rules == ([MATCHES_NONE] if warned else [])
