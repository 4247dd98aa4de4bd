"""Environment warnings: what is legal, but certainly a mistake, in one environment file."""

import re
from collections.abc import Iterator
from dataclasses import fields
from difflib import get_close_matches

from ecr_constructs import Access, Check, Problem, RepositorySettings
from ecr_constructs.account_setting import account_setting_warnings
from ecr_constructs.checks import shown, within
from ecr_constructs.ci_role import ci_role_arn
from ecr_constructs.image_settings import GRANTS
from ecr_constructs.registry import ADDRESS, ROOT
from ecr_constructs.replication import prefixes_overlap, replication_warnings
from stacks.environment import Environment

_SETTINGS = {field.name for field in fields(RepositorySettings)}

# How alike a name is to one that was meant: all but one letter of a short one.
_NEARLY = 0.9
SETTING_NAME = Check(
    "a repository should not be called as its settings are",
    "this app: most likely it is less indented than was meant",
    "indent it below its repository",
    warning=True,
)
ADDRESS_NAME = Check(
    "a repository should not be called as its address is, which begins with its registry",
    "ECR user guide, image names: an address is the registry's, then the repository's name",
    "write {name}",
    warning=True,
)
GRANT_MATCHES_NONE = Check(
    "the prefix of a grant should match a repository of the file",
    "this app: it has no effect",
    "mend the prefix, or take it away",
    warning=True,
)
CI_ROLE_UNKNOWN = Check(
    "a ci_role should be called as one of the file's ci_roles where its name is nearly that of one",
    "this app: another role would be admitted",
    "mend the name",
    warning=True,
)
ACCESS_MATCHES_NONE = Check(
    "the access of a role should be to something of the file",
    "this app: it has no effect",
    "mend the name, or take it away",
    warning=True,
)


def environment_warnings(environment: Environment) -> Iterator[Problem]:
    """What is legal, but certainly a mistake, each where an environment file writes it."""
    yield from within(("repository_defaults",), environment.repository_defaults.warnings)
    for name, settings in environment.repositories.items():
        yield from within(("repositories", name), settings.warnings)
        if name in _SETTINGS:
            yield SETTING_NAME.problem(shown(name), ("repositories", name))
        address = re.match(f"{ADDRESS}/", name)
        if address:
            meant = shown(name.removeprefix(address[0]))
            yield ADDRESS_NAME.problem(shown(name), ("repositories", name), name=meant)
    for index, grant in enumerate(environment.grants):
        for position, prefix in enumerate(grant.repository_prefixes):
            if not any(name.startswith(prefix) for name in environment.repositories):
                path = ("grants", index, "repository_prefixes", position)
                made = any(prefixes_overlap(prefix, f"{one}/") for one in environment.namespaces)
                hint = "; what ECR makes there is granted by its creation template" if made else ""
                yield GRANT_MATCHES_NONE.problem(shown(prefix), path, hint=hint)
    yield from _access_warnings(environment)
    yield from within(("repository_key",), environment.repository_key.warnings)
    found = replication_warnings(environment.replication_rules)
    yield from within(("registry", "replication", "rules"), found)
    for prefix, template in environment.registry.creation_templates.items():
        yield from within(("registry", "creation_templates", prefix), template.warnings)
    for setting, value in environment.registry.account_settings.items():
        found = account_setting_warnings(setting, value)
        yield from within(("registry", "account_settings", setting), found)


def _access_warnings(environment: Environment) -> Iterator[Problem]:
    for role_name, role in environment.ci_roles.items():
        yield from within(("ci_roles", role_name), role.warnings)
        if role.access is not None:
            found = _unmatched(environment, role.access)
            yield from within(("ci_roles", role_name, "access"), found)
    named = [
        (principal.ci_role, ("repositories", name, grant, index))
        for name, settings in environment.repositories.items()
        for grant in GRANTS
        for index, principal in enumerate(getattr(settings, grant))
        if principal.ci_role is not None
    ]
    known = {ci_role_arn(environment.home, name) for name in environment.ci_roles}
    unknown = {arn for arn, _ in named} - known
    near = {arn: get_close_matches(arn, known, 1, _NEARLY) for arn in unknown}
    for arn, path in named:
        for meant in near.get(arn, ()):
            hint = f"; did you mean {shown(meant)}?"
            yield CI_ROLE_UNKNOWN.problem(shown(arn), path, hint=hint)


def _unmatched(environment: Environment, access: Access) -> Iterator[Problem]:
    """What of an access is to nothing of the file."""
    made = [f"{prefix}/" for prefix in environment.namespaces if prefix != ROOT]
    anything = ROOT in environment.namespaces
    for grant in ("pull", "push", "read"):
        for index, name in enumerate(getattr(access, grant)):
            whole = name.endswith("/") and any(r.startswith(name) for r in environment.repositories)
            known = name in environment.repositories or whole or anything
            if not known and not any(prefixes_overlap(name, prefix) for prefix in made):
                yield ACCESS_MATCHES_NONE.problem(shown(name), (grant, index))
    rules = environment.registry.pull_through_cache_rules
    for grant, end in (("pull_through", "/"), ("import_upstream", "")):
        for index, name in enumerate(getattr(access, grant)):
            if not (environment.is_cached(f"{name}{end}") or ROOT in rules):
                yield ACCESS_MATCHES_NONE.problem(shown(name), (grant, index))
