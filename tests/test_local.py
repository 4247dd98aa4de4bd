"""What stands between the tests and the machine's Terraform."""

from pathlib import Path

import pytest

from local import terraform
from local.environments import copy_environments
from stacks import load_environments


def mirror_below(root: Path, *folders: str) -> Path:
    mirror = root.joinpath(*folders)
    (mirror / "registry.terraform.io" / "hashicorp" / "aws").mkdir(parents=True)
    return mirror


@pytest.mark.parametrize("folders", [(), ("plugins",), ("a", "b")])
def test_finds_a_mirror_up_to_two_folders_below_a_root(
    tmp_path: Path, folders: tuple[str, ...]
) -> None:
    mirror = mirror_below(tmp_path, *folders)
    assert terraform.find_mirror([str(tmp_path / "none"), str(tmp_path)]) == mirror


def test_finds_no_mirror_where_there_is_none(tmp_path: Path) -> None:
    mirror_below(tmp_path, "a", "b", "c")
    assert terraform.find_mirror([str(tmp_path)]) is None


def test_names_the_mirror_in_a_configuration_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = mirror_below(tmp_path, "plugins")
    monkeypatch.setattr(terraform, "find_mirror", lambda: mirror)
    found = terraform.terraform_environ({"TF_CLI_CONFIG_FILE": "/no/such/file"}, tmp_path)
    assert f'path = "{mirror}"' in Path(found["TF_CLI_CONFIG_FILE"]).read_text()


def test_leaves_a_configuration_that_is_there(tmp_path: Path) -> None:
    own = tmp_path / "own.rc"
    own.touch()
    environ = {"TF_CLI_CONFIG_FILE": str(own)}
    assert terraform.terraform_environ(environ, tmp_path)["TF_CLI_CONFIG_FILE"] == str(own)


def test_drops_a_configuration_that_names_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "find_mirror", lambda: None)
    environ = {"TF_CLI_CONFIG_FILE": str(tmp_path / "none.rc")}
    assert "TF_CLI_CONFIG_FILE" not in terraform.terraform_environ(environ, tmp_path)


def test_copies_environments_that_can_be_destroyed_here(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "prod.yaml").write_text(
        'account: "012345678901"\n'
        "region: us-east-1\n"
        "backend: {s3: {bucket: state, region: us-east-1}}\n"
        "repository_defaults: {prevent_destroy: true, force_delete: true}\n"
        "repositories: {aa: {prevent_destroy: true}, bb: }\n"
    )
    copy_environments(source, target, protected=False)
    copied = load_environments(target)["prod"]
    assert copied.account == "012345678901"
    assert copied.backend.s3 is None
    assert {settings.prevent_destroy for settings in copied.repositories.values()} == {False}
    copy_environments(source, target, protected=True)
    assert load_environments(target)["prod"].repositories["bb"].prevent_destroy
