import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecr_constructs import bindings
from stacks import load_environments

PROJECT = Path(__file__).parent.parent


def run(out: Path, *, environments: Path | None = None, code: str = "", **environ: str) -> str:
    """Run the app as a process of its own, and return what it prints for people.

    :param code: runs before the app, in its process.
    """
    environ = {**os.environ, "CDKTF_OUTDIR": str(out), **environ}
    if environments is not None:
        environ["ECR_ENVIRONMENTS"] = str(environments)
    app = f"{code}\nimport runpy; runpy.run_path('main.py', run_name='__main__')"
    result = subprocess.run(
        [sys.executable, "-c", app],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout


def files(folder: Path) -> dict[str, bytes]:
    found = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {str(path.relative_to(folder)): content for path, content in found.items()}


def test_writes_a_stack_for_each_environment(tmp_path: Path) -> None:
    printed = run(tmp_path)
    environments = load_environments(PROJECT / "environments")
    stacks = {f"ecr-{name}": len(found.repositories) for name, found in environments.items()}
    assert printed.splitlines() == [
        f"{tmp_path}/stacks/{name}/cdk.tf.json: {count} repositories"
        for name, count in stacks.items()
    ]
    assert {path.name for path in (tmp_path / "stacks").iterdir()} == set(stacks)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run."""
    folder = tmp_path_factory.mktemp("written")
    run(folder)
    return folder


def test_names_no_path_of_the_machine(written: Path) -> None:
    for name, content in files(written).items():
        for path in (written, PROJECT, Path.home()):
            assert f"{path}/".encode() not in content, name


ORDINARY_IMPORT = "import cdktf_cdktf_provider_aws"


def test_writes_the_same_bytes_every_time_and_with_the_bindings_imported_the_ordinary_way(
    written: Path, tmp_path: Path
) -> None:
    run(tmp_path / "again")
    run(tmp_path / "ordinary", code=ORDINARY_IMPORT)
    first = files(written)
    assert len(first) == 4
    assert files(tmp_path / "again") == first
    assert files(tmp_path / "ordinary") == first


def test_takes_the_options_and_the_node_of_the_user(written: Path, tmp_path: Path) -> None:
    node = bindings.node_environment({})["JSII_NODE"]
    run(tmp_path, JSII_NODE=node, NODE_OPTIONS="--no-deprecation")
    assert files(tmp_path) == files(written)


def test_a_warning_is_shown_once_and_does_not_fail(tmp_path: Path) -> None:
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "dev.yaml").write_text(
        'account: "111111111111"\nregion: us-east-1\n'
        "repository_defaults: {encryption_type: KMS, kms_key: alias/ecr}\n"
        "repositories: {aa: , bb: }\n"
    )
    warning, stack = run(tmp_path / "out", environments=environments).splitlines()
    assert warning.startswith(
        f"{environments}/dev.yaml:3: warning: repository_defaults.kms_key: AWS answers"
    )
    assert stack == f"{tmp_path}/out/stacks/ecr-dev/cdk.tf.json: 2 repositories"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["stacks"]["ecr-dev"]["annotations"] == []


def test_a_bad_file_gives_sentences_and_touches_nothing(tmp_path: Path) -> None:
    environments, out = tmp_path / "environments", tmp_path / "cdktf.out"
    environments.mkdir()
    good = 'account: "111111111111"\nregion: us-east-1\n'
    (environments / "good.yaml").write_text(good)
    run(out, environments=environments)
    before = files(out)
    (environments / "bad.yaml").write_text(good + "repositories: {X: }\ntag: {}\n")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(out, environments=environments)
    assert caught.value.returncode == 1
    assert caught.value.stdout == ""
    assert caught.value.stderr.splitlines() == [
        f"{environments}/bad.yaml:3: repositories.X: repository name must be 2 to 256 characters,"
        " got 'X' (1)",
        f"{environments}/bad.yaml:4: tag: unknown key 'tag'; write 'tags'",
    ]
    assert files(out) == before


def test_leaves_no_stack_of_an_environment_that_is_gone(tmp_path: Path) -> None:
    environments, out = tmp_path / "environments", tmp_path / "cdktf.out"
    environments.mkdir()
    for name in ("dev", "old", "older"):
        (environments / f"{name}.yaml").write_text('account: "111111111111"\nregion: us-east-1\n')
    run(out, environments=environments)
    (environments / "old.yaml").unlink()
    (environments / "older.yaml").unlink()
    (out / "stacks" / "ecr-older" / "x.tfstate").write_text("{}")
    printed = run(out, environments=environments)
    assert f"{out}/stacks/ecr-old/cdk.tf.json: removed, its environment is gone" in printed
    assert {*files(out)} == {
        "manifest.json",
        "stacks/ecr-dev/cdk.tf.json",
        "stacks/ecr-older/x.tfstate",
    }
    assert not (out / "stacks" / "ecr-old").exists()


def test_takes_no_arguments() -> None:
    result = subprocess.run(
        [sys.executable, "main.py", "dev"], check=False, cwd=PROJECT, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "unrecognized arguments: dev" in result.stderr


def test_an_output_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    for output, said in ((file, "File exists"), (file / "below", "Not a directory")):
        with pytest.raises(subprocess.CalledProcessError) as caught:
            run(output)
        assert caught.value.returncode == 1
        assert caught.value.stderr == (
            f"{output}: the output must be a directory that can be written, got '{said}'\n"
        )
    assert file.read_text() == "kept"
