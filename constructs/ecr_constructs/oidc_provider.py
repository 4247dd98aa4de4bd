"""OIDC provider: what makes an account of AWS accept the tokens of an issuer."""

import re
from collections.abc import Iterator

from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from constructs import Construct

from ecr_constructs.checks import Check, Problem, TextForm, refuse, shown, within
from ecr_constructs.registry import Registry

GITHUB_ISSUER = "token.actions.githubusercontent.com"
GITHUB_AUDIENCE = "sts.amazonaws.com"
_HOST = r"[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)+"
HOST = TextForm(
    what="host",
    source="IAM API, `CreateOpenIDConnectProvider`: 255 characters with 'https://', and no port",
    maximum=247,
    pattern=re.compile(_HOST),
    form="a host such as 'gitlab.example.com', in lowercase, without 'https://', port and path",
    meant={
        "(?i)github": f"write '{GITHUB_ISSUER}'",
        "(?i)gitlab": "write 'gitlab.com'",
        rf"(?:https?://|arn:aws[a-z-]*:iam::[0-9]{{12}}:oidc-provider/)?({_HOST})(?:[:/].*)?": (
            r"write '\1'"
        ),
    },
)
VARIABLE = Check(
    "{what} must not hold a token or a variable of IAM",
    "IAM user guide, policy variables; this library: who is trusted is known at synth",
    "write the name itself",
)


def literal_problems(form: TextForm, value: object, what: str = "") -> Iterator[Problem]:
    """Check a text that has to be known at synth."""
    if isinstance(value, str) and "${" in value:
        yield VARIABLE.problem(shown(value), what=what or form.what)
    else:
        yield from form.problems(value, what)


def audience_of(issuer: str) -> str:
    """Whom the tokens of an issuer are for."""
    return GITHUB_AUDIENCE if issuer == GITHUB_ISSUER else f"https://{issuer}"


def oidc_provider_arn(registry: Registry, issuer: str) -> str:
    """The ARN that the provider of an issuer has in the account of a registry."""
    return registry.iam_arn(f"oidc-provider/{issuer}")


class OidcProvider(Construct):
    """What makes AWS accept the tokens of an issuer. An account has one for each issuer.

    AWS checks the certificate of the issuer itself, so that no thumbprint is named.

    :param issuer: the host of who signs the tokens, such as `token.actions.githubusercontent.com`
        or `gitlab.com`: the `issuer` of who is trusted. At most 247 characters; without port and
        path. Another one replaces the provider.
    :raises ValueError: for another form.
    """

    def __init__(self, scope: Construct, id_: str, *, issuer: str) -> None:
        refuse(within(("issuer",), literal_problems(HOST, issuer, "issuer")))
        super().__init__(scope, id_)
        provider = IamOpenidConnectProvider(
            self, "Resource", url=f"https://{issuer}", client_id_list=[audience_of(issuer)]
        )
        self.issuer = issuer
        """The host of who signs the tokens: the key of `provider_arns`."""
        self.provider_arn = provider.arn
        """The ARN of the provider, with a token."""
