"""Expression: what Terraform would evaluate, of which an environment file holds none."""

import json
from collections.abc import Iterator

from ecr_constructs import Check, Problem
from ecr_constructs.checks import shown
from ecr_constructs.terraform_text import holds_expression
from stacks.yaml_file import Node

EXPRESSION = Check(
    "an environment file takes no expressions ('${')",
    "this app: Terraform would evaluate them; IAM's variables below `conditions` are data",
    "write the value itself",
)

_STATEMENTS = ("policy_statements", "repository_policy_statements")
_DOCUMENT = "policy_document"


def expression_problems(root: Node) -> Iterator[tuple[Node, Problem]]:
    """What Terraform would evaluate of a file, and where it is written.

    In the conditions of a policy statement, and in a policy document, variables of IAM are data.
    """
    pending = [(root, "", False)]
    while pending:
        node, key, is_iam = pending.pop()
        text = _text(node.value, key)
        if text is not None and _is_evaluated(text, is_iam=is_iam):
            yield node, EXPRESSION.problem(shown(text))
        if isinstance(node.value, list):
            pending += [(child, key, is_iam) for child in node.value]
        for name, child in node.value.items() if isinstance(node.value, dict) else ():
            of_iam = name == _DOCUMENT or (name == "conditions" and key in _STATEMENTS)
            pending.append((child, name, is_iam or of_iam))
            if _is_evaluated(name, is_iam=is_iam or of_iam):
                yield child, EXPRESSION.problem(shown(name))


def _is_evaluated(text: str, *, is_iam: bool) -> bool:
    return holds_expression(text) or ("${" in text and not is_iam)


def _text(value: object, key: str) -> str | None:
    """A text without the escapes of JSON behind which an expression could hide."""
    if not isinstance(value, str) or key != _DOCUMENT:
        return value if isinstance(value, str) else None
    try:
        return json.dumps(json.loads(value), ensure_ascii=False)
    except (ValueError, RecursionError):
        return value
