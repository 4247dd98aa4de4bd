"""An independent scanner looks at what ships. It lives in an environment of its own."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from local.terraform import synthesize

PROJECT = Path(__file__).parent.parent
CHECKOV = PROJECT / ".checkov" / "bin" / "checkov"


def test_finds_nothing_on_production(tmp_path: Path) -> None:
    if not CHECKOV.exists() and os.environ.get("CI") != "true":
        pytest.skip("needs checkov; 'make test' installs it in .checkov")
    synthesize(PROJECT, tmp_path)
    stack = tmp_path / "stacks" / "ecr-prod"
    result = subprocess.run(
        [CHECKOV, "-d", stack, "--framework", "terraform_json", "-o", "json", "--skip-download"],
        capture_output=True,
        text=True,
        check=False,
    )
    results = json.loads(result.stdout)["results"]
    assert results["parsing_errors"] == []
    assert results["failed_checks"] == []
    # Immutable tags, scan on push, a KMS key.
    passed = {check["check_id"] for check in results["passed_checks"]}
    assert passed >= {"CKV_AWS_51", "CKV_AWS_163", "CKV_AWS_136"}
