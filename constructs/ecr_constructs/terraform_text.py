"""Text as Terraform reads it: in its JSON every string is a template."""

import json
import re

# The policy variables of IAM, such as ${aws:PrincipalTag/team} or ${*}, which Terraform would take
# for expressions of its own. A token of CDKTF has no colon after its first word.
_IAM_VARIABLE = re.compile(r"\$\{(?=[A-Za-z0-9-]+:[A-Za-z]|[*?$]\})")


def escaped(text: str) -> str:
    """The text with what Terraform would take for a template doubled; tokens stay as they are."""
    return _IAM_VARIABLE.sub("$${", text).replace("%{", "%%{")


def json_text(document: object) -> str:
    """A policy document as one line of JSON, keys in the given order."""
    return escaped(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
