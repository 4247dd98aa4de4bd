"""The lifecycle command, and a folder with what it reads."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.__main__ import ecr

NOW = datetime.now(UTC)


POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "tagged",
                "tagPatternList": ["v*"],
                "countType": "imageCountMoreThan",
                "countNumber": 2,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "selection": {
                "tagStatus": "any",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 30,
            },
            "action": {"type": "expire"},
        },
    ]
}


ENVIRONMENT = """
account: "111111111111"
region: ap-northeast-2
repositories:
  payments/api:
    lifecycle_rules: [{tag_pattern_list: ["v*"], max_image_count: 2}, {max_image_age_days: 30}]
  web/storefront: {}
"""


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def details(number: int, days: float, *tags: str, **more: Any) -> dict[str, Any]:
    """An image as the AWS CLI prints it."""
    found = {
        "registryId": "111111111111",
        "repositoryName": "payments/api",
        "imageDigest": digest(number),
        "imageSizeInBytes": 1_500_000 * number,
        "imagePushedAt": (NOW - timedelta(days=days)).isoformat(),
        **more,
    }
    return {**found, "imageTags": list(tags)} if tags else found


IMAGES = [
    details(1, 3, "v3", "latest"),
    details(2, 20, "v2"),
    details(3, 40, "v1"),
    details(4, 10),
    details(5, 50),
    details(6, 31, repositoryName="web/storefront"),
]


def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a policy, images and an environment are, which is where the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ECR_ENVIRONMENTS", "environments")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "shop.yaml").write_text(ENVIRONMENT)
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    (tmp_path / "images.json").write_text(json.dumps({"imageDetails": IMAGES}))
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(ecr, ["lifecycle", *arguments], input=stdin)


def preview(*arguments: str, stdin: str | None = None) -> Result:
    found = run("preview", "--images", "images.json", *arguments, stdin=stdin)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def objects(*arguments: str) -> list[dict[str, Any]]:
    found = preview("--format", "json", *arguments)
    assert found.exit_code == 0, found.stderr
    written: list[dict[str, Any]] = json.loads(found.stdout)
    return written


def fates(written: list[dict[str, Any]]) -> Mapping[str, tuple[int | None, str]]:
    return {o["imageDigest"][-1]: (o["rulePriority"], o["action"]) for o in written}


def many(folder: Path, repositories: int, images: int, *tags: str) -> None:
    """Write images that go, and one that is young, of many repositories."""
    (folder / "images.json").write_text(
        json.dumps(
            [
                details(1 + n + 1000 * r, 31 + n, *tags, repositoryName=f"team-{r}/api")
                for r in range(repositories)
                for n in range(images)
            ]
        )
    )
