"""Defaults: what a file says of many of its repositories, written into each of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ecr_constructs.checks import path_below
from ecr_constructs.image_settings import GRANTS
from stacks.environment import SECTIONS
from stacks.yaml_file import Node


def with_defaults(root: Node) -> Node:
    """The file with the defaults in each repository that does not override them, and its grants.

    What is written into a repository keeps the line where it is written. A section of which
    everything is commented out holds nothing.
    """
    if not isinstance(root.value, dict):
        return root
    sections = {k: v for k, v in root.value.items() if not (v.value is None and k in SECTIONS)}
    root = root.holding(sections)
    repositories, defaults = root.child("repositories"), root.child("repository_defaults")
    if repositories is None or not isinstance(repositories.value, dict):
        return root
    base = defaults.value if defaults and isinstance(defaults.value, dict) else {}
    grants = [(_prefixes(grant), grant) for grant in _items(root.child("grants"))]
    merged = {
        name: _granted(name, _merged(base, node), grants)
        for name, node in repositories.value.items()
    }
    return root.holding({**root.value, "repositories": repositories.holding(merged)})


def _merged(base: Mapping[str, Node], repository: Node) -> Node:
    own = {} if repository.value is None else repository.value
    if not isinstance(own, dict):
        return repository
    value = {**base, **own}
    tags = [node for node in (base.get("tags"), own.get("tags")) if node is not None]
    if len(tags) == 2 and all(isinstance(node.value, dict) for node in tags):
        value["tags"] = tags[1].holding({**tags[0].value, **tags[1].value})
    return repository.holding(value)


def _prefixes(grant: Node) -> tuple[str, ...]:
    prefixes = (prefix.value for prefix in _items(grant.child("repository_prefixes")))
    return tuple(prefix for prefix in prefixes if isinstance(prefix, str))


def _granted(name: str, repository: Node, grants: Iterable[tuple[tuple[str, ...], Node]]) -> Node:
    """The repository with the principals of the grants to its namespace after its own."""
    if not isinstance(repository.value, dict):
        return repository
    value = dict(repository.value)
    for prefixes, grant in grants:
        if not name.startswith(prefixes):
            continue
        for key in GRANTS:
            added = list(_added(grant.child(key)))
            before = value.get(key) or Node(
                line=repository.line, path=path_below(repository.path, key), value=[]
            )
            if added and isinstance(before.value, list):
                value[key] = before.holding([*before.value, *added])
    return repository.holding(value)


def _added(principals: Node | None) -> Iterator[Node]:
    """The principals of a grant, each at its place there, also behind an alias."""
    if principals is None:
        return
    for index, item in enumerate(_items(principals)):
        path = path_below(principals.path, index)
        yield item if item.path == path else replace(item, path=path, line=principals.line)


def _items(node: Node | None) -> Iterator[Node]:
    if node is not None and isinstance(node.value, list):
        yield from node.value
