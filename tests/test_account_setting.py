import pytest
from cdktf import TerraformStack
from conftest import Resources

from ecr_constructs import AccountSetting, InvalidValueError


def test_sets_a_setting(stack: TerraformStack, resources: Resources) -> None:
    AccountSetting(stack, "Scan", name="BASIC_SCAN_TYPE_VERSION", value="AWS_NATIVE")
    assert resources("aws_ecr_account_setting") == [
        {"name": "BASIC_SCAN_TYPE_VERSION", "value": "AWS_NATIVE"}
    ]


def test_says_which_provider_knows_it(stack: TerraformStack) -> None:
    scan = AccountSetting(stack, "Scan", name="BASIC_SCAN_TYPE_VERSION", value="AWS_NATIVE")
    assert scan.required_provider_versions == frozenset()
    mounting = AccountSetting(stack, "Mounting", name="BLOB_MOUNTING", value="ENABLED")
    assert mounting.required_provider_versions == {"6.29.0"}


def test_fails_with_the_value_of_another_setting(stack: TerraformStack) -> None:
    # The provider lets this through.
    with pytest.raises(InvalidValueError) as caught:
        AccountSetting(stack, "Scan", name="BASIC_SCAN_TYPE_VERSION", value="V2")
    assert str(caught.value) == (
        "the account setting BASIC_SCAN_TYPE_VERSION must be one of AWS_NATIVE, got 'V2'"
    )
    assert stack.node.try_find_child("Scan") is None
