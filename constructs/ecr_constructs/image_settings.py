"""Image settings: how the images of a repository are kept, and who may reach them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ecr_constructs.checks import Problem, TextForm, is_token, refuse, sequence, within
from ecr_constructs.encryption import (
    KMS_KEY,
    EncryptionType,
    encryption_problems,
    encryption_problems_in,
    encryption_warnings,
)
from ecr_constructs.lifecycle_policy import lifecycle_policy_problems, lifecycle_policy_warnings
from ecr_constructs.lifecycle_rule import LifecycleRule
from ecr_constructs.principal import Principal
from ecr_constructs.registry import Registry
from ecr_constructs.repository_policy import (
    PolicyStatement,
    grant_statements,
    repository_policy_problems,
)
from ecr_constructs.tag_mutability import (
    TagMutability,
    tag_mutability_problems,
    tag_mutability_warnings,
)

_GRANTS = ("pull", "push", "pull_push", "read")
_SEQUENCES = (
    "image_tag_mutability_exclusion_filters",
    "lifecycle_rules",
    "repository_policy_statements",
    *_GRANTS,
)


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """What a repository and a template that repositories are made from both say.

    The meaning, limits and defaults of each are told at `Repository`.
    """

    image_tag_mutability: TagMutability = TagMutability.IMMUTABLE
    """Whether a tag can be moved to another image. By default it cannot."""
    image_tag_mutability_exclusion_filters: tuple[str, ...] = ()
    """One to five patterns of tags that the *_WITH_EXCLUSION mutabilities except; '*' is any
    characters, at most two in a pattern."""
    encryption_type: EncryptionType = EncryptionType.AES256
    """How images are encrypted at rest. A change replaces the repository."""
    kms_key: str | None = None
    """The full ARN of a KMS key in the repository's Region; by default AWS's own key aws/ecr. A
    change replaces the repository."""
    lifecycle_rules: tuple[LifecycleRule, ...] = ()
    """Which images expire or are archived. They act in the order given, all images last."""
    pull: tuple[Principal, ...] = ()
    """Who may pull images."""
    push: tuple[Principal, ...] = ()
    """Who may push images."""
    pull_push: tuple[Principal, ...] = ()
    """Who may do both."""
    read: tuple[Principal, ...] = ()
    """Who may see what is known of the images: metadata and scan findings."""
    repository_policy_statements: tuple[PolicyStatement, ...] = ()
    """Further statements of the repository's policy."""

    # What differs between the two.
    exclusion_filter_provider_version: ClassVar[str]
    kms_key_form: ClassVar[TextForm] = KMS_KEY

    def __post_init__(self) -> None:
        refuse(self._problems())
        checked: dict[str, object] = {
            "image_tag_mutability": TagMutability(self.image_tag_mutability),
            "encryption_type": EncryptionType(self.encryption_type),
            **{name: tuple(getattr(self, name)) for name in _SEQUENCES},
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def _problems(self) -> Iterator[Problem]:
        yield from tag_mutability_problems(
            self.image_tag_mutability, self.image_tag_mutability_exclusion_filters
        )
        yield from encryption_problems(self.encryption_type, self.kms_key, self.kms_key_form)
        yield from within(("lifecycle_rules",), lifecycle_policy_problems(self.lifecycle_rules))
        wrong_principals = [
            problem
            for name in _GRANTS
            for problem in within((name,), sequence(name, getattr(self, name), Principal))
        ]
        yield from wrong_principals
        name, further = "repository_policy_statements", self.repository_policy_statements
        wrong_statements = list(sequence(name, further, PolicyStatement))
        yield from within((name,), wrong_statements)
        if not (wrong_principals or wrong_statements):
            yield from within((name,), repository_policy_problems(self.policy_statements))

    @property
    def policy_statements(self) -> tuple[PolicyStatement, ...]:
        """The statements of the repository's policy: the grants, then the further ones."""
        grants = grant_statements(
            pull=tuple(self.pull),
            push=tuple(self.push),
            pull_push=tuple(self.pull_push),
            read=tuple(self.read),
        )
        return (*grants, *self.repository_policy_statements)

    @property
    def required_provider_versions(self) -> frozenset[str]:
        """The oldest AWS provider of each setting that not every one can express."""
        versions = {rule.required_provider_version for rule in self.lifecycle_rules}
        if self.image_tag_mutability_exclusion_filters:
            versions.add(self.exclusion_filter_provider_version)
        return frozenset(version for version in versions if version)

    def problems_in(self, registry: Registry) -> Iterator[Problem]:
        """Check what depends on where the repository is."""
        if is_token(registry.region):
            return
        yield from encryption_problems_in(registry, self.encryption_type, self.kms_key)
        for name in (*_GRANTS, "repository_policy_statements"):
            values: tuple[Principal | PolicyStatement, ...] = getattr(self, name)
            for index, value in enumerate(values):
                yield from within((name, index), value.problems_in(registry))

    @property
    def warnings(self) -> Iterator[Problem]:
        """What is legal, but certainly a mistake."""
        yield from tag_mutability_warnings(
            self.image_tag_mutability, self.image_tag_mutability_exclusion_filters
        )
        yield from encryption_warnings(self.kms_key)
        found = lifecycle_policy_warnings(self.lifecycle_rules)
        yield from within(("lifecycle_rules",), found)
