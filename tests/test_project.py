"""What holds for the repository as a whole."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stacks import load_environments

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text()


def blocks(language: str, page: str = README) -> list[str]:
    """The fenced blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return [PROJECT / name for name in listed.stdout.splitlines()]


def test_constructs_is_no_package() -> None:
    assert not (PROJECT / "constructs" / "__init__.py").exists()
    assert not (PROJECT / "tests" / "constructs" / "__init__.py").exists()


def test_the_library_knows_nothing_of_environments() -> None:
    for file in (PROJECT / "constructs" / "ecr_constructs").glob("*.py"):
        assert not re.search(
            r"^\s*(from|import) (stacks|local|pydantic)", file.read_text(), re.MULTILINE
        )


@pytest.mark.parametrize("package", ["stacks", "cli"])
def test_contributing_names_every_room_once(package: str) -> None:
    page = (PROJECT / "CONTRIBUTING.md").read_text()
    [rooms] = re.findall(rf"^The rooms of `{package}/`.*\n\n((?:- .*\n)+)", page, re.MULTILINE)
    there = {file.stem for file in (PROJECT / package).glob("*.py")} - {"__init__", "__main__"}
    assert sorted(re.findall(r"^- `(\w+)` ", rooms, re.MULTILINE)) == sorted(there)


def test_locks_name_no_source() -> None:
    lock = json.loads((PROJECT / "Pipfile.lock").read_text())
    assert lock["_meta"]["sources"] == []
    assert not [p for group in ("default", "develop") for p in lock[group].values() if "index" in p]
    assert "source" not in (PROJECT / "Pipfile").read_text().replace("[[source]]:", "")
    assert '"resolved"' not in (PROJECT / "package-lock.json").read_text()


def test_workflow_satisfies_the_published_schema() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    workflows = map(str, PROJECT.glob(".github/workflows/*.yml"))
    command = [str(checker), "--builtin-schema", "vendor.github-workflows", *workflows]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("block", blocks("yaml")[4:], ids=["release", "lifecycle preview"])
def test_workflow_of_the_readme_satisfies_the_published_schema(tmp_path: Path, block: str) -> None:
    workflow = tmp_path / "workflow.yml"
    workflow.write_text(block)
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [str(checker), "--builtin-schema", "vendor.github-workflows", str(workflow)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_pre_commit_refuses_a_package_called_constructs(tmp_path: Path) -> None:
    pre_commit = Path(sys.executable).with_name("pre-commit")
    config = PROJECT / ".pre-commit-config.yaml"
    subprocess.run([pre_commit, "validate-config", config], check=True, capture_output=True)
    repository = tmp_path / "repository"
    (repository / "constructs").mkdir(parents=True)
    (repository / "constructs" / "__init__.py").touch()
    subprocess.run(["git", "init", "-q"], cwd=repository, check=True)
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    run = [str(pre_commit), "run", "--config", str(config), "--all-files"]
    hook = [*run, "constructs-is-no-package"]
    result = subprocess.run(hook, cwd=repository, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "constructs/__init__.py" in result.stdout


def test_the_library_of_the_readme_synthesizes(tmp_path: Path) -> None:
    [example] = blocks("python")
    (tmp_path / "app.py").write_text(example)
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, check=True, capture_output=True)
    stack = json.loads((tmp_path / "cdktf.out/stacks/registry/cdk.tf.json").read_text())
    assert [r["name"] for r in stack["resource"]["aws_ecr_repository"].values()] == ["payments/api"]
    assert "aws_ecr_replication_configuration" in stack["resource"]


def test_the_files_of_the_readme_are_environments(tmp_path: Path) -> None:
    fragment, whole, grants, roles, *_ = blocks("yaml")
    file = tmp_path / "example.yaml"
    file.write_text(whole)
    assert "payments/api" in load_environments(tmp_path)["example"].repositories
    dev = (PROJECT / "environments" / "dev.yaml").read_text()
    file.write_text(dev.replace("repositories:\n", f"repositories:\n{fragment}"))
    assert "payments/refunds" in load_environments(tmp_path)["example"].repositories
    file.write_text(dev + roles + grants)
    assert "payments-ci" in load_environments(tmp_path)["example"].ci_roles


def test_the_sentences_of_the_readme_are_those_of_the_app(tmp_path: Path) -> None:
    refused, warned = re.findall(r"^```\n(environments/.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [""] * 14
    lines[0] = "account: 012345678901"
    lines[1] = "region: ap-northeast-2"
    lines[3] = "asume_role: {role_arn: 'arn:aws:iam::012345678901:role/deploy'}"
    lines[9:12] = ["repositories:", "  payments/api:", "    lifecycle_rules:"]
    lines[12] = "      - description: none"
    lines[13] = "        max_image_count: 0"
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "prod.yaml").write_text("\n".join(lines))
    app = [sys.executable, str(PROJECT / "main.py")]
    result = subprocess.run(app, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.stderr == refused
    (environments / "prod.yaml").unlink()
    lines = [""] * 12
    lines[0:2] = ['account: "111111111111"', "region: ap-northeast-2"]
    lines[8:10] = ["repository_defaults:", "  lifecycle_rules:"]
    lines[10] = "    - {tag_prefix_list: [v], max_image_count: 5}"
    lines[11] = "    - {tag_prefix_list: [v1], max_image_count: 1}"
    (environments / "dev.yaml").write_text("\n".join(lines))
    result = subprocess.run(app, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.startswith(warned)


def test_the_session_of_the_readme_is_a_real_one() -> None:
    [session] = blocks("console")
    command, *shown, status_of, status = session.splitlines()
    arguments = command.removeprefix("$ pipenv run ecr ").split()
    found = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line.rstrip() for line in (found.stdout + found.stderr).splitlines()] == shown
    assert (status_of, status) == ("$ echo $?", str(found.returncode))


@pytest.mark.parametrize(
    ("written", "said", "status", "expected"),
    [
        ("### Lifecycle preview", "", 0, "### Lifecycle preview\n"),
        ("### Lifecycle preview", "v1 is in use", 3, "### Lifecycle preview\n"),
        ("", "no\nRegion", 2, "### Lifecycle preview\n\n    no\n    Region\n"),
    ],
)
def test_the_workflow_of_the_readme_has_something_to_post(
    tmp_path: Path, written: str, said: str, status: int, expected: str
) -> None:
    [workflow] = [yaml.safe_load(b) for b in blocks("yaml") if "lifecycle preview" in b]
    [step] = [s for s in workflow["jobs"]["preview"]["steps"] if s.get("id") == "preview"]
    pipenv = tmp_path / ".pipenv" / "bin" / "pipenv"
    pipenv.parent.mkdir(parents=True)
    lines = [f"echo '{written}'"] if written else []
    pipenv.write_text("\n".join(["#!/bin/sh", *lines, f"echo '{said}' >&2", f"exit {status}"]))
    pipenv.chmod(0o755)
    # As GitHub runs it.
    found = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == status
    assert said in found.stdout
    assert (tmp_path / "preview.md").read_text() == expected


@pytest.mark.parametrize("target", re.findall(r"`make ([a-z-]+)", README))
def test_the_targets_of_the_readme_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "docs/access.md", "docs/registry.md", "docs/lifecycle.md"],
)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    file = PROJECT / page
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", file.read_text()):
        assert (file.parent / link).resolve() in tracked(), link


def test_the_registry_page_writes_what_is_accepted(tmp_path: Path) -> None:
    found = blocks("yaml", (PROJECT / "docs" / "registry.md").read_text())
    assert len(found) == 4
    (tmp_path / "dr.yaml").write_text('account: "222222222222"\nregion: us-west-2\n')
    for number, block in enumerate(found):
        head = f'account: "{number:012}"\nregion: ap-northeast-2\n'
        repositories = "repositories: {payments/api: }\n"
        (tmp_path / f"env{number}.yaml").write_text(head + repositories + block)
    assert load_environments(tmp_path).warnings == ()
