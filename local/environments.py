"""Environments: copies of the environment files that can be deployed and destroyed here."""

import json
from pathlib import Path
from typing import Any

from stacks.yaml_file import read_yaml


def copy_environments(source: Path, target: Path, *, protected: bool) -> dict[str, dict[str, Any]]:
    """Copy environment files, with their state in a local file.

    :param protected: whether `prevent_destroy` is copied, too.
    :returns: what each copy holds, by the name of the environment.
    """
    target.mkdir(parents=True, exist_ok=True)
    copies = {}
    for file in sorted(source.glob("*.yaml")):
        environment: dict[str, Any] = read_yaml(file)[0].plain()
        environment.pop("backend", None)
        if not protected:
            for settings in _all_settings(environment):
                settings.pop("prevent_destroy", None)
            key = environment.get("repository_key") or {}
            environment["repository_key"] = {**key, "prevent_destroy": False}
        write_environment(target / file.name, environment)
        copies[file.stem] = environment
    return copies


def write_environment(file: Path, environment: dict[str, Any]) -> None:
    """Write what an environment holds to a file, as JSON, which every YAML parser reads alike."""
    file.write_text(json.dumps(environment, indent=2))


def _all_settings(environment: dict[str, Any]) -> list[dict[str, Any]]:
    repositories = (environment.get("repositories") or {}).values()
    found = [environment.get("repository_defaults"), *repositories]
    return [settings for settings in found if settings]
