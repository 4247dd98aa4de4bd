"""Other types: how what was meant is written, where a value is not of the type that it must be."""

import re
from typing import Any, NamedTuple


class _Meant(NamedTuple):
    """What is said of some values; all but the last are patterns."""

    expected: str
    """What the value must be."""
    what: str
    """What the sentence calls the value."""
    written: str
    """The value as it is written; `[]` and `{}` are any list and any mapping that is not empty."""
    said: str
    """What to write instead, in which `\\g<0>` is the value and `\\1` a part of it."""


_SCALAR = r"(?!\[]|\{}).+"
_LISTS = "a list.*"
_MAPPINGS = "a mapping.*"
_WHOM = "an item of (?:pull|push|pull_push|read|principals|administrators|creators)"
_ACCOUNT = r'write account: "\1" instead'

# The first that fits is told.
_MEANINGS = (
    _Meant("text", "a policy", r"\{}", "write AWS's JSON as text, below 'policy_document: |'"),
    _Meant("text", "value of tag '[^':]+:[^':]+'", "", "write a space after ':'"),
    _Meant("text", ".*", r"\{}", "write the text alone"),
    _Meant("text", ".*", r"\[]", "write one text, without '- ' and brackets"),
    _Meant("text.*", ".*", r"(?i)true|false|[-+]?[0-9.]+", 'write it in quotes: "\\g<0>"'),
    _Meant("true or false", ".*", "(?i)yes|y|on|true", "write true"),
    _Meant("true or false", ".*", "(?i)no|n|off|false", "write false"),
    _Meant("a whole number", ".*", r"\s*([0-9]{1,100})\s*", r"write it without quotes: \1"),
    _Meant(_LISTS, ".*", r"(?s)(?!\[]).+", "write it as a list, with '- ' before it"),
    _Meant(_MAPPINGS, ".*", r"(?!arn:)[a-z_]{1,100}:\S*", "write a space after ':'"),
    _Meant(
        _MAPPINGS,
        "a repository",
        r"true|false|[0-9]+|[A-Z0-9_]+",
        "indent it below its repository",
    ),
    _Meant(
        _MAPPINGS,
        "a repository",
        r"(?!\{}).+",
        "write its settings below it, such as 'scan_on_push: true'",
    ),
    _Meant(_MAPPINGS, ".*", r"\[]", "write keys with ':', without '- ' before them"),
    _Meant(_MAPPINGS, "repositories", _SCALAR, "write ':' after the name of each"),
    _Meant(_MAPPINGS, "assume_role", _SCALAR, "write it below, after 'role_arn: '"),
    _Meant(_MAPPINGS, "required_providers", _SCALAR, "write it below, after 'aws: '"),
    _Meant(_MAPPINGS, "backend", "s3|local", "write ':' after it, and its settings below"),
    _Meant(_MAPPINGS, "s3", _SCALAR, "write it below, after 'bucket: '"),
    _Meant(_MAPPINGS, "local", _SCALAR, "write it below, after 'path: '"),
    _Meant(_MAPPINGS, "an item of destinations", _SCALAR, "write 'region: ' before it"),
    _Meant(_MAPPINGS, _WHOM, r"arn:.*:role/.*", "write 'role: ' before it"),
    _Meant(_MAPPINGS, _WHOM, r"arn:.*:user/.*", "write 'user: ' before it"),
    _Meant(_MAPPINGS, _WHOM, r"arn:aws[a-z-]*:iam::([0-9]{12}):root", _ACCOUNT),
    _Meant(_MAPPINGS, _WHOM, "([0-9]{12})", _ACCOUNT),
    _Meant(_MAPPINGS, _WHOM, r"(o-[a-z0-9]{10,32})", r"write 'organization: ' before it"),
    _Meant(
        _MAPPINGS,
        _WHOM,
        r"\*",
        "name who it is; everybody is for a 'policy_document', with 'public_access'",
    ),
    _Meant(_MAPPINGS, _WHOM, _SCALAR, "write what it is before it, such as 'role: '"),
)


def other_type(sentence: str, value: Any, written: str) -> str:
    """What is added to the sentence of a wrong type, or nothing.

    :param written: a scalar as it is written.
    """
    collection = "[]" if isinstance(value, list) else "{}"
    text = collection if value and isinstance(value, list | dict) else written
    what, _, expected = sentence.split(", got ", maxsplit=1)[0].partition(" must be ")
    for meant in _MEANINGS:
        found = re.fullmatch(meant.written, text)
        if found and re.fullmatch(meant.expected, expected) and re.fullmatch(meant.what, what):
            return f"; {found.expand(meant.said)}"
    return ""
