"""Image settings: how the images of a repository are kept, and who may reach them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from ecr_constructs.checks import (
    Check,
    Problem,
    TextForm,
    refuse,
    sequence,
    shown,
    within,
)
from ecr_constructs.encryption import (
    KMS_KEY,
    EncryptionType,
    encryption_problems,
    encryption_problems_in,
    encryption_warnings,
)
from ecr_constructs.lifecycle_policy import lifecycle_policy_problems, lifecycle_policy_warnings
from ecr_constructs.lifecycle_rule import LifecycleRule
from ecr_constructs.policy_document import (
    document_problems_in,
    policy_document_problems,
    policy_document_text,
    read_policy,
    without_statements,
)
from ecr_constructs.policy_json import policy_of
from ecr_constructs.policy_risk import EXCUSABLE, policy_risks
from ecr_constructs.principal import PULLS_ONLY, Principal
from ecr_constructs.registry import Registry
from ecr_constructs.repository_policy import (
    PolicyStatement,
    grant_statements,
    repository_policy_problems,
    repository_policy_text,
)
from ecr_constructs.tag_mutability import (
    TagMutability,
    tag_mutability_problems,
    tag_mutability_warnings,
)

GRANTS = ("pull", "push", "pull_push", "read")
_SEQUENCES = (
    "image_tag_mutability_exclusion_filters",
    "lifecycle_rules",
    "repository_policy_statements",
    *GRANTS,
)

DOCUMENT_ALONE = Check(
    "'policy_document' is the whole policy", "this library", "take the document or the others"
)
# What is added to a sentence where a reason would make it good.
EXCUSE = ", or say 'public_access' and why"
PUBLIC_ACCESS = TextForm(
    what="public_access",
    source="this library: it is read where the plan is reviewed",
    minimum=10,
    maximum=500,
    form="a reason in one line, such as 'the base images of our open source'",
    kind="left out, or the reason in words, such as 'the base images of our open source'",
    meant={
        ".{0,9}": "leave it out, or write the reason, such as 'the base images of our open source'"
    },
)
OPEN = Check(
    "'public_access' lets the policy admit everybody, and another account as a whole push",
    "this project: nothing is public by accident",
    "take it away where the policy does neither",
    warning=True,
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
    """The full ARN of a KMS key in the repository's Region; alias/aws/ecr is AWS's own. By default
    an environment's own, and AWS's in an app without environments. A change replaces the
    repository."""
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
    policy_document: str | None = None
    """The whole policy as AWS's JSON instead, kept as it is written; no grants beside it."""
    public_access: str | None = None
    """Why the policy may admit everybody to read and pull, or another account as a whole to push;
    without it, that is refused."""

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
            for name in GRANTS
            for problem in within((name,), sequence(name, getattr(self, name), Principal))
        ]
        yield from wrong_principals
        name, further = "repository_policy_statements", self.repository_policy_statements
        wrong_statements = list(sequence(name, further, PolicyStatement))
        yield from within((name,), wrong_statements)
        if self.policy_document is not None:
            path = ("policy_document",)
            wrong = list(within(path, policy_document_problems(self.policy_document)))
            yield from wrong
            in_statements = {int(p.path[2]) for p in wrong if len(p.path) > 2}
            if all(len(p.path) > 2 or p.check.is_upper_limit for p in wrong):
                yield from self._risks(left_out=in_statements)
            beside = [n for n in (*GRANTS, name) if getattr(self, n) not in ((), [])]
            if beside:
                yield DOCUMENT_ALONE.problem(", ".join(map(shown, beside)), path)
        elif not (wrong_principals or wrong_statements):
            yield from within((name,), repository_policy_problems(self.policy_statements))
            yield from self._risks()
        if self.public_access is not None:
            found = PUBLIC_ACCESS.problems(self.public_access)
            yield from within(("public_access",), found)

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
    def policy_text(self) -> str | None:
        """The repository's policy as it is handed to Terraform; nothing without one."""
        if self.policy_document is not None:
            return policy_document_text(self.policy_document)
        statements = self.policy_statements
        return repository_policy_text(statements) if statements else None

    @property
    def required_provider_versions(self) -> frozenset[str]:
        """The oldest AWS provider of each setting that not every one can express."""
        versions = {rule.required_provider_version for rule in self.lifecycle_rules}
        if self.image_tag_mutability_exclusion_filters:
            versions.add(self.exclusion_filter_provider_version)
        return frozenset(version for version in versions if version)

    def problems_in(self, registry: Registry, deployer: str | None = None) -> Iterator[Problem]:
        """Check what depends on where the repository is, and on the role that deploys it."""
        yield from encryption_problems_in(registry, self.encryption_type, self.kms_key)
        for name in (*GRANTS, "repository_policy_statements"):
            values: tuple[Principal | PolicyStatement, ...] = getattr(self, name)
            for index, value in enumerate(values):
                yield from within((name, index), value.problems_in(registry))
        if self.policy_document is not None:
            found = document_problems_in(registry, read_policy(self.policy_document))
            yield from within(("policy_document",), found)
        yield from self._risks(registry, deployer)

    def _risks(
        self,
        registry: Registry | None = None,
        deployer: str | None = None,
        left_out: Collection[int] = (),
    ) -> Iterator[Problem]:
        """What the policy lets happen that `public_access` does not make good.

        :param left_out: statements of the document that cannot be read.
        """
        if self.policy_document is not None:
            document = without_statements(read_policy(self.policy_document), left_out)
            risks = policy_risks(document, registry=registry, deployer=deployer)
            found: Iterable[Problem] = within(("policy_document",), risks)
        else:
            grants = tuple(tuple(getattr(self, name)) for name in GRANTS)
            further = tuple(self.repository_policy_statements)
            found = _risks_of(grants, further, registry, deployer)
        for problem in found:
            if problem.check not in EXCUSABLE:
                yield problem
            elif self.public_access is None:
                yield problem._replace(sentence=problem.sentence + EXCUSE)

    @property
    def warnings(self) -> Iterator[Problem]:
        """What is legal, but certainly a mistake."""
        yield from tag_mutability_warnings(
            self.image_tag_mutability, self.image_tag_mutability_exclusion_filters
        )
        yield from encryption_warnings(self.kms_key)
        for name in ("push", "pull_push"):
            for index, principal in enumerate(getattr(self, name)):
                if principal.only_pulls:
                    yield PULLS_ONLY.problem(shown(principal.identifier), (name, index))
        found = lifecycle_policy_warnings(self.lifecycle_rules)
        yield from within(("lifecycle_rules",), found)
        if self.public_access is not None:
            yield OPEN.problem(shown(self.public_access), ("public_access",))


# Most repositories share their principals.
@lru_cache(maxsize=1024)
def _risks_of(
    grants: tuple[tuple[Principal, ...], ...],
    further: tuple[PolicyStatement, ...],
    registry: Registry | None,
    deployer: str | None,
) -> tuple[Problem, ...]:
    """What grants and statements let happen together, each where it is written."""
    written: list[tuple[tuple[str, int], Sequence[PolicyStatement]]] = [
        ((name, index), grant_statements(**{name: (principal,)}))
        for name, principals in zip(GRANTS, grants, strict=True)
        for index, principal in enumerate(principals)
    ]
    name = "repository_policy_statements"
    written += (((name, index), [statement]) for index, statement in enumerate(further))
    rendered = [
        (path, part)
        for path, statements in written
        for statement in statements
        for part in statement.render()
    ]
    whole = policy_of([part for _, part in rendered])
    found = policy_risks(whole, registry=registry, deployer=deployer)
    # A principal of a grant may have more than one statement.
    return tuple(dict.fromkeys(p._replace(path=rendered[int(p.path[1])][0]) for p in found))
