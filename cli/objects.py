"""Objects: what a preview found, in JSON for scripts."""

import json
from collections.abc import Sequence
from typing import IO, Any

from cli.outcome import Change, Found, action_text
from cli.output import tell
from cli.report import changed_of, notes_of


class JsonReport:
    """A JSON array for scripts: an object for each image, on a line of its own."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._first = True

    def images(self, found: Found, changes: Sequence[Change]) -> None:
        """Write the objects."""
        for change in changes:
            decision, image = change.decision, change.decision.image
            written: dict[str, Any] = {
                "repositoryName": found.repository_name,
                "imageDigest": image.image_digest,
                "imageTags": list(image.image_tags),
                "imagePushedAt": image.image_pushed_at.isoformat(),
                "imageSizeInBytes": image.image_size_in_bytes,
                "rulePriority": decision.rule_priority,
                "action": action_text(decision),
                "reason": decision.reason,
                "inUse": list(change.used_by),
            }
            if change.before is not None:
                written["before"] = {
                    "rulePriority": change.before.rule_priority,
                    "action": action_text(change.before),
                    "reason": change.before.reason,
                }
            self._out.write("[\n" if self._first else ",\n")
            self._out.write(json.dumps(written))
            self._first = False

    def end(self, found: Sequence[Found]) -> None:
        """Close the array; it has no room for notes."""
        self._out.write("[]\n" if self._first else "\n]\n")
        for line in notes_of(changed_of(found)[0]):
            tell(line)
