"""Pull-through cache: images of another registry, kept in one's own when they are first pulled."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cdktf_cdktf_provider_aws.ecr_pull_through_cache_rule import EcrPullThroughCacheRule
from cdktf_cdktf_provider_aws.secretsmanager_secret import SecretsmanagerSecret
from constructs import Construct

from ecr_constructs.checks import (
    Check,
    InvalidValueError,
    Problem,
    TextForm,
    is_token,
    refuse,
    shown,
    truth,
    within,
)
from ecr_constructs.principal import ROLE_ARN
from ecr_constructs.registry import IN_LOWERCASE, ROOT, Registry
from ecr_constructs.service_role import ServiceRole, role_problems_in
from ecr_constructs.upstream import (
    UPSTREAM,
    UPSTREAMS,
    ecr_registry,
    upstream_of,
    upstream_url_problems,
)

MAX_RULES = 50
# From AWS's page on caching another account's registry: what that registry has to allow, and what
# keeping the images takes besides.
UPSTREAM_ACTIONS = (
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetImageCopyStatus",
)
_KEEP_ACTIONS = (
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
_PAGE = "ECR user guide, pull through cache"
_API = "ECR API, `CreatePullThroughCacheRule`"


def _prefix_form(what: str) -> TextForm:
    return TextForm(
        what=what,
        source=f"{_API}; AWS provider 5.100.0, whose form has no '--' and no '__'",
        minimum=2,
        maximum=30,
        pattern=re.compile(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*|ROOT"),
        form="lowercase letters and digits with single '.', '_', '-' or '/' between them, or"
        " 'ROOT'",
        meant={
            r"[*/]|/\*": "write 'ROOT' for everything",
            r"([a-z0-9._/-]{2,30}?)(?:/|/?\*)": r"write '\1'",
            **IN_LOWERCASE,
        },
    )


PREFIX = _prefix_form("ecr_repository_prefix")
UPSTREAM_PREFIX = _prefix_form("upstream_repository_prefix")
CREDENTIAL_ARN = TextForm(
    what="credential_arn",
    source="ECR API, `CredentialArn`",
    minimum=50,
    maximum=612,
    pattern=re.compile(
        r"arn:aws(?:-\w+)*:secretsmanager:[a-zA-Z0-9-:]+:secret:"
        r"ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+",
        re.ASCII,
    ),
    form="the ARN of a secret whose name starts with 'ecr-pullthroughcache/'",
)
ONE_UPSTREAM = Check(
    "a pull-through cache rule takes exactly one of 'upstream_registry' and"
    " 'upstream_registry_url'",
    "this library: a name stands for a URL",
)
URL_NEEDED = Check(
    "upstream_registry azure and ecr go with the 'upstream_registry_url' of one",
    "this library: each customer has a host of his own",
)
UPSTREAM_PARTITION = Check(
    "the ECR registry that is cached must be of the AWS partition of the rule",
    f"{_PAGE}, ECR to ECR; unknown whether ECR reaches another one: refused",
)
CREDENTIAL_NEEDED = Check(
    "the upstream wants credentials",
    f"{_PAGE}, supported upstreams",
    "write 'create_credential: true' and put them into the secret, or 'credential_arn' with the ARN"
    " of one that there is",
)
CREDENTIAL_UNUSED = Check(
    "the upstream takes no credentials",
    f"{_PAGE}, supported upstreams; unknown whether ECR refuses them",
    "leave them out",
)
ONE_CREDENTIAL = Check(
    "a pull-through cache rule takes 'credential_arn' or 'create_credential'",
    "ECR API: a rule has one secret",
)
CREDENTIAL_ELSEWHERE = Check(
    "the secret must be in the account and Region of the rule", f"{_PAGE}, storing credentials"
)
ROLE_UNUSED = Check(
    "'custom_role_arn' goes with the ECR registry of another account only",
    f"{_PAGE}, ECR to ECR; unknown whether ECR refuses it elsewhere",
    "leave it out",
)
UPSTREAM_PREFIX_UNUSED = Check(
    "'upstream_repository_prefix' goes with another ECR registry only",
    f"{_PAGE}, ECR to ECR; unknown for other upstreams: refused",
    "leave it out",
)
UPSTREAM_PREFIX_ROOT = Check(
    "'upstream_repository_prefix' does not go with the ecr_repository_prefix ROOT", _API
)
ITSELF = Check("a registry cannot cache itself", f"{_PAGE}, ECR to ECR")
UNSUPPORTED = Check(
    "pull-through cache is not offered in AWS China and AWS GovCloud (US) Regions", _PAGE
)
COUNT = Check(f"a registry takes at most {MAX_RULES} pull-through cache rules", "ECR quotas")
IMAGE = TextForm(
    what="upstream image",
    source="OCI distribution specification, names, tags and digests",
    maximum=512,
    pattern=re.compile(
        r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?", re.ASCII
    ),
    form="a repository of the upstream with a tag or digest, such as 'library/nginx:1.27'",
)
IMAGE_OUTSIDE = Check(
    "an upstream image must start with the 'upstream_repository_prefix' of the rule, and a '/'",
    f"{_PAGE}, ECR to ECR: nothing else of the upstream is cached by it",
)


@dataclass(frozen=True, kw_only=True)
class PullThroughCacheSettings:
    """What a pull-through cache rule says, without the prefix: from where, and by whose right.

    :param upstream_registry: the upstream by its name: `docker-hub`, `ecr-public`, `quay`,
        `kubernetes`, `github`, `gitlab` or `chainguard`; `azure` and `ecr` together with the URL.
    :param upstream_registry_url: or by its host, such as `example.azurecr.io` or
        `222222222222.dkr.ecr.us-west-2.amazonaws.com`.
    :param credential_arn: the ARN of a Secrets Manager secret of the same account and Region with
        the keys `username` and `accessToken`, encrypted with AWS's own key; 50 to 612 characters,
        and the name starts with `ecr-pullthroughcache/`. Docker Hub, GitHub, GitLab, Azure and
        Chainguard want one.
    :param create_credential: define that secret instead, without a value: it is set out of band,
        so that it never is in the state.
    :param custom_role_arn: the role that ECR assumes to pull from the ECR registry of another
        account; `pullthroughcache.ecr.amazonaws.com` must be able to assume it. By default one is
        made. The other registry has to admit it: `allow_caching` is the statement.
    :param upstream_repository_prefix: the beginning of the upstream's repositories, for another
        ECR registry; all of them by default.
    :raises ValueError: for what ECR would refuse.
    """

    upstream_registry: str | None = None
    """The upstream by its name, such as docker-hub."""
    upstream_registry_url: str | None = None
    """The upstream by its host, for Azure, another ECR registry, or any other."""
    credential_arn: str | None = None
    """The ARN of the secret with the upstream's credentials."""
    create_credential: bool = False
    """Whether to define the secret, without a value; it is set out of band."""
    custom_role_arn: str | None = None
    """The role that pulls from the ECR registry of another account; by default one is made."""
    upstream_repository_prefix: str | None = None
    """The beginning of the upstream's repositories, for another ECR registry."""

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        yield from self._upstream_problems()
        for name, form in (
            ("credential_arn", CREDENTIAL_ARN),
            ("custom_role_arn", ROLE_ARN),
            ("upstream_repository_prefix", UPSTREAM_PREFIX),
        ):
            if getattr(self, name) is not None:
                yield from within((name,), form.problems(getattr(self, name), name))
        yield from within(
            ("create_credential",), truth("create_credential", self.create_credential)
        )
        if self.credential_arn is not None and self.create_credential is True:
            yield ONE_CREDENTIAL.problem("both")
        if not list(self._upstream_problems()):
            yield from self._pairing_problems()

    def _upstream_problems(self) -> Iterator[Problem]:
        name, url = self.upstream_registry, self.upstream_registry_url
        if name is not None:
            yield from within(("upstream_registry",), UPSTREAM.problems(name))
        if url is not None:
            yield from within(("upstream_registry_url",), upstream_url_problems(url))
        customers = isinstance(name, str) and name in UPSTREAMS and not UPSTREAMS[name].host
        if customers and (
            url is None or (not list(upstream_url_problems(url)) and upstream_of(url) != name)
        ):
            yield URL_NEEDED.problem(shown(url), ("upstream_registry_url",))
        elif not customers and (name is None) == (url is None):
            both = "'upstream_registry' and 'upstream_registry_url'"
            yield ONE_UPSTREAM.problem("none" if name is None else both)

    def _pairing_problems(self) -> Iterator[Problem]:
        # What is no truth is told of, and was most likely meant for one.
        has_credential = self.credential_arn is not None or self.create_credential is not False
        if self.wants_credential and not has_credential:
            yield CREDENTIAL_NEEDED.problem(f"none for {self.host}")
        if has_credential and not self.wants_credential:
            yield CREDENTIAL_UNUSED.problem(f"some for {self.host}")
        if self.upstream_repository_prefix is not None and self.upstream != "ecr":
            yield UPSTREAM_PREFIX_UNUSED.problem(self.host, ("upstream_repository_prefix",))
        if self.custom_role_arn is not None and self.upstream != "ecr":
            yield ROLE_UNUSED.problem(self.host, ("custom_role_arn",))

    @property
    def host(self) -> str:
        """The upstream's host, which the provider calls `upstream_registry_url`."""
        return self.upstream_registry_url or UPSTREAMS[str(self.upstream_registry)].host

    @property
    def upstream(self) -> str:
        """The upstream by its name."""
        return upstream_of(self.host)

    @property
    def wants_credential(self) -> bool:
        """Whether the upstream wants credentials."""
        return UPSTREAMS[self.upstream].wants_credential

    @property
    def upstream_namespace(self) -> str:
        """What the upstream's repositories start with that are cached: all of them by default."""
        prefix = self.upstream_repository_prefix
        return "" if prefix in (None, ROOT) else f"{prefix}/"

    @property
    def upstream_arn(self) -> str:
        """The ARN of the upstream's repositories, where it is a private ECR registry."""
        upstream = ecr_registry(self.host)
        return "" if upstream is None else upstream.repository_arn(f"{self.upstream_namespace}*")

    @property
    def example(self) -> str:
        """An image of the upstream, as it is called below the rule's own prefix."""
        if self.upstream_namespace:
            return f"<repository below {self.upstream_repository_prefix}>:<tag>"
        return UPSTREAMS[self.upstream].example

    def image_kept(self, upstream_image: str) -> str:
        """What an image of the upstream is called below the rule's own prefix."""
        refuse(IMAGE.problems(upstream_image))
        namespace = self.upstream_namespace
        if not upstream_image.startswith(namespace):
            refuse([IMAGE_OUTSIDE.problem(f"{shown(upstream_image)} for {shown(namespace)}")])
        official = self.upstream == "docker-hub" and "/" not in upstream_image
        return f"{'library/' if official else ''}{upstream_image.removeprefix(namespace)}"

    def wants_role(self, registry: Registry) -> bool:
        """Whether ECR pulls from the upstream only with a role: from that of another account."""
        upstream = ecr_registry(self.host)
        return upstream is not None and upstream.account_id != registry.account_id

    def problems_in(self, registry: Registry, ecr_repository_prefix: str) -> Iterator[Problem]:
        """Check what depends on the registry and on the prefix."""
        if not registry.makes_repositories:
            yield UNSUPPORTED.problem(f"Region {registry.region}")
        arn = self.credential_arn
        here = f"arn:{registry.partition}:secretsmanager:{registry.region}:{registry.account_id}:"
        if arn is not None and not is_token(arn) and not arn.startswith(here):
            yield CREDENTIAL_ELSEWHERE.problem(shown(arn), ("credential_arn",))
        role = self.custom_role_arn
        yield from within(("custom_role_arn",), role_problems_in(registry, role, "rule"))
        if self.upstream_repository_prefix is not None and ecr_repository_prefix == ROOT:
            yield UPSTREAM_PREFIX_ROOT.problem("both", ("upstream_repository_prefix",))
        upstream = ecr_registry(self.host)
        if upstream is None:
            return
        if upstream.partition != registry.partition:
            yield UPSTREAM_PARTITION.problem(
                f"{upstream.partition} for {registry.partition}", ("upstream_registry_url",)
            )
        if upstream == registry:
            yield ITSELF.problem(shown(self.host), ("upstream_registry_url",))
        if role is not None and not self.wants_role(registry):
            yield ROLE_UNUSED.problem(self.host, ("custom_role_arn",))


class PullThroughCacheRule(Construct):
    """A rule by which a registry keeps what is pulled through it from another registry.

    :param registry: the registry that keeps the images.
    :param ecr_repository_prefix: the beginning of the repositories that are made for them, 2 to 30
        characters; `ROOT` for none. Unique in the registry.

    The other arguments are those of `PullThroughCacheSettings`.

    :raises ValueError: for what ECR would refuse, and where the Region does not offer it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        registry: Registry,
        ecr_repository_prefix: str,
        upstream_registry: str | None = None,
        upstream_registry_url: str | None = None,
        credential_arn: str | None = None,
        create_credential: bool = False,
        custom_role_arn: str | None = None,
        upstream_repository_prefix: str | None = None,
    ) -> None:
        problems = list(PREFIX.problems(ecr_repository_prefix))
        try:
            settings = PullThroughCacheSettings(
                upstream_registry=upstream_registry,
                upstream_registry_url=upstream_registry_url,
                credential_arn=credential_arn,
                create_credential=create_credential,
                custom_role_arn=custom_role_arn,
                upstream_repository_prefix=upstream_repository_prefix,
            )
            problems += settings.problems_in(registry, ecr_repository_prefix)
        except InvalidValueError as error:
            problems += error.problems
        refuse(problems)
        super().__init__(scope, id_)
        self._settings = settings
        root = ecr_repository_prefix == ROOT
        self.uri = registry.registry_uri + ("" if root else f"/{ecr_repository_prefix}")
        """What goes before the name of an image of the upstream, and a `/`.

        The name is that below the `upstream_repository_prefix`, where there is one.
        """
        secret = None
        if create_credential:
            secret = SecretsmanagerSecret(
                self,
                "Credential",
                name=f"ecr-pullthroughcache/{ecr_repository_prefix}",
                description=f"username and accessToken for {settings.host}; set out of band",
            )
        self.credential_arn = secret.arn if secret is not None else credential_arn
        """The ARN of the secret with the upstream's credentials, if any."""
        self.custom_role_arn = custom_role_arn
        """The ARN of the role that pulls from the ECR registry of another account, if any."""
        if custom_role_arn is None and settings.wants_role(registry):
            self.custom_role_arn = self._role(settings, registry, ecr_repository_prefix)
        EcrPullThroughCacheRule(
            self,
            "Resource",
            ecr_repository_prefix=ecr_repository_prefix,
            upstream_registry_url=settings.host,
            credential_arn=self.credential_arn,
            custom_role_arn=self.custom_role_arn,
            upstream_repository_prefix=upstream_repository_prefix,
        )

    def _role(self, settings: PullThroughCacheSettings, registry: Registry, prefix: str) -> str:
        """Define the role that pulls from the upstream and keeps what it pulls."""
        here = registry.repository_arn("*" if prefix == ROOT else f"{prefix}/*")
        role = ServiceRole(
            self,
            "Role",
            registry=registry,
            service="pullthroughcache.ecr.amazonaws.com",
            name_prefix="ecr-pull-through-cache-",
            description=f"ECR pulls from {settings.host} for the prefix {prefix}",
            statements=[
                {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Action": [*UPSTREAM_ACTIONS, *_KEEP_ACTIONS],
                    "Resource": [settings.upstream_arn, here],
                },
            ],
        )
        return role.role_arn

    @property
    def example_uri(self) -> str:
        """What to pull for an image that the upstream has, as an example."""
        return f"{self.uri}/{self._settings.example}"

    def image_uri(self, upstream_image: str) -> str:
        """What to pull for an image of the upstream.

        :param upstream_image: as the upstream calls it, such as `nginx:1.27` or
            `grafana/grafana:12.0.0`. Docker Hub's official images are below `library/`, which is
            added where it is missing. With an `upstream_repository_prefix` it starts with that,
            which ECR adds itself: `base/api:1` is `<uri>/api:1` then.
        :raises ValueError: for what is no name of an image, or not below the prefix.
        """
        return f"{self.uri}/{self._settings.image_kept(upstream_image)}"
