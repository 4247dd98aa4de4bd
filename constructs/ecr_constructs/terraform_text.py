"""Text as Terraform reads it: in its JSON every string is a template."""

import json
import re

# The policy variables of IAM, such as ${aws:PrincipalTag/team} or ${*}, which Terraform would take
# for expressions of its own. A token of CDKTF has no colon after its first word.
_IAM_VARIABLE = re.compile(r"\$\{(?=[A-Za-z0-9-]+:[A-Za-z]|[*?$]\})")


# An expression without braces inside, which JSON has escaped on the way.
_EXPRESSION = re.compile(r"(?<!\$)\$\{[^{}]*\}")


def holds_expression(text: str) -> bool:
    """Whether Terraform would evaluate a part of the text; variables of IAM are none."""
    start = _IAM_VARIABLE.sub("", text).find("${") if "${" in text else -1
    return start >= 0 and text.rfind("}") > start


def escaped(text: str) -> str:
    """The text with what Terraform would take for a template doubled; tokens stay as they are."""
    return _IAM_VARIABLE.sub("$${", text).replace("%{", "%%{")


def json_text(document: object) -> str:
    """A policy document as one line of JSON, keys in the given order."""
    text = escaped(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
    return _EXPRESSION.sub(lambda found: str(json.loads(f'"{found[0]}"')), text)
