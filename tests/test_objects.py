import json
import re
from pathlib import Path

import pytest
from lifecycle_command import (
    IMAGES,
    NOW,
    digest,
    fates,
    objects,
    preview,
    run,
)

from cli.in_use import use_of
from cli.preview import Request
from cli.preview import preview as preview_of
from ecr_constructs import parse_image


def test_json_is_an_object_for_each_image(folder: Path) -> None:
    first, *_, last = objects("--policy", "policy.json")
    assert first == {
        "repositoryName": "payments/api",
        "imageDigest": digest(1),
        "imageTags": ["v3", "latest"],
        "imagePushedAt": IMAGES[0]["imagePushedAt"],
        "imageSizeInBytes": 1_500_000,
        "rulePriority": 1,
        "action": "keep",
        "reason": "rule 1 keeps it: among the 2 youngest",
        "inUse": [],
    }
    assert last["reason"] == "rule 2: pushed 31 days ago, more than 30"
    assert fates(objects("--policy", "policy.json")) == {
        "1": (1, "keep"),
        "2": (1, "keep"),
        "3": (1, "expire"),
        "4": (2, "keep"),
        "5": (2, "expire"),
        "6": (2, "expire"),
    }


def test_json_of_no_image_is_an_empty_list(folder: Path) -> None:
    (folder / "none.json").write_text('{"imageDetails": []}')
    found = run("preview", "-p", "policy.json", "-i", "none.json", "-f", "json")
    assert (found.exit_code, json.loads(found.stdout)) == (0, [])
    assert found.stderr == "the files hold no image\n"
    same = preview("-p", "policy.json", "--against", "policy.json", "-f", "json")
    assert json.loads(same.stdout) == []


def test_json_tells_who_uses_an_image(folder: Path) -> None:
    (folder / "in-use.txt").write_text(f"payments/api:v1\n{digest(3)}\npayments/api:v3\n")
    arguments = ["-p", "policy.json", "--keep-in-use", "in-use.txt", "-f", "json"]
    found = {o["imageDigest"][-1]: o["inUse"] for o in json.loads(preview(*arguments).stdout)}
    assert found == {
        **{number: [] for number in "2456"},
        "1": ["in-use.txt:3"],
        "3": ["in-use.txt:1", "in-use.txt:2"],
    }
    # What is in use and goes is there though it goes by both policies.
    both = preview(*arguments, "--against", "policy.json")
    assert both.exit_code == 3
    [only] = json.loads(both.stdout)
    assert (only["imageDigest"], only["before"]["action"]) == (digest(3), "expire")
    table = preview(*arguments[:-2], "--against", "policy.json")
    assert "deleted as before  000000000000  v1" in table.stdout
    assert re.search(r"\npayments/api +3 \(", table.stdout)


def test_json_tells_once_who_uses_an_image_in_two_ways(capsys: pytest.CaptureFixture[str]) -> None:
    uses = [use_of(reference, "task a") for reference in ("payments/api:v1", digest(3))]
    request = Request(
        policy=(),
        images={"payments/api": [parse_image(IMAGES[2])]},
        at=NOW,
        uses=[use for use in uses if use],
        format="json",
    )
    assert preview_of(request) == 0
    written, said = capsys.readouterr()
    assert [image["inUse"] for image in json.loads(written)] == [["task a"]]
    assert said == ""
