"""Policy JSON: documents as AWS takes and returns them, read back."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ecr_constructs.checks import (
    Check,
    InvalidValueError,
    Path,
    Problem,
    closest,
    did_you_mean,
    shown,
    wrong_type,
)

_CLOSED = "ECR API error, 'Lifecycle policy validation failure'; IAM user guide, policy elements"
SYNTAX = Check("a policy must be JSON", "ECR API, `LifecyclePolicyText`, `RepositoryPolicyText`")
KEY_TWICE = Check("a policy must not repeat a key", "RFC 8259: the names in an object are unique")
UNKNOWN_KEY = Check("a policy takes no key {key} here", _CLOSED)
MISSING_KEY = Check("a policy needs the key {key} here", _CLOSED)


NEWEST_VERSION = "2012-10-17"
"""Of the policies that are written here. The older one, 2008-10-17, knows no variables."""

_TRAILING = re.compile(r",\s*[\]}]")
# The name of a file, where its text should be.
_FILE = re.compile(r"\s*(?:file://\S+|[\w./~-]+\.json)\s*", re.ASCII)
_NAMES = {str: "text", int: "a whole number", list: "a list", dict: "an object", object: "a value"}


def parsed(text: str) -> Any:
    """The data of a JSON text.

    :raises ValueError: where it is not JSON, or repeats a key.
    """
    if not isinstance(text, str):
        raise InvalidValueError([wrong_type("a policy", "text", text)])
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except InvalidValueError:
        raise
    except json.JSONDecodeError as error:
        hint = "; write what is in the file, not its name" if _FILE.fullmatch(text) else ""
        if _TRAILING.search(text):
            hint = "; take the last ',' before ']' or '}' away"
        problem = SYNTAX.problem(f"line {error.lineno}: {error.msg}", hint=hint)
        raise InvalidValueError([problem]) from error
    except (RecursionError, ValueError) as error:
        # Python reads no number of more than some thousand digits.
        got = "values that are nested too deep or numbers that are too long"
        raise InvalidValueError([SYNTAX.problem(got)]) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidValueError([KEY_TWICE.problem(shown(twice))])
    return found


def members(
    value: object,
    path: Path,
    problems: list[Problem],
    *,
    required: Mapping[str, type],
    optional: Mapping[str, type],
    others: Mapping[str, str] | None = None,
) -> Mapping[str, Any]:
    """The members of an object that have the type that they should; the others are problems.

    AWS's schemas are closed: no other key is taken, and no null.

    :param problems: where problems are added, seen from `path`.
    :param others: what is said of other keys that somebody may write.
    """
    if not isinstance(value, dict):
        name = next((step for step in reversed(path) if isinstance(step, str)), "a policy")
        problems.append(wrong_type(name, "an object", value)._replace(path=path))
        return {}
    kinds = {**required, **optional}
    meant = meant_keys(value, kinds)
    missing = [key for key in required if key not in meant]
    problems.extend(MISSING_KEY.problem(path=path, key=shown(key)) for key in missing)
    found = {}
    for key, item in value.items():
        kind = kinds.get(key)
        if kind is None:
            hint = (others or {}).get(key) or did_you_mean(key, kinds)
            problems.append(UNKNOWN_KEY.problem(path=(*path, key), hint=hint, key=shown(key)))
        elif not isinstance(item, kind) or (isinstance(item, bool) and kind is int):
            problems.append(wrong_type(key, _NAMES[kind], item)._replace(path=(*path, key)))
        else:
            found[key] = item
    return found


def meant_keys(value: Iterable[str], known: Collection[str]) -> set[str | None]:
    """The keys that are there, also by nearly their names."""
    return {key if key in known else closest(key, known) for key in value}


def placed(problems: Iterable[Problem], path: Path, places: Mapping[str, Path]) -> list[Problem]:
    """Problems of a value of the library, seen from the document that it was read from.

    :param path: where the document has the value.
    :param places: keyword of the value -> where AWS's document has it, below that.
    """
    found = []
    for problem in problems:
        first, *rest = problem.path or ("",)
        place = places.get(str(first), (first,) if first else ())
        found.append(problem._replace(path=(*path, *place, *rest)))
    return found


def policy_of(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A policy with these statements as AWS writes it."""
    return {"Version": NEWEST_VERSION, "Statement": list(statements)}


def listed(value: object) -> Sequence[object]:
    """One or several: AWS's documents write one alone without a list."""
    return value if isinstance(value, list | tuple) else [value]


def one_or_all(values: Iterable[str]) -> str | list[str]:
    """The reverse: one alone, or a list of several."""
    found = list(values)
    return found[0] if len(found) == 1 else found


def texts(value: object) -> list[str]:
    """The values of a condition key as texts: AWS's documents write truths and numbers, too."""
    return [item if isinstance(item, str) else json.dumps(item) for item in listed(value)]


def named(element: object, kind: str) -> list[str]:
    """Whom a `Principal` names by a kind, such as `AWS`; a lone `*` is of that kind."""
    if isinstance(element, str):
        return [element] if kind == "AWS" else []
    return texts(dict(pairs(element)).get(kind, []))


def pairs(value: object) -> Iterator[tuple[str, Any]]:
    """The members of an object; none of anything else."""
    members = value.items() if isinstance(value, Mapping) else ()
    return ((str(key), item) for key, item in members)


def conditions_as_text(value: Mapping[str, Any]) -> dict[str, Any]:
    """Conditions with text for the truths and numbers that IAM's grammar takes as well."""
    return {
        operator: {key: _as_text(item) for key, item in keys.items()}
        if isinstance(keys, Mapping)
        else keys
        for operator, keys in value.items()
    }


def _as_text(value: object) -> object:
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return json.dumps(value) if isinstance(value, int | float) else value
