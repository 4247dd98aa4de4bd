import json
import re
from pathlib import Path

from lifecycle_command import (
    details,
    preview,
)


def test_the_table_is_for_people(folder: Path) -> None:
    found = preview("--policy", "policy.json")
    assert found.exit_code == 0
    rows = [re.split(r"\s{2,}", line.strip()) for line in found.stdout.splitlines()]
    assert rows == [
        ["Repository", "Stay", "Deleted", "Archived", "Rules that act", "Never can"],
        ["payments/api", "3 (10.5 MB)", "2 (12.0 MB)", "0", "1 (1), 2 (1)"],
        ["web/storefront", "0", "1 (9.0 MB)", "0", "2 (1)"],
        ["Total", "3 (10.5 MB)", "3 (21.0 MB)", "0"],
    ]
    assert found.stderr == ""


def test_verbose_tells_of_each_image_with_its_reason(folder: Path) -> None:
    found = preview("-p", "policy.json", "-r", "payments/api", "--verbose").stdout.splitlines()
    lines = [re.split(r"\s{2,}", line.strip()) for line in found[1:6]]
    assert found[0] == "payments/api"
    # The youngest first.
    assert [(line[0], line[2], line[-1]) for line in lines] == [
        ("stays", "v3, latest", "rule 1 keeps it: among the 2 youngest"),
        ("stays", "untagged", "rule 2 keeps it: pushed 10 days ago, not more than 30"),
        ("stays", "v2", "rule 1 keeps it: among the 2 youngest"),
        ("deleted", "v1", "rule 1: not among the 2 youngest"),
        ("deleted", "untagged", "rule 2: pushed 50 days ago, more than 30"),
    ]


def test_a_table_is_as_wide_as_it_needs_to_be(folder: Path) -> None:
    name = "a" * 256
    (folder / "images.json").write_text(json.dumps([details(1, 3, repositoryName=name)]))
    found = preview("-p", "policy.json").stdout.splitlines()
    assert found[1].split()[0] == name
    assert [line for line in found if line != line.rstrip()] == []
