"""Terraform: the machine's own, with a provider mirror where the machine has one."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_AWS = Path("registry.terraform.io", "hashicorp", "aws")
# Where a machine without internet may keep an unpacked mirror that Terraform does not look into.
_MIRROR_ROOTS = ("/opt", "/srv", "/usr/local", "/usr/share", "/var/lib")


class TerraformError(RuntimeError):
    """A command of Terraform that failed, with what it printed."""


def missing_programs(*names: str) -> list[str]:
    """Those of the programs that are not on the PATH."""
    return [name for name in names if shutil.which(name) is None]


def find_mirror(roots: Iterable[str] = _MIRROR_ROOTS) -> Path | None:
    """A folder that holds an unpacked mirror of the AWS provider, up to three levels deep."""
    found = (
        hit
        for root in roots
        for depth in ("", "*", "*/*")
        for hit in Path(root).glob(str(Path(depth) / _AWS))
    )
    first = next(found, None)
    return None if first is None else first.parents[len(_AWS.parts) - 1]


def terraform_environ(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The variables for Terraform: no prompts, no calls home, the machine's mirror if any.

    :param folder: where a CLI configuration that names the mirror is written.
    """
    result = {**environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
    configuration = result.get("TF_CLI_CONFIG_FILE")
    if configuration and not Path(configuration).is_file():
        del result["TF_CLI_CONFIG_FILE"]
    mirror = find_mirror()
    if "TF_CLI_CONFIG_FILE" not in result and mirror is not None:
        file = folder / "terraform.rc"
        file.write_text(
            "provider_installation {\n"
            f'  filesystem_mirror {{\n    path = "{mirror.as_posix()}"\n  }}\n'
            '  direct {\n    exclude = ["registry.terraform.io/hashicorp/aws"]\n  }\n'
            "}\n"
        )
        result["TF_CLI_CONFIG_FILE"] = str(file)
    return result


@dataclass(frozen=True, kw_only=True)
class Terraform:
    """Terraform in the folder of a synthesized stack.

    Every command raises `TerraformError` where it fails.
    """

    folder: Path
    environ: Mapping[str, str]

    def init(self, **backend: str) -> None:
        """Install the provider and set the backend up.

        :param backend: settings of the backend beside those of the stack.
        """
        settings = [f"-backend-config={name}={value}" for name, value in backend.items()]
        self._run("init", "-no-color", *settings)

    def validate(self) -> None:
        """Check the configuration against the schema of the provider."""
        self._run("validate", "-no-color")

    def apply(self) -> None:
        """Make what the configuration says."""
        self._run("apply", "-no-color", "-auto-approve")

    def destroy(self) -> None:
        """Destroy what the state knows."""
        self._run("destroy", "-no-color", "-auto-approve")

    def plan(self) -> dict[str, list[str]]:
        """What an apply would do: resource address to actions, without what stays as it is."""
        plan = self.folder / "plan.out"
        self._run("plan", "-no-color", f"-out={plan}")
        shown = json.loads(self._run("show", "-json", str(plan)))
        changes = [*shown.get("resource_changes", ()), *_output_changes(shown)]
        return {
            change["address"]: change["change"]["actions"]
            for change in changes
            if change["change"]["actions"] not in (["no-op"], ["read"])
        }

    def outputs(self) -> dict[str, Any]:
        """The outputs of the stack by name."""
        shown = json.loads(self._run("output", "-json"))
        return {name: output["value"] for name, output in shown.items()}

    def _run(self, *arguments: str) -> str:
        result = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise TerraformError(f"terraform {arguments[0]}: {result.stdout}{result.stderr}")
        return result.stdout


def _output_changes(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    changes = plan.get("output_changes", {})
    return [{"address": f"output.{name}", "change": change} for name, change in changes.items()]


def synthesize(project: Path, out: Path, environments: Path | None = None) -> None:
    """Run the app of a project as `cdktf synth` does, into a folder of the caller's.

    :param environments: another directory of environment files than the project's.
    :raises subprocess.CalledProcessError: where a file is refused; `stderr` says why.
    """
    environ = {**os.environ, "CDKTF_OUTDIR": str(out)}
    if environments is not None:
        environ["ECR_ENVIRONMENTS"] = str(environments)
    subprocess.run(
        [sys.executable, "main.py"],
        cwd=project,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
