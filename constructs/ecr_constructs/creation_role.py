"""Creation role: the IAM role by which ECR makes the repositories of templates."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from constructs import Construct

from ecr_constructs.checks import (
    Check,
    Problem,
    refuse,
    sent_length,
    wrong_type,
)
from ecr_constructs.creation_template_settings import (
    PREFIX,
    RepositoryCreationTemplateSettings,
    template_prefix_of,
)
from ecr_constructs.encryption import EncryptionType, key_sent
from ecr_constructs.policy_json import policy_of
from ecr_constructs.registry import ROOT, Registry
from ecr_constructs.service_role import ServiceRole

# How the role of templates is called, before the digits that Terraform adds.
ROLE_NAME_PREFIX = "ecr-creation-template-"
MAX_ROLE_POLICY_LENGTH = 10_240
ROLE_POLICY_LENGTH = Check(
    "the policy of the role of creation templates must be at most"
    f" {MAX_ROLE_POLICY_LENGTH} characters as JSON",
    "IAM quotas: inline policies of a role",
    "have fewer namespaces with a template of their own, or name a role by 'custom_role_arn'",
)


class RepositoryCreationRole(Construct):
    """The role that ECR assumes to make repositories with tags or KMS.

    It can make and tag repositories below the prefixes, copy images to them, and let ECR use keys.

    :param registry: the registry of the templates.
    :param prefixes: the prefixes of the templates; `ROOT` is every repository.
    :param kms_keys: the ARNs of the keys that the templates name; with `None` among them, for
        AWS's own key, every key of the account and Region that lets it. No key by default.
    :raises ValueError: for prefixes that no template has, and for more than the 10,240 characters
        that IAM takes of their ARNs.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        registry: Registry,
        prefixes: Sequence[str],
        kms_keys: Sequence[str | None] = (),
    ) -> None:
        lists = {"prefixes": prefixes, "kms_keys": kms_keys}
        refuse(
            wrong_type(name, "a list", values)
            for name, values in lists.items()
            if not isinstance(values, list | tuple)
        )
        refuse(problem for prefix in prefixes for problem in PREFIX.problems(prefix))
        statements = _role_statements(registry, prefixes, kms_keys)
        refuse(_length_problems(statements))
        super().__init__(scope, id_)
        role = ServiceRole(
            self,
            "Resource",
            registry=registry,
            service="ecr.amazonaws.com",
            name_prefix=ROLE_NAME_PREFIX,
            description=f"ECR makes repositories in {registry.region} by creation templates",
            statements=statements,
        )
        self.role_arn = role.role_arn
        """The ARN of the role, with a token: the `custom_role_arn` of a template."""


def _role_statements(
    registry: Registry, prefixes: Collection[str], kms_keys: Collection[str | None]
) -> list[dict[str, object]]:
    """What the role may do. A prefix is left out below another one, which is about it as well."""
    known = set(prefixes)
    apart = [prefix for prefix in prefixes if template_prefix_of(prefix, known) is None]
    names = ["*"] if ROOT in prefixes else [f"{prefix}/*" for prefix in apart]
    statements: list[dict[str, object]] = [
        {
            "Effect": "Allow",
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage", "ecr:TagResource"],
            "Resource": [registry.repository_arn(name) for name in names],
        }
    ]
    if kms_keys:
        every = f"arn:{registry.partition}:kms:{registry.region}:{registry.account_id}:key/*"
        keys = dict.fromkeys(key or every for key in kms_keys)
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"],
                "Resource": [every] if every in keys else list(keys),
            }
        )
    return statements


def _length_problems(statements: Sequence[Mapping[str, object]], of: str = "") -> Iterator[Problem]:
    length = sent_length(policy_of(statements))
    if length > MAX_ROLE_POLICY_LENGTH:
        yield ROLE_POLICY_LENGTH.problem(f"{length}{of}")


def _wanting(
    templates: Mapping[str, RepositoryCreationTemplateSettings],
) -> dict[str, RepositoryCreationTemplateSettings]:
    """The templates that want a role and name none."""
    return {p: t for p, t in templates.items() if t.wants_role and t.custom_role_arn is None}


def _keys_of(templates: Iterable[RepositoryCreationTemplateSettings]) -> list[str | None]:
    """The keys that the repositories of templates are encrypted with."""
    encrypted = [t for t in templates if t.encryption_type != EncryptionType.AES256]
    return list(dict.fromkeys(key_sent(template.kms_key) for template in encrypted))


def creation_role_problems(
    registry: Registry,
    templates: Mapping[str, RepositoryCreationTemplateSettings],
    of: str = "",
) -> Iterator[Problem]:
    """Check the role of the templates of one registry: the length of its policy.

    :param of: what the sentence says of whom the templates are.
    """
    wanting = _wanting(templates)
    statements = _role_statements(registry, wanting, _keys_of(wanting.values()))
    yield from _length_problems(statements, of)


def creation_role(
    scope: Construct,
    id_: str,
    registry: Registry,
    templates: Mapping[str, RepositoryCreationTemplateSettings],
) -> RepositoryCreationRole | None:
    """Define the role of the templates of one registry that want one and name none.

    :returns: nothing where no template wants it.
    """
    wanting = _wanting(templates)
    if not wanting:
        return None
    keys = _keys_of(wanting.values())
    return RepositoryCreationRole(
        scope, id_, registry=registry, prefixes=list(wanting), kms_keys=keys
    )
