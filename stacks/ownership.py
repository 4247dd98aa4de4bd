"""Ownership: what a registry, or an account, has only once, and in which file it is defined."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ecr_constructs import Check, Problem
from ecr_constructs.checks import shown
from ecr_constructs.pull_through_cache import COUNT as RULES
from ecr_constructs.pull_through_cache import MAX_RULES
from ecr_constructs.pull_time_update_exclusion import COUNT as EXCLUSIONS
from ecr_constructs.pull_time_update_exclusion import MAX_EXCLUSIONS
from stacks.environment import Environment
from stacks.yaml_file import Loc, Node

OWNED_TWICE = Check(
    "what an account and Region have once must be defined in one environment file", "ECR quotas"
)

# The settings that a registry has once -> what a sentence calls them.
_SINGLETONS: Mapping[Loc, str] = {
    ("registry", "replication"): "the registry's replication",
    ("registry", "scanning"): "the registry's scanning configuration",
    ("registry", "policy_statements"): "the registry's policy",
}
# What a registry, or an account, has once by each name -> what a sentence calls it.
_SEVERAL: Mapping[Loc, str] = {
    ("repositories",): "repository",
    ("ci_roles",): "the role",
    ("oidc_providers",): "the OpenID Connect provider",
    ("registry", "pull_through_cache_rules"): "the pull-through cache rule",
    ("registry", "creation_templates"): "the creation template",
    ("registry", "account_settings"): "the account setting",
    ("registry", "pull_time_update_exclusions"): "the pull-time update exclusion",
    ("registry", "public_repositories"): "the public repository",
}
_EXCLUSIONS = "pull_time_update_exclusions"
# Setting of the registry -> how many of them there can be at most.
_LIMITS = {
    "pull_through_cache_rules": (MAX_RULES, RULES),
    _EXCLUSIONS: (MAX_EXCLUSIONS, EXCLUSIONS),
}
_ALIAS: Loc = ("repository_key", "alias")
# Those that an account has once, whatever the Region.
_ACCOUNT_WIDE = (("ci_roles",), ("oidc_providers",), ("registry", "public_repositories"))


def alias_of(written: str) -> str:
    """What a sentence calls the alias of a key; 'alias/' goes before it anyway."""
    return f"the alias {shown(written.removeprefix('alias/'))}"


def claims(root: Node, alias: str | None = None) -> Iterator[tuple[Loc, str, str]]:
    """What a file defines that there is once: its place in the file, what it is, and of whom.

    It is read off the file as it is, also where something is wrong with it.

    :param alias: that of the environment's key, where it is known that there is one.
    """
    account, region = (_text_at(root, key) for key in ("account", "region"))
    things = dict(_things(root)) if account and region else {}
    if things and alias is not None:
        things.setdefault(_ALIAS, alias_of(alias))
    for loc, what in things.items():
        # What is public or of IAM is the account's, wherever its environments are.
        of_account = loc[:-1] in _ACCOUNT_WIDE
        yield loc, what, f"account {account}" + ("" if of_account else f" in {region}")


def excesses(
    environments: Iterable[tuple[str, Environment]],
) -> Iterator[tuple[str, Loc, Problem]]:
    """What files define more of together than a registry or an account takes, by file."""
    counts: Counter[tuple[str, str]] = Counter()
    for name, environment in environments:
        for key, (most, check) in _LIMITS.items():
            # By the page of quotas exclusions are the account's, whatever the Region is.
            home = environment.home
            whose = home.account_id if key == _EXCLUSIONS else home.registry_uri
            count = len(getattr(environment.registry, key))
            counts[whose, key] += count
            if counts[whose, key] > most and count:
                got = f"{counts[whose, key]} with those of other files"
                yield name, ("registry", key), check.problem(got)


def _text_at(root: Node, key: str) -> str:
    node = root.child(key)
    return node.value if node is not None and isinstance(node.value, str) else ""


def _things(root: Node) -> Iterator[tuple[Loc, str]]:
    for loc, what in _SEVERAL.items():
        node, rest = root.reach(loc)
        if not rest and isinstance(node.value, dict):
            # IAM does not tell names apart by case.
            same = str.lower if loc == ("ci_roles",) else str
            yield from (((*loc, name), f"{what} {shown(same(name))}") for name in node.value)
        elif not rest and isinstance(node.value, list):
            for index, item in enumerate(node.value):
                yield (*loc, index), f"{what} {shown(item.value)}"
    node, rest = root.reach(_ALIAS)
    if not rest and isinstance(node.value, str):
        yield _ALIAS, alias_of(node.value)
    for loc, what in _SINGLETONS.items():
        node, rest = root.reach(loc)
        if not rest and node.value is not None:
            yield loc, what
