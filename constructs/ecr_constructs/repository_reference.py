"""Repository reference: a repository that is defined elsewhere."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from cdktf import DefaultTokenResolver, Fn, StringConcat, Tokenization
from cdktf_cdktf_provider_aws.data_aws_ecr_repository import DataAwsEcrRepository
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_user_policy import IamUserPolicy
from constructs import Construct

from ecr_constructs.access import allowing
from ecr_constructs.action import (
    NO_ACTION,
    PULL_ACTIONS,
    PUSH_ACTIONS,
    READ_ACTIONS,
    action_problems,
    allowance_problems,
)
from ecr_constructs.checks import (
    Check,
    InvalidValueError,
    Problem,
    TextForm,
    is_token,
    refuse,
    sequence,
    shown,
    within,
)
from ecr_constructs.ci_role import CiRole, Grantee, refuse_nobody
from ecr_constructs.image import IMAGE_DIGEST
from ecr_constructs.policy_json import policy_of
from ecr_constructs.principal import Principal
from ecr_constructs.registry import REPOSITORY_NAME, Registry
from ecr_constructs.terraform_text import json_text

IMAGE_TAG = TextForm(
    what="image tag",
    source="OCI distribution specification; the ECR API alone takes 300 characters",
    maximum=128,
    pattern=re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*"),
    form="letters, digits, '_', '.' and '-', and must not start with '.' or '-'",
)
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):ecr:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})"
    r":repository/(?P<name>.+)",
    re.DOTALL,
)
REPOSITORY_ARN = Check(
    "repository ARN must be arn:<partition>:ecr:<region>:<account>:repository/<name>",
    "ECR user guide, how ECR works with IAM",
)
ARN_PARTITION = Check(
    "a repository ARN must be of the AWS partition of its Region", "botocore's endpoint data"
)
GRANT = Check(
    "a repository that is defined elsewhere can be granted to roles and users",
    "this library: nobody else has a policy of its own",
)
GRANT_SID = TextForm(
    what="sid",
    source="IAM user guide, policy elements: Sid",
    maximum=30,
    pattern=re.compile(r"[A-Za-z0-9]+"),
    form="letters and digits",
)
ACCOUNTS = Check(
    "a repository that is defined elsewhere can be granted to the roles and users of one account",
    "this library: their policies are defined in the account of the stack",
    "grant it to those of each account in a stack of that account",
)


class _Source(Protocol):
    """What Terraform knows of a repository; the resource and the data source spell it alike."""

    @property
    def arn(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def registry_id(self) -> str: ...
    @property
    def repository_url(self) -> str: ...


class RepositoryBase(Construct):
    """A private ECR repository, ours or another's: where it is and how its images are addressed."""

    _source: _Source
    _registry: Registry | None
    _known_name: str

    @property
    def repository_arn(self) -> str:
        """`arn:aws:ecr:<region>:<account>:repository/<name>`."""
        return self._source.arn

    @property
    def repository_name(self) -> str:
        """The name with its namespaces, such as `payments/api`. Using it makes a dependency."""
        return self._source.name

    def _check_roles(self, grantees: Sequence[Grantee], *several: Sequence[str]) -> None:
        """Refuse what `_give` would, before anybody is given anything."""
        for role in _roles_of(grantees):
            refuse(role.policy_problems(*self._other_side(several), arns=self._arns_for(role)))

    def _give(self, grantees: Sequence[Grantee], *several: Sequence[str]) -> None:
        """Give roles of CI the other side of grants of actions, in the policy of each."""
        for role in _roles_of(grantees):
            role.add_to_policy(*self._other_side(several), arns=self._arns_for(role))

    def _other_side(self, several: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
        return [one for actions in several for one in allowing(actions, [self._one_arn])]

    def _arns_for(self, role: CiRole) -> dict[str, str]:
        # Both are what the stack's provider makes, so the repository is where the role is.
        registry = self._registry or role.registry
        return {self._one_arn: registry.repository_arn(self._known_name)}

    @cached_property
    def _one_arn(self) -> str:
        # Each time that it is asked for, CDKTF makes another token of the same.
        return self.repository_arn

    @property
    def registry_id(self) -> str:
        """The id of the account that the repository is in."""
        return self._source.registry_id

    @property
    def repository_uri(self) -> str:
        """`<account>.dkr.ecr.<region>.amazonaws.com/<name>`."""
        return self._source.repository_url

    @property
    def registry_uri(self) -> str:
        """`<account>.dkr.ecr.<region>.amazonaws.com`, which `docker login` takes."""
        uri = self.repository_uri
        if is_token(uri):
            return str(Fn.element(Fn.split("/", uri), 0))
        return uri.split("/", 1)[0]

    def repository_uri_for_tag(self, tag: str) -> str:
        """The URI of an image by its tag, such as `v1.2.3-abc123`.

        :param tag: up to 128 letters, digits, `_`, `.` and `-`, not starting with the last two.
        :raises ValueError: for another form.
        """
        refuse(IMAGE_TAG.problems(tag))
        return f"{self.repository_uri}:{tag}"

    def repository_uri_for_digest(self, digest: str) -> str:
        """The URI of an image by its digest, which never means another image.

        :param digest: `sha256:` and 64 hexadecimal digits.
        :raises ValueError: for another form.
        """
        refuse(IMAGE_DIGEST.problems(digest))
        return f"{self.repository_uri}@{digest}"


@dataclass(frozen=True, kw_only=True)
class _KnownRepository:
    """A repository whose attributes are known without asking anybody."""

    arn: str
    name: str
    registry_id: str
    repository_url: str


class RepositoryReference(RepositoryBase):
    """A private ECR repository that is defined elsewhere. See `Repository.from_repository_name`.

    Its policy belongs to whoever defines it: writing one from here would replace it whole. So a
    grant is a policy of the role or user that is admitted. For one in the repository's account
    that is enough; for one in another account the repository's policy has to admit it as well.

    The policy is put on the role or user of that name in the account that the stack deploys to:
    grant to those of that account only. A `CiRole` has it in its own policy.
    """

    def __init__(
        self, scope: Construct, id_: str, name: str, registry: Registry | None = None
    ) -> None:
        super().__init__(scope, id_)
        self._known_name = name
        self._registry = registry
        self._granted: dict[str, dict[str, None]] = {}
        self._sids: dict[str, dict[str, None]] = {}
        self._policies: dict[str, IamRolePolicy | IamUserPolicy] = {}

    def grant_pull(self, *principals: Grantee) -> None:
        """Let roles and users pull images, by an inline policy of each, whatever it is granted.

        :raises ValueError: for an account, which has no policy of its own; for roles and users of
            several accounts; and for another AWS partition than that of a repository's ARN.
        """
        self._grant(principals, {"Pull": PULL_ACTIONS})

    def grant_push(self, *principals: Grantee) -> None:
        """Let roles and users push images; otherwise as `grant_pull`."""
        self._grant(principals, {"Push": PUSH_ACTIONS})

    def grant_pull_push(self, *principals: Grantee) -> None:
        """Let roles and users pull and push images; otherwise as `grant_pull`."""
        self._grant(principals, {"Pull": PULL_ACTIONS, "Push": PUSH_ACTIONS})

    def grant_read(self, *principals: Grantee) -> None:
        """Let roles and users see what is known of the images; otherwise as `grant_pull`."""
        self._grant(principals, {"Read": READ_ACTIONS})

    def grant(self, *principals: Grantee, actions: Sequence[str], sid: str = "Grant") -> None:
        """Let roles and users do what the actions say; otherwise as `grant_pull`.

        :param sid: a name of letters and digits, for people.
        :raises ValueError: for no action, one that no repository has, and one that stands for all.
        """
        problems = list(within(("sid",), GRANT_SID.problems(sid)))
        if not actions:
            problems.append(NO_ACTION.problem("none", ("actions",)))
        for index, action in enumerate(actions):
            problems += within(("actions", index), action_problems(action))
        refuse(problems)
        self._grant(principals, {sid: actions})

    def _grant(self, grantees: Sequence[Grantee], granted: Mapping[str, Sequence[str]]) -> None:
        """Give everybody all of it, or nobody anything.

        :param granted: sid -> actions.
        """
        refuse_nobody(grantees)
        principals = [one for one in grantees if not isinstance(one, CiRole)]
        refuse(sequence("principals", principals, Principal))
        for principal in principals:
            if principal.arn is None:
                refuse([GRANT.problem(f"{principal.kind} {shown(principal.identifier)}")])
            refuse(principal.problems_in(self._registry) if self._registry else ())
        found = {self._key(principal.identifier): principal for principal in principals}
        refuse(self._grant_problems(found, granted))
        self._check_roles(grantees, *granted.values())
        for key, principal in found.items():
            self._define(key, principal, granted)
        self._give(grantees, *granted.values())

    def _key(self, identifier: str) -> str:
        if not is_token(identifier):
            return identifier
        # Each time that an attribute is read, CDKTF makes another token of it.
        resolver = DefaultTokenResolver(StringConcat())
        return str(Tokenization.resolve(identifier, preparing=False, resolver=resolver, scope=self))

    def _define(
        self, identifier: str, principal: Principal, granted: Mapping[str, Sequence[str]]
    ) -> None:
        """Define the policy of a principal, or write what it is granted besides into it."""
        sids = self._sids.setdefault(identifier, {})
        actions = self._granted.setdefault(identifier, {})
        for sid, some in granted.items():
            sids[sid] = None
            actions |= dict.fromkeys(some)
        own, *login = allowing(list(actions), [self._one_arn])
        policy = json_text(policy_of([{"Sid": "".join(sids), **own}, *login]))
        if identifier in self._policies:
            self._policies[identifier].policy = policy
            return
        # An id cannot hold a token: a principal that is known at deploy time only is counted.
        id_ = identifier.replace("/", ":")
        if is_token(identifier):
            id_ = f"Grant:{len(self.node.children)}"
        if principal.role_arn is not None:
            role = _last_part(principal.role_arn)
            self._policies[identifier] = IamRolePolicy(
                self, id_, role=role, name_prefix="ecr-", policy=policy
            )
        elif principal.user is not None:
            user = _last_part(principal.user)
            self._policies[identifier] = IamUserPolicy(
                self, id_, user=user, name_prefix="ecr-", policy=policy
            )

    def _grant_problems(
        self, identifiers: Collection[str], granted: Mapping[str, Sequence[str]]
    ) -> Iterator[Problem]:
        """Check grants together with those that are there already."""
        known = {one for one in (*self._granted, *identifiers) if not is_token(one)}
        accounts = sorted({one.split(":")[4] for one in known})
        if len(accounts) > 1:
            yield ACCOUNTS.problem(", ".join(accounts))
        for identifier in identifiers:
            before = self._granted.get(identifier, {})
            together = [*(one for some in granted.values() for one in some), *before]
            yield from within(("actions",), allowance_problems(together))


def repository_from_name(scope: Construct, id_: str, repository_name: str) -> RepositoryReference:
    """See `Repository.from_repository_name`."""
    refuse(REPOSITORY_NAME.problems(repository_name))
    reference = RepositoryReference(scope, id_, repository_name)
    reference._source = DataAwsEcrRepository(reference, "Resource", name=repository_name)
    return reference


def repository_from_arn(scope: Construct, id_: str, repository_arn: str) -> RepositoryReference:
    """See `Repository.from_repository_arn`."""
    parts = _ARN.fullmatch(repository_arn) if isinstance(repository_arn, str) else None
    if parts is None:
        raise InvalidValueError([REPOSITORY_ARN.problem(shown(repository_arn))])
    refuse(REPOSITORY_NAME.problems(parts["name"]))
    registry = Registry(account_id=parts["account"], region=parts["region"])
    if parts["partition"] != registry.partition:
        got = f"{shown(repository_arn)} for {registry.partition}"
        refuse([ARN_PARTITION.problem(got)])
    reference = RepositoryReference(scope, id_, parts["name"], registry)
    reference._source = _KnownRepository(
        arn=repository_arn,
        name=parts["name"],
        registry_id=parts["account"],
        repository_url=f"{registry.registry_uri}/{parts['name']}",
    )
    return reference


def _roles_of(grantees: Iterable[Grantee]) -> Iterator[CiRole]:
    return (one for one in grantees if isinstance(one, CiRole))


def _last_part(arn: str) -> str:
    """The name at the end of an ARN; of one that is known at deploy time only, an expression."""
    last = arn.rsplit("/", 1)[-1]
    if "}" not in last:
        return last
    # CDKTF would escape an expression that is not its own.
    return str(Fn.basename(arn)) if "TfToken[" in arn else f'${{basename("{arn}")}}'
