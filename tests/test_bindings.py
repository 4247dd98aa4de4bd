import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from ecr_constructs import bindings


def python(code: str, **environ: str) -> str:
    """What a Python process of its own prints."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


COUNT = (
    "import sys; print(sum(m.count('.') == 1 and m.startswith('cdktf_cdktf_provider_aws.')"
    " for m in sys.modules))"
)


def test_is_tested_with_the_version_that_is_installed() -> None:
    assert version("cdktf-cdktf-provider-aws") == bindings.TESTED_VERSION


def test_loads_only_the_resources_that_are_used() -> None:
    assert int(python(f"import ecr_constructs; {COUNT}")) < 30


def test_other_resources_load_when_they_are_asked_for() -> None:
    code = "import ecr_constructs, cdktf_cdktf_provider_aws as aws; "
    assert python(code + "print(aws.s3_bucket.S3Bucket.__name__)") == "S3Bucket"
    code = "import ecr_constructs; from cdktf_cdktf_provider_aws import ecr_repository as e; "
    assert python(code + "print(e.EcrRepository.__name__)") == "EcrRepository"


def test_an_unknown_resource_is_an_attribute_error() -> None:
    code = "import ecr_constructs, cdktf_cdktf_provider_aws as aws; print(hasattr(aws, 'x'))"
    assert python(code) == "False"


def test_node_loads_only_the_resources_that_are_used(tmp_path: Path) -> None:
    count = tmp_path / "count.cjs"
    written = tmp_path / "count"
    count.write_text(
        "process.on('exit', () => {\n"
        "  const files = Object.keys(require.cache).filter((f) => f.includes('provider-aws'));\n"
        f"  require('fs').appendFileSync({json.dumps(str(written))}, files.length + ' ');\n"
        "});\n"
    )
    use = "import ecr_constructs, cdktf; s = cdktf.TerraformStack(cdktf.App(), 's'); "
    use += "ecr_constructs.Repository(s, 'r', repository_name='ab')"
    # The CDKTF CLI gives Node options, too.
    python(use, NODE_OPTIONS=f"--max-old-space-size=4096 --require={count}")
    assert 1 < max(map(int, written.read_text().split())) < 20


def test_the_second_run_finds_an_index_of_the_types(tmp_path: Path) -> None:
    use = "import ecr_constructs; print(ecr_constructs.Repository.__name__)"
    started = python(use, JSII_RUNTIME_PACKAGE_CACHE_ROOT=str(tmp_path))
    assert started == "Repository"
    end = time.monotonic() + 120
    while not list(tmp_path.glob("@cdktf/provider-aws/*/*/.jsii.runtime.v*.json")):
        assert time.monotonic() < end, "jsii's index of the AWS bindings was not written"
        time.sleep(0.5)


@pytest.mark.parametrize("environ", [{}, {"NODE_OPTIONS": "--no-warnings"}])
def test_leaves_the_environment_as_it_was(environ: dict[str, str]) -> None:
    code = "import os; before = dict(os.environ); import ecr_constructs; "
    assert python(code + "print(before == dict(os.environ))", **environ) == "True"


def test_steps_aside_for_what_the_user_has_set() -> None:
    assert set(bindings.node_environment({})) == {"NODE_OPTIONS", "JSII_NODE"}
    assert bindings.node_environment({"JSII_NODE": "/x/node"})["JSII_NODE"] == "/x/node"
    options = bindings.node_environment({"NODE_OPTIONS": "--max-old-space-size=4096"})
    assert options["NODE_OPTIONS"].startswith("--max-old-space-size=4096 --require=")


def test_steps_aside_where_node_runs_and_where_the_bindings_are_loaded() -> None:
    assert not bindings.start_node()
    assert not bindings.load_submodules_lazily()


def test_steps_aside_for_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, bindings.PACKAGE)
    monkeypatch.setattr(bindings, "TESTED_VERSION", "0")
    assert not bindings.load_submodules_lazily()
    assert bindings.PACKAGE not in sys.modules


def test_a_preload_file_may_be_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / 'a "b" c\\d'
    folder.mkdir()
    (folder / "lazy.cjs").write_text("console.log('loaded')")
    monkeypatch.setattr(bindings, "PRELOAD", folder / "lazy.cjs")
    wanted = bindings.node_environment({})
    result = subprocess.run(
        [wanted["JSII_NODE"], "-e", ""],
        env={"NODE_OPTIONS": wanted["NODE_OPTIONS"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "loaded"
