"""Destinations: registries that a file names by their environment, for their account and Region."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ecr_constructs import Check, Problem
from ecr_constructs.checks import did_you_mean as close_to
from ecr_constructs.checks import with_strangers, wrong_type
from ecr_constructs.registry import ACCOUNT_ID, region_problems
from stacks.yaml_file import Node

KEY = "environment"
UNKNOWN_ENVIRONMENT = Check(
    "a destination's 'environment' must be that of an environment file", "this app"
)
ENVIRONMENT_ALONE = Check(
    "a destination is an 'environment', or a 'region' and 'registry_id'",
    "this app: an environment has an account and a Region",
)

Found = tuple[Node, Problem]


class Home(NamedTuple):
    """Where an environment is, as its file writes it."""

    account: Node
    region: Node


def homes_of(roots: Mapping[str, Node]) -> dict[str, Home | None]:
    """The homes of the environments by name; nothing for one whose file says none that is good."""
    return {name: _home(root) for name, root in roots.items()}


def _home(root: Node) -> Home | None:
    account, region = root.child("account"), root.child("region")
    if account is None or region is None:
        return None
    wrong = [*ACCOUNT_ID.problems(account.value), *region_problems("region", region.value)]
    return None if wrong else Home(account, region)


def with_named_destinations(
    root: Node, homes: Mapping[str, Home | None], own: str
) -> tuple[Node, list[Found]]:
    """A file with the accounts and Regions of the environments that its replication names.

    A destination that cannot be told is left out, and so is what is empty without it.

    :param own: the name of the file's environment.
    :returns: the file, and what is wrong with the names in it.
    """
    found: list[Found] = []
    registry = root.child("registry")
    replication = registry.child("replication") if registry is not None else None
    rules = replication.child("rules") if replication is not None else None
    if registry is None or replication is None or rules is None or not _named(rules):
        return root, found
    told = []
    for rule in rules.value:
        destinations = rule.child("destinations")
        if destinations is None or not isinstance(destinations.value, list):
            told.append(rule)
            continue
        items = [
            item
            for destination in destinations.value
            for item in _told(destination, homes, own, found)
        ]
        if items or not destinations.value:
            told.append(rule.holding({**rule.value, "destinations": destinations.holding(items)}))
    section = dict(registry.value)
    if told:
        section["replication"] = replication.holding(
            {**replication.value, "rules": rules.holding(told)}
        )
    else:
        del section["replication"]
    return root.holding({**root.value, "registry": registry.holding(section)}), found


def _named(rules: Node) -> bool:
    """Whether a rule of a list names an environment."""
    lists = (r.child("destinations") for r in rules.value) if isinstance(rules.value, list) else ()
    return any(
        destination.child(KEY) is not None
        for node in lists
        if node is not None and isinstance(node.value, list)
        for destination in node.value
    )


def _told(
    destination: Node, homes: Mapping[str, Home | None], own: str, found: list[Found]
) -> Iterator[Node]:
    """The destination with an account and a Region, or nothing."""
    named = destination.child(KEY)
    if named is None:
        yield destination
        return
    others = [key for key in ("region", "registry_id") if key in destination.value]
    if others:
        got = " and ".join(map(repr, (KEY, *others)))
        found.append((destination, ENVIRONMENT_ALONE.problem(got)))
    if not isinstance(named.value, str):
        found.append((named, wrong_type(KEY, "text", named.value)))
    elif named.value not in homes:
        others_of = homes.keys() - {own}
        known = ", ".join(sorted(others_of)[:10])
        can_be = f"; it can be {known}; for others write 'region'" if known else "; write 'region'"
        hint = close_to(named.value, others_of) or can_be
        found.append((named, UNKNOWN_ENVIRONMENT.problem(with_strangers(named.value), hint=hint)))
    home = homes.get(named.value) if isinstance(named.value, str) else None
    if home is None or others:
        return
    rest = {key: node for key, node in destination.value.items() if key != KEY}
    yield destination.holding(
        {
            **rest,
            "region": named.holding(home.region.value),
            "registry_id": named.holding(home.account.value),
        }
    )
