"""Reusable Amazon ECR constructs for CDK for Terraform."""

# First: it makes importing cdktf and the AWS bindings fast.
from ecr_constructs import bindings as bindings

# isort: split
from ecr_constructs.access import Access, AccessPolicy, access_document, access_documents
from ecr_constructs.account_setting import AccountSetting
from ecr_constructs.checks import Check, InvalidValueError, Problem
from ecr_constructs.ci_jobs import GitHubActions, GitLab
from ecr_constructs.ci_role import CiRole
from ecr_constructs.creation_role import RepositoryCreationRole
from ecr_constructs.creation_template import RepositoryCreationTemplate
from ecr_constructs.creation_template_settings import (
    AppliedFor,
    RepositoryCreationTemplateSettings,
    template_prefix_of,
)
from ecr_constructs.encryption import EncryptionType
from ecr_constructs.image import Image, ImageStatus, parse_image
from ecr_constructs.lifecycle_document import parse_lifecycle_policy
from ecr_constructs.lifecycle_explanation import Explanation, explain_lifecycle_policy
from ecr_constructs.lifecycle_policy import LifecyclePolicy
from ecr_constructs.lifecycle_preview import Because, Decision, preview_lifecycle_policy
from ecr_constructs.lifecycle_rule import LifecycleAction, LifecycleRule, TagStatus
from ecr_constructs.oidc_provider import OidcProvider
from ecr_constructs.principal import Principal
from ecr_constructs.public_repository import (
    PublicPolicyStatement,
    PublicRepository,
    PublicRepositorySettings,
)
from ecr_constructs.pull_through_cache import PullThroughCacheRule, PullThroughCacheSettings
from ecr_constructs.pull_time_update_exclusion import PullTimeUpdateExclusion
from ecr_constructs.registry import Registry
from ecr_constructs.registry_policy import (
    RegistryPolicy,
    RegistryPolicyStatement,
    accept_replication,
    allow_caching,
    allow_create_on_push,
    allow_pull_through,
)
from ecr_constructs.replication import (
    ReplicationConfiguration,
    ReplicationDestination,
    ReplicationRule,
)
from ecr_constructs.repository import Repository
from ecr_constructs.repository_key import RepositoryKey, RepositoryKeySettings
from ecr_constructs.repository_policy import Effect, PolicyStatement, RepositoryPolicy
from ecr_constructs.repository_policy_document import parse_repository_policy
from ecr_constructs.repository_reference import RepositoryBase, RepositoryReference
from ecr_constructs.repository_settings import RepositorySettings
from ecr_constructs.scanning import (
    RegistryScanningConfiguration,
    ScanFrequency,
    Scanning,
    ScanningRule,
    ScanType,
)
from ecr_constructs.tag_mutability import TagMutability

__all__ = [
    "Access",
    "AccessPolicy",
    "AccountSetting",
    "AppliedFor",
    "Because",
    "Check",
    "CiRole",
    "Decision",
    "Effect",
    "EncryptionType",
    "Explanation",
    "GitHubActions",
    "GitLab",
    "Image",
    "ImageStatus",
    "InvalidValueError",
    "LifecycleAction",
    "LifecyclePolicy",
    "LifecycleRule",
    "OidcProvider",
    "PolicyStatement",
    "Principal",
    "Problem",
    "PublicPolicyStatement",
    "PublicRepository",
    "PublicRepositorySettings",
    "PullThroughCacheRule",
    "PullThroughCacheSettings",
    "PullTimeUpdateExclusion",
    "Registry",
    "RegistryPolicy",
    "RegistryPolicyStatement",
    "RegistryScanningConfiguration",
    "ReplicationConfiguration",
    "ReplicationDestination",
    "ReplicationRule",
    "Repository",
    "RepositoryBase",
    "RepositoryCreationRole",
    "RepositoryCreationTemplate",
    "RepositoryCreationTemplateSettings",
    "RepositoryKey",
    "RepositoryKeySettings",
    "RepositoryPolicy",
    "RepositoryReference",
    "RepositorySettings",
    "ScanFrequency",
    "ScanType",
    "Scanning",
    "ScanningRule",
    "TagMutability",
    "TagStatus",
    "accept_replication",
    "access_document",
    "access_documents",
    "allow_caching",
    "allow_create_on_push",
    "allow_pull_through",
    "explain_lifecycle_policy",
    "parse_image",
    "parse_lifecycle_policy",
    "parse_repository_policy",
    "preview_lifecycle_policy",
    "template_prefix_of",
]
