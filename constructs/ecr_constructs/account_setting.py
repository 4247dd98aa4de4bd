"""Account setting: what ECR does in an account and Region, by the name of the setting."""

from collections.abc import Iterator
from types import MappingProxyType

from cdktf_cdktf_provider_aws.ecr_account_setting import EcrAccountSetting
from constructs import Construct

from ecr_constructs.annotations import annotate
from ecr_constructs.checks import Check, Choice, Problem, did_you_mean, refuse, with_strangers

_API = "ECR API, `PutAccountSetting`"
BLOB_MOUNTING = "BLOB_MOUNTING"
POLICY_SCOPE = "REGISTRY_POLICY_SCOPE"
OLDER_SCOPE = "V1"

# Name -> the values that it takes.
VALUES = MappingProxyType(
    {
        "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE",),
        BLOB_MOUNTING: ("ENABLED", "DISABLED"),
        POLICY_SCOPE: (OLDER_SCOPE, "V2"),
    }
)
# Name -> the oldest AWS provider that knows it, from the provider's changelog.
PROVIDER_VERSIONS = MappingProxyType({BLOB_MOUNTING: "6.29.0"})

NAME = Choice(what="the name of an account setting", source=_API, options=list(VALUES))
VALUE = Check(
    "the account setting {name} must be one of {options}",
    f"{_API}; the AWS provider takes any value with any name",
)
SCOPE_V1 = Check(
    "with REGISTRY_POLICY_SCOPE V1 a registry heeds its policy for three actions only",
    "ECR user guide, private registry permissions; AWS recommends V2",
    "write V2",
    warning=True,
)


def account_setting_problems(name: object, value: object) -> Iterator[Problem]:
    """Check the name, and that the value is one of those that it takes."""
    wrong = list(NAME.problems(name))
    yield from wrong
    options = VALUES.get(str(name), ())
    if not wrong and value not in options:
        hint = did_you_mean(value, options)
        got = with_strangers(value)
        yield VALUE.problem(got, hint=hint, name=name, options=", ".join(options))


def account_setting_warnings(name: str, value: str) -> Iterator[Problem]:
    """What is legal, but certainly a mistake."""
    if (name, value) == (POLICY_SCOPE, OLDER_SCOPE):
        yield SCOPE_V1.problem(value)


class AccountSetting(Construct):
    """A setting of ECR in an account and Region. Each name is there once.

    A destroy leaves it as it is: AWS has no call that takes it back.

    :param name: `BASIC_SCAN_TYPE_VERSION` (`AWS_NATIVE`), `REGISTRY_POLICY_SCOPE` (`V2`, and `V1`,
        which AWS advises against) or `BLOB_MOUNTING` (`ENABLED`, `DISABLED`: whether a push reuses
        layers of other repositories with the same encryption; needs AWS provider 6.29.0).
    :param value: what it is set to.
    :raises ValueError: for another name, and for a value that it does not take.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, value: str) -> None:
        refuse(account_setting_problems(name, value))
        super().__init__(scope, id_)
        EcrAccountSetting(self, "Resource", name=name, value=value)
        version = PROVIDER_VERSIONS.get(name)
        self.required_provider_versions = frozenset([version] if version else [])
        """The oldest AWS provider that knows the setting, where not every one does."""
        annotate(self, account_setting_warnings(name, value))
