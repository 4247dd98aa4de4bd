"""Repository settings: everything about a repository but its name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from ecr_constructs.checks import Check, Problem, truth, within
from ecr_constructs.image_settings import ImageSettings
from ecr_constructs.tags import tag_problems

DELETED_WITH_IMAGES = Check(
    "a repository with 'prevent_destroy' should not have 'force_delete', too",
    "Terraform language, prevent_destroy: it does not hold where the resource is taken away",
    "write force_delete: false, or its images are deleted with it then",
    warning=True,
)


@dataclass(frozen=True, kw_only=True)
class RepositorySettings(ImageSettings):
    """What a repository is like: the arguments of `Repository`, without its name.

    The meaning, limits and defaults of each are told there.
    """

    scan_on_push: bool = True
    """Whether an image is scanned for vulnerabilities when it is pushed."""
    force_delete: bool = False
    """Whether a destroy deletes a repository that still holds images."""
    prevent_destroy: bool = False
    """Whether Terraform refuses a plan that would destroy the repository."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Tags of the repository, at most 50."""

    exclusion_filter_provider_version: ClassVar[str] = "6.8.0"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "tags", MappingProxyType(dict(self.tags)))

    def _problems(self) -> Iterator[Problem]:
        yield from super()._problems()
        for name in ("scan_on_push", "force_delete", "prevent_destroy"):
            yield from within((name,), truth(name, getattr(self, name)))
        yield from within(("tags",), tag_problems(self.tags))

    @property
    def warnings(self) -> Iterator[Problem]:
        """What is legal, but certainly a mistake."""
        yield from super().warnings
        if self.force_delete and self.prevent_destroy:
            yield DELETED_WITH_IMAGES.problem("true", ("force_delete",))
