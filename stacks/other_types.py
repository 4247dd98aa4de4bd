"""Other types: how what was meant is written, where a value is not of the type that it must be."""

import re
from typing import Any, NamedTuple

from ecr_constructs.upstream import UPSTREAMS


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


_NULL = "|~|null|Null|NULL"
_SCALAR = r"(?!\[]|\{}).+"
_LISTS = "a list.*"
_MAPPINGS = "a mapping.*"
_GRANT = "(?:pull|push|pull_push|read)"
_NO_ONE = f"(?:{_GRANT}|principals)"
_WHOM = f"an item of (?:{_GRANT}|principals|administrators|creators)"
_ACCOUNT = r'write account: "\1" instead'

_EVERYBODY = "name who it is; everybody is for a 'policy_document', with 'public_access'"
_NAMED = "(?:repositories|ci_roles|pull_through_cache_rules|creation_templates|public_repositories)"

# The first that fits is told.
_MEANINGS = (
    _Meant("text", "a policy", r"\{}", "write AWS's JSON as text, below 'policy_document: |'"),
    _Meant("text", "value of tag '[^':]+:[^':]+'", "", "write a space after ':'"),
    _Meant("text", "value of tag .*", _NULL, "write ': ' and a value after it, such as \"\""),
    _Meant("text", "aws", r"\{}", "write the version alone, such as aws: '>= 6.8'"),
    _Meant("text", ".*", r"\{}", "write the text alone"),
    _Meant("text|one of.*", ".*", r"\[]", "write one, without '- ' and brackets"),
    _Meant("text", ".*", _NULL, "write it after ': '"),
    _Meant("one of.*", "action", r"\{}", "write it after ': ', such as 'action: expire'"),
    _Meant("one of.*", ".*", r"\{}", "write it after ': ', with no key below it"),
    _Meant("one of.*", ".*", _NULL, "write it after ': ', or leave the key out"),
    _Meant("true or false", ".*", _NULL, "write it after ': ', or leave the key out"),
    _Meant(
        "text",
        "account|registry_id|source_account",
        r"(?![0-9]{12}$)(?i:true|false|[-+]?[0-9.]+)",
        "write its 12 digits in quotes, with the zeros that it begins with",
    ),
    _Meant("text.*", ".*", r"(?i)true|false|[-+]?[0-9.]+", 'write it in quotes: "\\g<0>"'),
    _Meant("true or false", ".*", "(?i)(?:yes|y|on|true|enabled?|1)[;,]?", "write true"),
    _Meant("true or false", ".*", "(?i)(?:no|n|off|false|disabled?|0)[;,]?", "write false"),
    _Meant("a whole number", ".*", r"\s*([0-9]{1,100})\s*", r"write it without quotes: \1"),
    _Meant("a whole number", ".*", "[0-9]{101,}", "write a smaller one"),
    _Meant(
        "a whole number",
        ".*",
        r"0[xob][0-9a-fA-F]+|[0-9][0-9_]*|[0-9.]+[eE][0-9]+",
        "write it in decimal digits alone",
    ),
    _Meant("a whole number", ".*_days", r"([0-9]{1,9}) ?d(?:ays?)?", r"write \1"),
    _Meant("a whole number", ".*duration", "[0-9]{1,9} ?[a-z]{1,9}", "write it in seconds"),
    _Meant(_LISTS, _NO_ONE, r"(?i)true|\*|public|every(?:one|body)|anyone|all", _EVERYBODY),
    _Meant(
        _LISTS,
        "grants",
        r"\{}",
        "begin each with '- repository_prefixes: [payments/]', and write whom it is to below it",
    ),
    _Meant(_LISTS, ".*", _NULL, "write [] for none, and items below it with '- ' before each"),
    _Meant(_LISTS, "lifecycle_rules", _SCALAR, "write rules, such as '- max_image_count: 10'"),
    _Meant(_LISTS, ".*", r"(?s)(?!\[]).+", "write it as a list, with '- ' before it"),
    _Meant(
        _MAPPINGS,
        "repositories",
        r"[a-z0-9._/-]{2,256}(?: [a-z0-9._/-]{2,256})*",
        "write ':' after the name of each",
    ),
    _Meant(
        _MAPPINGS,
        ".*",
        r"(?!arn:)[a-z_]{1,100}:\S*(?: [a-z_]{1,100}:\S*)*",
        "write a space after ':'",
    ),
    _Meant(
        _MAPPINGS, ".*", r"[a-z_]{1,100}[ =]+[^ =\n].*", "write ': ' between a key and its value"
    ),
    _Meant(_MAPPINGS, "tags", _NULL, "write {} for none, and indent what is in it below it"),
    _Meant(_MAPPINGS, "an item of .*", _NULL, "write what it is after '- ', or leave it out"),
    _Meant(
        _MAPPINGS,
        "a repository",
        r"(?!\{}).*",
        "below 'repositories' go names, and below each, indented, its settings",
    ),
    _Meant(_MAPPINGS, _NAMED, r"\[]", "write the name of each as a key, with its settings below"),
    _Meant(_MAPPINGS, "replication", r"\[]", "write it below 'rules:'"),
    _Meant(
        _MAPPINGS,
        "conditions",
        r"\[]",
        "write an operator such as 'StringEquals:', and below it the key with its value",
    ),
    _Meant(_MAPPINGS, ".*", r"\[]", "write keys with ':', without '- ' before them"),
    _Meant(_MAPPINGS, "repositories", _SCALAR, "write ':' after the name of each"),
    _Meant(_MAPPINGS, "tags", _SCALAR, "write keys with ':', such as 'team: platform'"),
    _Meant(_MAPPINGS, "backend", "s3|local", "write ':' after it, and its settings below"),
    *(
        _Meant(_MAPPINGS, what, _SCALAR, f"write it below, after '{key}: '")
        for what, key in {
            "assume_role": "role_arn",
            "required_providers": "aws",
            "s3": "bucket",
            "local": "path",
            "scanning": "scan_type",
            "repository_key": "alias",
        }.items()
    ),
    *(
        _Meant(_MAPPINGS, what, written, f"write '{key}: ' before it")
        for what, written, key in (
            ("a rule", "|".join(UPSTREAMS), "upstream_registry"),
            ("a rule", _SCALAR, "upstream_registry_url"),
            ("an item of destinations", "[a-z]+(?:-[a-z]+)+-?[0-9]", "region"),
            ("an item of destinations", r"(?![0-9]+\Z)[^ ]+", "environment"),
            ("an item of lifecycle_rules", "[0-9]+", "max_image_count"),
            ("an item of github_actions", ".+/.+", "repository"),
            ("an item of gitlab", ".+/.+", "project"),
            (_WHOM, "arn:.*:role/.*", "role"),
            (_WHOM, "arn:.*:user/.*", "user"),
            (_WHOM, "o-[a-z0-9]{10,32}", "organization"),
        )
    ),
    _Meant(_MAPPINGS, _WHOM, r"arn:aws[a-z-]*:iam::([0-9]{12}):root", _ACCOUNT),
    _Meant(_MAPPINGS, _WHOM, "([0-9]{12})", _ACCOUNT),
    _Meant(_MAPPINGS, _WHOM, r"\*", _EVERYBODY),
    _Meant(_MAPPINGS, _WHOM, _SCALAR, "write what it is before it, such as 'role: '"),
    _Meant(_MAPPINGS, ".*", _SCALAR, "write its keys below it, each with ': '"),
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
