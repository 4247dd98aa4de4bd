"""Apps at random, judged name by name as ECR would: what arrives where, and what it is like there.

The model here knows of ECR's rules, and nothing of how the app finds its answers.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from ecr_constructs import Registry
from ecr_constructs.image_settings import ImageSettings
from ecr_constructs.lifecycle_policy import lifecycle_policy_text
from stacks import Environments, load_environments
from stacks.registries import statements_of, templates_of

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
OUTSIDE = "999999999999"
REGIONS = ("us-west-2", "eu-west-1")
# A namespace of one character takes no template.
PARTS = ("aa", "bb", "x", "zz")
SELECTED = ("aa", "aa/", "aa/b", "aa/bb", "aa/bb/", "aa/bb/aa/zz", "bb/", "x/", "zz")
# What a file may define, and what ECR may make beside it.
DEFINED = [
    n for depth in (1, 2, 3) for n in map("/".join, product(PARTS, repeat=depth)) if n != "x"
]
NAMES = dict.fromkeys(
    [
        *DEFINED,
        *map("/".join, product(PARTS, repeat=4)),
        *(f"{start}{end}" for start in SELECTED for end in ("new", "new/zz")),
    ]
)
PREFIXES = st.sampled_from(["ROOT", "aa", "bb", "aa/bb", "aa/aa", "aa/bb/aa"])
FILTERS = st.lists(st.sampled_from(SELECTED), max_size=3, unique=True)
KEY = "arn:aws:kms:{}:{}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SETTINGS: list[dict[str, Any]] = [
    {},
    {"lifecycle_rules": [{"max_image_count": 10}]},
    {
        "lifecycle_rules": [
            {"tag_status": "untagged", "max_image_age_days": 7},
            {"max_image_count": 10},
        ],
        "pull": [{"account": OUTSIDE}],
    },
    {"lifecycle_rules": [{"tag_status": "untagged", "max_days_since_image_pulled": 9}]},
    {"image_tag_mutability": "MUTABLE", "pull": [{"account": OUTSIDE}, {"account": "8" * 12}]},
    {
        "image_tag_mutability": "IMMUTABLE_WITH_EXCLUSION",
        "image_tag_mutability_exclusion_filters": ["latest"],
    },
    {"encryption_type": "KMS"},
    {"encryption_type": "KMS", "kms_key": "alias/aws/ecr"},
    {"encryption_type": "KMS", "kms_key": KEY},
    # Holds in the account itself, and in no other.
    {"push": [{"account": "OWN"}]},
]
USES = st.lists(
    st.sampled_from(["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]),
    min_size=1,
    unique=True,
)


@st.composite
def apps(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """The files of two to four environments, of which several may have one registry."""
    homes = draw(
        st.lists(
            st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(REGIONS)), min_size=2, max_size=4
        )
    )
    taken: set[tuple[object, ...]] = set()
    files: dict[str, dict[str, Any]] = {}
    for number, home in enumerate(homes):
        account, region = home

        def own(settings: dict[str, Any], account: str = account, region: str = region) -> Any:
            text = json.dumps(settings).replace(KEY, KEY.format(region, account))
            return json.loads(text.replace("OWN", account))

        def free(kind: str, names: list[str], home: tuple[str, str] = home) -> Iterator[str]:
            for name in names:
                if (kind, name, home) not in taken:
                    taken.add((kind, name, home))
                    yield name

        repositories = draw(st.lists(st.sampled_from(DEFINED), max_size=5, unique=True))
        registry: dict[str, Any] = {
            "creation_templates": {
                prefix: {
                    "applied_for": draw(USES),
                    **own(draw(st.sampled_from(SETTINGS))),
                    "resource_tags": draw(st.sampled_from([{}, {"team": "a"}])),
                }
                for prefix in free("template", draw(st.lists(PREFIXES, max_size=2, unique=True)))
            },
            "pull_through_cache_rules": {
                prefix: {"upstream_registry": "quay"}
                for prefix in free("rule", draw(st.lists(PREFIXES, max_size=1)))
            },
        }
        places = {(a, r) for a in (*ACCOUNTS, OUTSIDE) for r in REGIONS} - {home}
        there = st.lists(st.sampled_from(sorted(places)), min_size=1, max_size=2, unique=True)
        rules = draw(st.lists(st.tuples(FILTERS, there), max_size=3))
        if rules and any(free("replication", ["rules"])):
            registry["replication"] = {
                "rules": [
                    {"repository_filters": filters, "destinations": [_named(p, homes) for p in to]}
                    for filters, to in rules
                ]
            }
        files[f"e{number}"] = {
            "account": account,
            "region": region,
            "repositories": {
                name: {
                    **own(draw(st.sampled_from(SETTINGS))),
                    "tags": draw(st.sampled_from([{}, {"team": "a"}])),
                }
                for name in free("repository", repositories)
            },
            "registry": registry,
        }
    return files


def _named(place: tuple[str, str], homes: list[tuple[str, str]]) -> dict[str, str]:
    """A destination by its environment, where it has one."""
    account, region = place
    if place in homes:
        return {"environment": f"e{homes.index(place)}"}
    return {"region": region, "registry_id": account}


class Kept(NamedTuple):
    """What AWS has of a repository."""

    image_tag_mutability: str = "MUTABLE"
    image_tag_mutability_exclusion_filters: tuple[str, ...] = ()
    encryption_type: str = "AES256"
    kms_key: str | None = None
    lifecycle_rules: str = ""
    policy_statements: str = ""
    tags: str = "{}"

    def differs(self, other: "Kept", left_out: str = "") -> set[str]:
        return {n for n in self._fields if getattr(self, n) != getattr(other, n)} - {left_out}


AS_AWS_MAKES_IT = Kept()


def kept(settings: ImageSettings, tags: Mapping[str, str]) -> Kept:
    policy = json.loads(settings.policy_text or "{}").get("Statement", [])
    return Kept(
        image_tag_mutability=str(settings.image_tag_mutability),
        image_tag_mutability_exclusion_filters=settings.image_tag_mutability_exclusion_filters,
        encryption_type=str(settings.encryption_type),
        kms_key=settings.kms_key,
        lifecycle_rules=(
            lifecycle_policy_text(settings.lifecycle_rules) if settings.lifecycle_rules else ""
        ),
        policy_statements="".join(sorted(json.dumps(part, sort_keys=True) for part in policy)),
        tags=json.dumps(dict(sorted(tags.items()))),
    )


def is_below(name: str, prefix: str) -> bool:
    return prefix == "ROOT" or name.startswith(f"{prefix}/")


def longest(name: str, prefixes: Mapping[str, Kept]) -> str | None:
    found = [prefix for prefix in prefixes if is_below(name, prefix)]
    return max(found, key=lambda p: 0 if p == "ROOT" else len(p), default=None)


class Model:
    """What there is in the registry of some environments."""

    def __init__(self, environments: Environments, home: Registry) -> None:
        self.repositories: dict[str, Kept] = {}
        self.templates: dict[str, dict[str, Kept]] = {}
        self.rules: dict[str, Kept] = {}
        for name, environment in environments.items():
            if environment.home != home:
                continue
            for key, settings in environment.repositories.items():
                tags = environment.all_tags(name, settings.tags)
                self.repositories[key] = kept(settings, tags)
            for key in environment.registry.pull_through_cache_rules:
                self.rules[key] = AS_AWS_MAKES_IT
        for name, environment in environments.items():
            found = templates_of(name, environment, environments.neighbours[name])
            for prefix, template in found.get(home, {}).items():
                for use in template.applied_for:
                    of_use = self.templates.setdefault(use, {})
                    assert prefix not in of_use
                    of_use[prefix] = kept(template, template.resource_tags)

    def made(self, name: str) -> list[Kept]:
        """How the registry makes a repository that nobody defines, where it does."""
        cache = self.templates.get("PULL_THROUGH_CACHE", {})
        makers = {
            **{("push", p): t for p, t in self.templates.get("CREATE_ON_PUSH", {}).items()},
            **{
                ("cache", p): t
                for p, t in cache.items()
                if any(is_below(f"{p}/", rule) for rule in self.rules)
            },
        }
        for rule in self.rules:
            like = longest("zz" if rule == "ROOT" else f"{rule}/", cache)
            makers["rule", rule] = AS_AWS_MAKES_IT if like is None else cache[like]
        best = longest(name, {p: AS_AWS_MAKES_IT for _, p in makers})
        return [found for (_, prefix), found in makers.items() if prefix == best]

    def replica(self, name: str) -> Kept:
        templates = self.templates.get("REPLICATION", {})
        prefix = longest(name, templates)
        return AS_AWS_MAKES_IT if prefix is None else templates[prefix]


def load(files: Mapping[str, Any]) -> Environments:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / f"{name}.yaml").write_text(json.dumps(data))
        return load_environments(Path(folder))


def copies(environments: Environments, account: str, region: str) -> Iterator[tuple[Registry, Any]]:
    """The registries that replicate to one, each with the names that it sends."""
    for environment in environments.values():
        for rule in environment.replication_rules:
            if any((d.registry_id, d.region) == (account, region) for d in rule.destinations):
                filters = rule.repository_filters or ("",)
                yield environment.home, [n for n in NAMES if any(n.startswith(f) for f in filters)]


PLACES = [Registry(account_id=a, region=r) for a in (*ACCOUNTS, OUTSIDE) for r in REGIONS]
MANY = how(max_examples=100, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(apps())
def test_whatever_differs_from_its_source_is_told_and_nothing_else(files: dict[str, Any]) -> None:
    environments = load(files)
    models = {e.home: Model(environments, e.home) for e in environments.values()}
    for place in PLACES:
        hosts = [n.owed[place] for n in environments.neighbours.values() if place in n.owed]
        if not hosts:
            continue
        [owed] = hosts
        there = models.get(place) or Model(environments, place)
        told = {key: set(settings) for key, settings in owed.uncovered.items()}
        expected: dict[str, set[str]] = {}
        namespaces = [key for key in told if key == "ROOT" or key.endswith("/")]
        seen: dict[str, set[str]] = {key: set() for key in namespaces}
        for home, names in copies(environments, place.account_id, place.region):
            for name in names:
                defined = models[home].repositories.get(name)
                if defined is not None:
                    mine = there.repositories.get(name)
                    differs = (
                        defined.differs(there.replica(name))
                        if mine is None
                        else defined.differs(mine, "tags")
                    )
                    expected.setdefault(name, set()).update(differs)
                elif name not in there.repositories:
                    for made in models[home].made(name):
                        differs = made.differs(there.replica(name))
                        keys = [k for k in namespaces if name.startswith(k.removesuffix("ROOT"))]
                        assert not differs or any(differs <= told[k] for k in keys), (name, differs)
                        for key in keys:
                            seen[key] |= differs
        repositories = {k: v for k, v in told.items() if k not in namespaces}
        assert repositories == {k: v for k, v in expected.items() if v}
        assert all(told[k] <= seen[k] for k in namespaces), (told, seen)


@MANY
@given(apps())
def test_a_registry_accepts_what_is_sent_to_it_and_nothing_else(files: dict[str, Any]) -> None:
    environments = load(files)
    inside = {environment.account for environment in environments.values()}
    for place in PLACES:
        sent: dict[str, set[str]] = {}
        for home, names in copies(environments, place.account_id, place.region):
            sent.setdefault(home.account_id, set()).update(names)
        sent.pop(place.account_id, None)
        accepted = [
            statement
            for name, environment in environments.items()
            for statement in statements_of(environment, environments.neighbours[name]).get(
                place, ()
            )
        ]
        missing = {
            (environments[name].account, statement)
            for name, neighbours in environments.neighbours.items()
            for registry, statement in neighbours.missing.items()
            if registry == place
        }
        assert not (accepted if place.account_id not in inside else missing)
        # Environments of one account all print the same.
        statements = accepted or [statement for _, statement in missing]
        parts = [part for statement in statements for part in statement.render(place)]
        arn = f"arn:aws:ecr:{place.region}:{place.account_id}:repository/"
        taken: dict[str, set[str]] = {}
        for part in parts:
            account = str(dict(part["Principal"])["AWS"])  # type: ignore[call-overload]
            resources = (
                part["Resource"] if isinstance(part["Resource"], list) else [part["Resource"]]
            )
            assert account not in taken
            taken[account] = {
                n for n in NAMES if any(fnmatchcase(f"{arn}{n}", str(r)) for r in resources)
            }
        assert taken == sent
