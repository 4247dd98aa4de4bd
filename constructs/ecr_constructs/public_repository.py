"""Public repository: images that everybody can pull, in ECR Public."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar

from cdktf import TerraformProvider, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.ecrpublic_repository import (
    EcrpublicRepository,
    EcrpublicRepositoryCatalogData,
)
from cdktf_cdktf_provider_aws.ecrpublic_repository_policy import EcrpublicRepositoryPolicy
from constructs import Construct

from ecr_constructs.action import PUBLIC, PUBLIC_PUSH_ACTIONS, PUBLIC_READ_ACTIONS, matching
from ecr_constructs.checks import (
    Check,
    InvalidValueError,
    Problem,
    TextForm,
    refuse,
    sequence,
    shown,
    truth,
    tuple_of,
    unique,
    within,
    wrong_type,
)
from ecr_constructs.policy_risk import policy_risks
from ecr_constructs.principal import Principal
from ecr_constructs.registry import IN_LOWERCASE, Registry
from ecr_constructs.repository_policy import (
    Effect,
    PolicyStatement,
    repository_policy_document,
    repository_policy_problems,
    repository_policy_text,
)
from ecr_constructs.tags import tag_problems
from ecr_constructs.terraform_text import escaped

REGION = "us-east-1"
# An account that nobody knows: no account is another one.
_ANYWHERE = Registry(account_id="${data.aws_caller_identity.current.account_id}", region=REGION)
MAX_BADGES = 50
MAX_LOGO_BYTES = 512_000
_API = "ECR Public API, `CreateRepository`"
_TEXT = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]*")
_STRICT = "unknown whether control characters pass: refused"

REPOSITORY_NAME = TextForm(
    what="name of a public repository",
    source="ECR Public API, `RepositoryName`",
    minimum=2,
    maximum=205,
    pattern=re.compile(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*"),
    form="lowercase letters and digits, with single '.', '_', '-' or '/' between them",
    meant=IN_LOWERCASE,
)


def _text(what: str, maximum: int, source: str) -> TextForm:
    return TextForm(
        what=what,
        source=f"{source}; {_STRICT}",
        minimum=0,
        maximum=maximum,
        pattern=_TEXT,
        form="text without control characters other than tabs and line breaks",
    )


_PROVIDER = "AWS provider 5.100.0 and CloudFormation, at most 10,240 where the API takes 25,600"
TEXTS = {
    "description": _text("description", 1024, "ECR Public API, `RepositoryDescription`"),
    "about_text": _text("about_text", 10_240, _PROVIDER),
    "usage_text": _text("usage_text", 10_240, _PROVIDER),
}
BADGE = TextForm(
    what="architecture or operating system",
    source=f"ECR Public API, `Architecture` and `OperatingSystem`; {_STRICT}",
    maximum=50,
)
BADGE_COUNT = Check(
    "{what} must be at most " + str(MAX_BADGES),
    "ECR Public API, `ArchitectureList` and `OperatingSystemList`",
)
DUPLICATE_BADGE = Check("{what} must not repeat a value", "AWS provider: they are a set")
LOGO = Check(
    f"logo_image_blob must be an image in base64, at most {MAX_LOGO_BYTES:,} bytes",
    "ECR Public API, `LogoImageBlob`",
)
NO_DENY = Check(
    "nobody can be denied to see or pull a public repository",
    "ECR Public user guide, repository policies; unknown which actions that is: every one that"
    " reads is refused",
    "deny what changes it only",
)
PARTITION = Check(
    "ECR Public is in the AWS partition aws only", "botocore's endpoint data for ECR Public"
)


@dataclass(frozen=True, kw_only=True)
class PublicPolicyStatement(PolicyStatement):
    """A statement of the policy of a public repository; otherwise as `PolicyStatement`.

    :param actions: actions of ECR Public on a repository, such as `ecr-public:BatchDeleteImage`.
    :raises ValueError: as `PolicyStatement`, and for a denial of what reads.
    """

    known_actions: ClassVar[tuple[str, ...]] = PUBLIC.every

    def _problems(self) -> Iterator[Problem]:
        yield from super()._problems()
        if self.effect != Effect.DENY or not isinstance(self.actions, list | tuple):
            return
        for index, action in enumerate(self.actions):
            if isinstance(action, str) and matching(action, PUBLIC_READ_ACTIONS):
                yield NO_DENY.problem(shown(action), ("actions", index))


@dataclass(frozen=True, kw_only=True)
class PublicRepositorySettings:
    """What a public repository is like: the arguments of `PublicRepository`, without its name.

    The meaning, limits and defaults of each are told there.
    """

    description: str | None = None
    """One line for search results; at most 1,024 characters."""
    about_text: str | None = None
    """What the image is, in Markdown; at most 10,240 characters."""
    usage_text: str | None = None
    """How to use it, in Markdown; at most 10,240 characters."""
    architectures: tuple[str, ...] = ()
    """Badges: 'ARM', 'ARM 64', 'x86', 'x86-64'. Others are stored and not shown."""
    operating_systems: tuple[str, ...] = ()
    """Badges: 'Linux', 'Windows'. Others are stored and not shown."""
    logo_image_blob: str | None = None
    """A logo in base64, at most 512,000 bytes; shown for verified accounts."""
    force_destroy: bool = False
    """Whether a destroy deletes a repository that still holds images."""
    prevent_destroy: bool = False
    """Whether Terraform refuses a plan that would destroy the repository."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Tags of the repository, at most 50."""
    push: tuple[Principal, ...] = ()
    """Who may push images; everybody may pull them."""
    repository_policy_statements: tuple[PublicPolicyStatement, ...] = ()
    """Further statements of the repository's policy."""

    def __post_init__(self) -> None:
        refuse(self._problems())
        for name in ("architectures", "operating_systems", "push", "repository_policy_statements"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "tags", MappingProxyType(dict(self.tags)))

    def _problems(self) -> Iterator[Problem]:
        for name, form in TEXTS.items():
            if getattr(self, name) is not None:
                yield from within((name,), form.problems(getattr(self, name)))
        for name in ("architectures", "operating_systems"):
            yield from within((name,), _badge_problems(name, getattr(self, name)))
        if self.logo_image_blob is not None:
            yield from within(("logo_image_blob",), _logo_problems(self.logo_image_blob))
        for name in ("force_destroy", "prevent_destroy"):
            yield from within((name,), truth(name, getattr(self, name)))
        yield from within(("tags",), tag_problems(self.tags))
        wrong = list(within(("push",), sequence("push", self.push, Principal)))
        name, further = "repository_policy_statements", self.repository_policy_statements
        wrong += within((name,), sequence(name, further, PublicPolicyStatement))
        yield from wrong
        if not wrong:
            yield from within((name,), repository_policy_problems(self.policy_statements))

    @property
    def policy_statements(self) -> tuple[PublicPolicyStatement, ...]:
        """The statements of the repository's policy: the grant, then the further ones."""
        further = tuple(self.repository_policy_statements)
        return (_pushing(self.push), *further) if self.push else further

    def problems_in(self, registry: Registry, deployer: str | None = None) -> Iterator[Problem]:
        """Check what depends on where the account is, and on the role that deploys."""
        if registry.partition != "aws":
            yield PARTITION.problem(f"Region {registry.region}")
        for index, principal in enumerate(self.push):
            yield from within(("push", index), principal.problems_in(registry))
        for index, statement in enumerate(self.repository_policy_statements):
            path = ("repository_policy_statements", index)
            yield from within(path, statement.problems_in(registry))
        yield from self._risks(replace(registry, region=REGION), deployer)

    def _risks(self, registry: Registry, deployer: str | None) -> Iterator[Problem]:
        """What the policy lets happen that nobody can have meant, each where it is written."""
        written = [(("push", index), _pushing([one])) for index, one in enumerate(self.push)]
        name, further = "repository_policy_statements", self.repository_policy_statements
        written += (((name, index), statement) for index, statement in enumerate(further))
        paths = [path for path, statement in written for _ in statement.render()]
        whole = repository_policy_document([statement for _, statement in written])
        found = policy_risks(whole, registry=registry, deployer=deployer, actions=PUBLIC)
        yield from (p._replace(path=paths[int(p.path[1])]) for p in found)


def _pushing(principals: Sequence[Principal]) -> PublicPolicyStatement:
    """The statement that lets principals push."""
    several = tuple(dict.fromkeys(principals))
    return PublicPolicyStatement(sid="Push", principals=several, actions=PUBLIC_PUSH_ACTIONS)


def _badge_problems(what: str, badges: object) -> Iterator[Problem]:
    if not isinstance(badges, list | tuple):
        yield wrong_type(what, "a list", badges)
        return
    if len(badges) > MAX_BADGES:
        yield BADGE_COUNT.problem(str(len(badges)), what=what)
    yield from unique(DUPLICATE_BADGE, badges, what)
    for index, badge in enumerate(badges):
        yield from within((index,), BADGE.problems(badge, f"an item of {what}"))


def _logo_problems(logo: object) -> Iterator[Problem]:
    if not isinstance(logo, str):
        yield wrong_type("logo_image_blob", "text", logo)
        return
    try:
        size = len(base64.b64decode(logo.encode(), validate=True))
    except (binascii.Error, UnicodeError):
        yield LOGO.problem(shown(logo))
        return
    if size > MAX_LOGO_BYTES:
        yield LOGO.problem(f"{size:,} bytes")


class PublicRepository(Construct):
    """A repository of ECR Public: everybody can pull what is in it.

    It has no lifecycle policy, no scanning, no key and no mutability: ECR Public knows none.

    :param repository_name: 2 to 205 characters of lowercase letters and digits, with single `.`,
        `_`, `-` or `/` between them.
    :param description: one line for search results; at most 1,024 characters.
    :param about_text: what the image is, in Markdown; at most 10,240 characters.
    :param usage_text: how to use it, in Markdown; at most 10,240 characters.
    :param architectures: at most 50 badges of 1 to 50 characters. `ARM`, `ARM 64`, `x86` and
        `x86-64` are shown.
    :param operating_systems: likewise; `Linux` and `Windows` are shown.
    :param logo_image_blob: a logo in base64, at most 512,000 bytes; shown for verified accounts.
    :param force_destroy: whether a destroy deletes a repository with its images; off by default.
    :param prevent_destroy: whether Terraform refuses a plan that would destroy the repository; off
        by default.
    :param tags: at most 50; keys of 1 to 128 and values of up to 256 characters.
    :param push: who may push images.
    :param repository_policy_statements: further statements of the repository's policy.
    :param registry: a registry of the account, to know other accounts and one's own; without it,
        neither that another one as a whole pushes or changes anything nor that its own is shut
        out is told.
    :param provider: a provider of us-east-1, the only Region that the AWS provider can use ECR
        Public in; by default the stack's own, which then has to be of that Region.
    :raises ValueError: for anything that ECR Public would refuse, and for a policy that lets happen
        what nobody can have meant, all of it in one text.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        repository_name: str,
        description: str | None = None,
        about_text: str | None = None,
        usage_text: str | None = None,
        architectures: Sequence[str] = (),
        operating_systems: Sequence[str] = (),
        logo_image_blob: str | None = None,
        force_destroy: bool = False,
        prevent_destroy: bool = False,
        tags: Mapping[str, str] | None = None,
        push: Sequence[Principal] = (),
        repository_policy_statements: Sequence[PublicPolicyStatement] = (),
        registry: Registry | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        problems = list(REPOSITORY_NAME.problems(repository_name))
        try:
            settings = PublicRepositorySettings(
                description=description,
                about_text=about_text,
                usage_text=usage_text,
                architectures=tuple_of(architectures),
                operating_systems=tuple_of(operating_systems),
                logo_image_blob=logo_image_blob,
                force_destroy=force_destroy,
                prevent_destroy=prevent_destroy,
                tags={} if tags is None else tags,
                push=tuple_of(push),
                repository_policy_statements=tuple_of(repository_policy_statements),
            )
            problems += settings.problems_in(registry or _ANYWHERE)
        except InvalidValueError as error:
            problems += error.problems
        refuse(problems)
        super().__init__(scope, id_)
        resource = EcrpublicRepository(
            self,
            "Resource",
            repository_name=repository_name,
            catalog_data=_catalog_data(settings),
            force_destroy=settings.force_destroy or None,
            tags={escaped(k): escaped(v) for k, v in settings.tags.items()} or None,
            lifecycle=(
                TerraformResourceLifecycle(prevent_destroy=True)
                if settings.prevent_destroy
                else None
            ),
            provider=provider,
        )
        self.repository_uri: str = resource.repository_uri
        """What to pull: `public.ecr.aws/<alias>/<name>`, a token."""
        self.repository_arn: str = resource.arn
        """The ARN, a token."""
        if settings.policy_statements:
            EcrpublicRepositoryPolicy(
                self,
                "RepositoryPolicy",
                repository_name=resource.repository_name,
                policy=repository_policy_text(settings.policy_statements),
                provider=provider,
            )


def _catalog_data(settings: PublicRepositorySettings) -> EcrpublicRepositoryCatalogData | None:
    """What the public gallery shows; nothing where the settings say nothing."""
    texts = {
        name: escaped(getattr(settings, name)) if getattr(settings, name) else None
        for name in (*TEXTS, "logo_image_blob")
    }
    badges = {
        name: [escaped(badge) for badge in getattr(settings, name)] or None
        for name in ("architectures", "operating_systems")
    }
    if not any((*texts.values(), *badges.values())):
        return None
    return EcrpublicRepositoryCatalogData(
        description=texts["description"],
        about_text=texts["about_text"],
        usage_text=texts["usage_text"],
        logo_image_blob=texts["logo_image_blob"],
        architectures=badges["architectures"],
        operating_systems=badges["operating_systems"],
    )
