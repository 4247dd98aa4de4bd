"""Environment stack: one environment as a Terraform stack."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from cdktf import Fn, LocalBackend, S3Backend, TerraformOutput, TerraformProvider, TerraformStack
from cdktf_cdktf_provider_aws.provider import (
    AwsProvider,
    AwsProviderAssumeRole,
    AwsProviderDefaultTags,
)
from constructs import Construct

from ecr_constructs import (
    AccountSetting,
    CiRole,
    OidcProvider,
    Principal,
    PublicRepository,
    PullThroughCacheRule,
    PullTimeUpdateExclusion,
    Registry,
    RegistryPolicy,
    RegistryScanningConfiguration,
    ReplicationConfiguration,
    Repository,
    RepositoryCreationTemplate,
    RepositoryKey,
    RepositoryKeySettings,
)
from ecr_constructs.access import policies_of
from ecr_constructs.ci_role import ci_role_arn
from ecr_constructs.creation_role import creation_role
from ecr_constructs.encryption import EncryptionType
from ecr_constructs.image_settings import GRANTS, ImageSettings
from ecr_constructs.policy_document import with_principals_named
from ecr_constructs.public_repository import REGION as PUBLIC_REGION
from ecr_constructs.repository_policy import Statement
from ecr_constructs.terraform_text import escaped, json_text
from stacks.environment import Environment
from stacks.grantees import Statements
from stacks.names import construct_id, local_state_path, seen_from_stack, stack_id, state_key
from stacks.provider_version import provider_constraint
from stacks.registries import (
    Neighbours,
    granted,
    printed,
    required_provider_versions,
    statements_of,
    templates_of,
)
from stacks.replicas import Templates

NOBODY = Neighbours()

T = TypeVar("T", bound=ImageSettings)
S = TypeVar("S", bound=Statement)


class EnvironmentStack(TerraformStack):
    """The repositories of an environment, and how they are deployed.

    Outputs: `repository_urls` and `repository_arns` by repository name, and `registry_uri`, the
    registry's address for `docker login`; and where there is something to tell:

    - `access_policies`: the IAM policies of the roles and users that grants and policies name, but
      for the app's roles of CI, which have theirs;
    - `ci_roles_needed`: the other stacks that make roles of CI which policies name;
    - `repository_key_arns`, `ci_role_arns`, `public_repository_uris`;
    - `pull_through_uris`, `pull_through_examples`, `pull_through_credentials`,
      `pull_through_roles`: of pull-through cache rules;
    - `registry_policy_statements_needed`: by accounts outside of the app;
    - `replicas_not_covered`: whose replicas differ from them.

    Ids are contract. A repository's is made from its name alone; what else is defined here has an
    id with a capital letter, which no repository name holds.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        name: str,
        environment: Environment,
        neighbours: Neighbours = NOBODY,
    ) -> None:
        super().__init__(scope, stack_id(name))
        self._name, self._environment = name, environment
        self._set_backend(name, environment)
        self._set_provider(neighbours)
        self._key_arns: dict[Registry, str] = {}
        statements = granted(environment, neighbours)
        self._ci_roles = self._define_ci_roles(environment, statements)
        repositories = {
            repository_name: Repository(
                self,
                construct_id(repository_name),
                repository_name=repository_name,
                **vars(self._here(settings, environment.home)),
            )
            for repository_name, settings in environment.repositories.items()
        }
        if environment.registry.replication is not None:
            ReplicationConfiguration(
                self,
                "Replication",
                registry=environment.home,
                rules=environment.registry.replication.rules,
            )
        scanning = environment.registry.scanning
        if scanning is not None:
            RegistryScanningConfiguration(
                self, "Scanning", scan_type=scanning.scan_type, rules=scanning.rules
            )
        self._define_policies(neighbours)
        self._define_templates(neighbours)
        self._define_cache(environment)
        for setting, value in environment.registry.account_settings.items():
            AccountSetting(self, f"AccountSetting:{setting}", name=setting, value=value)
        for arn in environment.registry.pull_time_update_exclusions:
            id_ = f"PullTimeUpdateExclusion:{construct_id(arn)}"
            PullTimeUpdateExclusion(self, id_, principal_arn=self._by_token(arn))
        self._define_public_repositories(environment)
        urls = {key: found.expression("repository_url") for key, found in repositories.items()}
        arns = {key: found.expression("arn") for key, found in repositories.items()}
        self._output("repository_urls", urls, "Repository name to its URL")
        self._output("repository_arns", arns, "Repository name to its ARN")
        self._output("registry_uri", environment.home.registry_uri, "Address for docker login")
        access = {
            arn: [json_text(document) for document in policies_of(own)]
            for arn, own in printed(statements, environment, neighbours).items()
        }
        if access:
            said = "Role or user to the IAM policies that it needs: the other side of the grants"
            self._output("access_policies", access, said)
        if neighbours.ci_roles:
            needed = {arn: stack_id(other) for arn, other in neighbours.ci_roles.items()}
            said = "Role of CI that policies name to the stack that makes it: deploy that first"
            self._output("ci_roles_needed", needed, said)
        if self._key_arns:
            keys = {registry.region: arn for registry, arn in self._key_arns.items()}
            self._output("repository_key_arns", keys, "Region to the key of its repositories")

    def _define_ci_roles(
        self, environment: Environment, statements: Mapping[str, Statements]
    ) -> dict[str, str]:
        """Define the roles of CI systems: the ARN of each, known and as a token."""
        providers = {
            issuer: OidcProvider(self, f"OidcProvider:{issuer}", issuer=issuer).provider_arn
            for issuer in environment.oidc_providers
        }
        roles = {
            role_name: CiRole(
                self,
                f"CiRole:{role_name}",
                registry=environment.home,
                role_name=role_name,
                trusted=role.trusted,
                provider_arns={
                    jobs.issuer: providers[jobs.issuer]
                    for jobs in role.trusted
                    if jobs.issuer in providers
                },
                max_session_duration=role.max_session_duration,
                permissions_boundary=role.permissions_boundary,
                statements=statements.get(ci_role_arn(environment.home, role_name), ()),
            )
            for role_name, role in environment.ci_roles.items()
        }
        if roles:
            arns = {role_name: role.role_arn for role_name, role in roles.items()}
            self._output("ci_role_arns", arns, "Name to what a workflow assumes")
        return {str(role.principal.role): role.role_arn for role in roles.values()}

    def _here(self, settings: T, registry: Registry) -> T:
        """The settings with what the stack makes itself: the environment's key, roles of CI."""
        changes: dict[str, Any] = {}
        wants_key = settings.encryption_type != EncryptionType.AES256 and settings.kms_key is None
        if wants_key:
            changes["kms_key"] = self._key_in(registry, self._environment.repository_key)
        if self._ci_roles:
            for name in GRANTS:
                changes[name] = self._by_role(getattr(settings, name))
            further = settings.repository_policy_statements
            changes["repository_policy_statements"] = self._with_roles(further)
            document = settings.policy_document
            if document is not None:
                changes["policy_document"] = with_principals_named(document, self._by_token)
        return replace(settings, **changes) if changes else settings

    def _by_role(self, principals: tuple[Principal, ...]) -> tuple[Principal, ...]:
        """Principals, with the stack's own roles by token: AWS refuses who does not exist yet."""
        return tuple(
            Principal(role=self._ci_roles[p.role_arn]) if p.role_arn in self._ci_roles else p
            for p in principals
        )

    def _with_roles(self, statements: Sequence[S]) -> tuple[S, ...]:
        """Statements of which the principals are so."""
        return tuple(replace(s, principals=self._by_role(s.principals)) for s in statements)

    def _by_token(self, name: str) -> str:
        """The name of a principal in a document, with the token of a role of the stack."""
        start, session, rest = name.partition(":assumed-role/")
        role_name, _, session_name = rest.partition("/")
        role = start.replace(":sts:", ":iam:") + f":role/{role_name}" if session else name
        token = self._ci_roles.get(role)
        if token is None:
            return name
        return f"{start}{session}{Fn.basename(token)}/{session_name}" if session else token

    def _key_in(self, registry: Registry, settings: RepositoryKeySettings) -> str:
        """The ARN of the environment's key in a Region."""
        if registry not in self._key_arns:
            key = RepositoryKey(
                self,
                self._id("RepositoryKey", registry),
                registry=registry,
                provider=self._provider_of(registry.region),
                **{
                    **vars(settings),
                    "alias": settings.alias or stack_id(self._name),
                    "administrators": self._by_role(settings.administrators),
                    "creators": self._by_role(settings.creators),
                },
            )
            self._key_arns[registry] = key.key_arn
        return self._key_arns[registry]

    def _define_policies(self, neighbours: Neighbours) -> None:
        for registry, statements in statements_of(self._environment, neighbours).items():
            if statements:
                RegistryPolicy(
                    self,
                    self._id("RegistryPolicy", registry),
                    registry=registry,
                    statements=self._with_roles(statements),
                    provider=self._provider_of(registry.region),
                )
        if neighbours.missing:
            needed = {
                f"{registry.account_id} {registry.region}": json_text(part)
                for registry, statement in neighbours.missing.items()
                for part in statement.render(registry)
            }
            said = "Statements that the registry policies of these accounts must have"
            self._output("registry_policy_statements_needed", needed, said)

    def _define_templates(self, neighbours: Neighbours) -> None:
        found = templates_of(self._name, self._environment, neighbours)
        for registry, templates in found.items():
            self._define_templates_in(registry, templates)
        uncovered = {
            f"{registry.account_id} {registry.region}": {
                repository_name: ", ".join(settings)
                for repository_name, settings in owed.uncovered.items()
            }
            for registry, owed in neighbours.owed.items()
            if owed.uncovered
        }
        if uncovered:
            said = "Repositories whose replicas differ from them, and in what"
            self._output("replicas_not_covered", uncovered, said)

    def _define_templates_in(self, registry: Registry, found: Templates) -> None:
        templates = {prefix: self._here(template, registry) for prefix, template in found.items()}
        role = creation_role(self, self._id("CreationRole", registry), registry, templates)
        for prefix, template in sorted(templates.items()):
            RepositoryCreationTemplate(
                self,
                f"{self._id('CreationTemplate', registry)}:{construct_id(prefix)}",
                registry=registry,
                prefix=prefix,
                role=role,
                provider=self._provider_of(registry.region),
                **vars(template),
            )

    def _id(self, kind: str, registry: Registry) -> str:
        """The id of something in a registry of the stack's account."""
        return kind if registry == self._environment.home else f"{kind}:{registry.region}"

    def _define_public_repositories(self, environment: Environment) -> None:
        repositories = {
            repository_name: PublicRepository(
                self,
                f"Public:{construct_id(repository_name)}",
                repository_name=repository_name,
                provider=self._provider_of(PUBLIC_REGION),
                **{
                    **vars(settings),
                    "push": self._by_role(settings.push),
                    "repository_policy_statements": self._with_roles(
                        settings.repository_policy_statements
                    ),
                },
            )
            for repository_name, settings in environment.registry.public_repositories.items()
        }
        if repositories:
            uris = {key: found.repository_uri for key, found in repositories.items()}
            self._output("public_repository_uris", uris, "What everybody pulls")

    def _define_cache(self, environment: Environment) -> None:
        rules = {
            prefix: PullThroughCacheRule(
                self,
                f"PullThroughCache:{prefix}".replace("/", "--"),
                registry=environment.home,
                ecr_repository_prefix=prefix,
                **vars(settings),
            )
            for prefix, settings in environment.registry.pull_through_cache_rules.items()
        }
        if rules:
            uris = {prefix: rule.uri for prefix, rule in rules.items()}
            said = "Prefix to what goes before the upstream's image"
            self._output("pull_through_uris", uris, said)
            examples = {p: f"docker pull {rule.example_uri}" for p, rule in rules.items()}
            self._output("pull_through_examples", examples, "Prefix to how an image is pulled")
        secrets = {
            prefix: rules[prefix].credential_arn
            for prefix, settings in environment.registry.pull_through_cache_rules.items()
            if settings.create_credential
        }
        if secrets:
            said = "Secrets to give a value: username and accessToken"
            self._output("pull_through_credentials", secrets, said)
        roles = {p: rule.custom_role_arn for p, rule in rules.items() if rule.custom_role_arn}
        if roles:
            said = "Roles that the upstream registries of other accounts have to admit"
            self._output("pull_through_roles", roles, said)

    def _set_backend(self, name: str, environment: Environment) -> None:
        s3, local = environment.backend.s3, environment.backend.local
        if s3 is None:
            written = None if local is None else local.path
            path = seen_from_stack(local_state_path(name, written))
            LocalBackend(self, path=escaped(path))
            return
        S3Backend(
            self,
            bucket=s3.bucket,
            key=escaped(s3.key or state_key(name)),
            region=s3.region,
            encrypt=True,
            skip_region_validation=True,
            kms_key_id=s3.kms_key_id,
        )
        self.add_override("terraform.backend.s3.use_lockfile", True)
        if s3.assume_role is not None:
            role = s3.assume_role.model_dump(exclude_none=True)
            self.add_override("terraform.backend.s3.assume_role", role)

    def _set_provider(self, neighbours: Neighbours) -> None:
        environment = self._environment
        self._providers: dict[str, TerraformProvider | None] = {environment.region: None}
        self._define_provider("AWS", environment.region)
        narrowed = environment.required_providers
        constraint = provider_constraint(
            required_provider_versions(environment, neighbours), narrowed.aws if narrowed else None
        )
        self.add_override("terraform.required_providers.aws.version", constraint)

    def _provider_of(self, region: str) -> TerraformProvider | None:
        """The provider of a Region of the stack's account; nothing for the stack's own."""
        if region not in self._providers:
            self._providers[region] = self._define_provider(f"AWS:{region}", region, alias=region)
        return self._providers[region]

    def _define_provider(self, id_: str, region: str, alias: str | None = None) -> AwsProvider:
        role = self._environment.assume_role
        tags = self._environment.all_tags(self._name, {})
        return AwsProvider(
            self,
            id_,
            alias=alias,
            region=region,
            # The environment's Region is checked already; an older provider does not know each.
            skip_region_validation=True,
            allowed_account_ids=[self._environment.account],
            assume_role=(
                [
                    AwsProviderAssumeRole(
                        role_arn=role.role_arn,
                        session_name=role.session_name,
                        external_id=role.external_id,
                    )
                ]
                if role
                else None
            ),
            default_tags=[
                AwsProviderDefaultTags(
                    tags={escaped(key): escaped(tag) for key, tag in tags.items()}
                )
            ],
        )

    def _output(self, name: str, value: object, description: str) -> None:
        output = TerraformOutput(self, f"Output:{name}", value=value, description=description)
        output.override_logical_id(name)
