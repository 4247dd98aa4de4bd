"""Environment stack: one environment as a Terraform stack."""

from cdktf import LocalBackend, S3Backend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import (
    AwsProvider,
    AwsProviderAssumeRole,
    AwsProviderDefaultTags,
)
from constructs import Construct

from ecr_constructs import (
    PullThroughCacheRule,
    RegistryPolicy,
    RegistryScanningConfiguration,
    ReplicationConfiguration,
    Repository,
)
from ecr_constructs.terraform_text import escaped, json_text
from stacks.environment import ENVIRONMENT_TAG, MANAGED_BY_TAG, Environment
from stacks.names import construct_id, local_state_path, stack_id, state_key
from stacks.provider_version import provider_constraint
from stacks.registries import Neighbours

NOBODY = Neighbours()


class EnvironmentStack(TerraformStack):
    """The repositories of an environment, and how they are deployed.

    Outputs: `repository_urls` and `repository_arns` by repository name, and `registry_uri`, the
    registry's address for `docker login`; where there are pull-through cache rules,
    `pull_through_uris` and `pull_through_credentials`; where something is replicated to an account
    outside of the app, `registry_policy_statements_needed`.

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
        self._set_backend(name, environment)
        self._set_provider(name, environment)
        repositories = {
            repository_name: Repository(
                self,
                construct_id(repository_name),
                repository_name=repository_name,
                **vars(settings),
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
        self._define_policy(environment, neighbours)
        self._define_cache(environment)
        urls = {key: found.expression("repository_url") for key, found in repositories.items()}
        arns = {key: found.expression("arn") for key, found in repositories.items()}
        self._output("repository_urls", urls, "Repository name to its URL")
        self._output("repository_arns", arns, "Repository name to its ARN")
        self._output("registry_uri", environment.home.registry_uri, "Address for docker login")

    def _define_policy(self, environment: Environment, neighbours: Neighbours) -> None:
        home = environment.home
        statements = (*environment.registry.policy_statements, *neighbours.accepted)
        if statements:
            RegistryPolicy(self, "RegistryPolicy", registry=home, statements=statements)
        if neighbours.missing:
            needed = {
                f"{registry.account_id} {registry.region}": json_text(statement.render(registry))
                for registry, statement in neighbours.missing.items()
            }
            said = "Statements that the registry policies of these accounts must have"
            self._output("registry_policy_statements_needed", needed, said)

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
            self._output(
                "pull_through_uris", uris, "Prefix to what goes before the upstream's image"
            )
        secrets = {
            prefix: rules[prefix].credential_arn
            for prefix, settings in environment.registry.pull_through_cache_rules.items()
            if settings.create_credential
        }
        if secrets:
            said = "Secrets to give a value: username and accessToken"
            self._output("pull_through_credentials", secrets, said)

    def _set_backend(self, name: str, environment: Environment) -> None:
        s3, local = environment.backend.s3, environment.backend.local
        if s3 is None:
            written = None if local is None else local.path
            LocalBackend(self, path=escaped(written or local_state_path(name)))
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

    def _set_provider(self, name: str, environment: Environment) -> None:
        role = environment.assume_role
        AwsProvider(
            self,
            "AWS",
            region=environment.region,
            # The environment's Region is checked already; an older provider does not know each.
            skip_region_validation=True,
            allowed_account_ids=[environment.account],
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
                    tags={
                        **{escaped(key): escaped(tag) for key, tag in environment.tags.items()},
                        ENVIRONMENT_TAG: name,
                        MANAGED_BY_TAG: "cdktf",
                    }
                )
            ],
        )
        narrowed = environment.required_providers
        constraint = provider_constraint(
            environment.required_provider_versions, narrowed.aws if narrowed else None
        )
        self.add_override("terraform.required_providers.aws.version", constraint)

    def _output(self, name: str, value: object, description: str) -> None:
        output = TerraformOutput(self, f"Output:{name}", value=value, description=description)
        output.override_logical_id(name)
