"""AWS: who asks it, and what its errors mean."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from cli.errors import InputError
from stacks import Environment

ATTEMPTS = 8
SESSION_NAME = "ecr-lifecycle-preview"
_NO_CREDENTIALS = "AWS credentials are needed, got none; sign in, or set AWS_PROFILE"
# Code of an error -> what it means to whoever asks.
_MEANINGS = {
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
        "the AWS credentials have expired; sign in again",
    ),
    **dict.fromkeys(
        (
            "AuthFailure",
            "IncompleteSignature",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        "AWS does not know the credentials; sign in again",
    ),
    **dict.fromkeys(
        ("ThrottlingException", "Throttling", "TooManyRequestsException"),
        "AWS takes no more requests for now, also after several attempts; try again later",
    ),
}


class Aws:
    """Clients of an account and Region that read, and write nothing.

    :param environment: whose role asks, in its Region; by default the caller, in `region`.
    :param region: the Region, without an environment.
    :param assume_role: whether the environment's role asks, or the caller.
    :raises InputError: for credentials that are not of the environment's account.
    """

    def __init__(
        self,
        environment: Environment | None = None,
        region: str | None = None,
        *,
        assume_role: bool = True,
    ) -> None:
        self._session = botocore.session.get_session()
        # botocore itself knows the other name alone.
        given = region or os.environ.get("AWS_REGION")
        self._region = environment.region if environment else given
        if environment is not None and environment.assume_role is not None and assume_role:
            self._session = _assumed(self._session, environment)
        self.client = cache(self._client)
        if environment is not None:
            with aws_errors():
                account = self.client("sts").get_caller_identity()["Account"]
            if account != environment.account:
                raise InputError(
                    f"the AWS credentials must be of account {environment.account}, got {account}"
                )

    def _client(self, service: str) -> Any:
        with aws_errors(), _settings():
            return self._session.create_client(
                service, region_name=self._region, config=_config(self._session)
            )


def _config(session: Any) -> Config:
    """Patience with throttling, where AWS_MAX_ATTEMPTS or a profile says nothing of it."""
    attempts = session.get_config_variable("max_attempts") or ATTEMPTS
    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra="ecr-constructs",
    )


def _assumed(source: Any, environment: Environment) -> Any:
    """A session of the environment's role, whose credentials are renewed in time."""
    role = environment.assume_role
    assert role is not None  # noqa: S101
    extra = {"RoleSessionName": role.session_name or SESSION_NAME}
    if role.external_id is not None:
        extra["ExternalId"] = role.external_id

    def create(service: str, **keys: Any) -> Any:
        return source.create_client(
            service, region_name=environment.region, config=_config(source), **keys
        )

    with aws_errors(), _settings():
        credentials = source.get_credentials()
        if credentials is None:
            raise InputError(_NO_CREDENTIALS)
        fetcher = AssumeRoleCredentialFetcher(create, credentials, role.role_arn, extra_args=extra)
        session = botocore.session.Session()
        session._credentials = DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
        return session


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn what AWS, or the way to it, refuses into a sentence."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        said = error.response.get("Error", {}).get("Message", "")
        operation = error.operation_name
        told = _MEANINGS.get(code) or f"AWS refuses {operation}: {said or 'it does not tell why'}"
        raise InputError(f"{told} ({code})" if code else told) from error
    except NoCredentialsError as error:
        raise InputError(_NO_CREDENTIALS) from error
    except NoRegionError as error:
        raise InputError("a Region is needed, got none; write --region, or set AWS_REGION") from (
            error
        )
    except BotoCoreError as error:
        raise _cannot_ask(error) from error


@contextmanager
def _settings() -> Iterator[None]:
    """Turn what botocore cannot read in variables and profiles into a sentence."""
    try:
        yield
    except ValueError as error:
        raise _cannot_ask(error) from error


def _cannot_ask(error: Exception) -> InputError:
    said = " ".join(str(error).split()).rstrip(".")
    return InputError(f"AWS cannot be asked: {said}")


def code_of(error: ClientError) -> str:
    """Which error it is, such as `RepositoryNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))
