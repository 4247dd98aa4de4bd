"""Environment files in a folder, and what is wrong with them."""

from pathlib import Path

import pytest

from stacks import InvalidEnvironmentsError, load_environments

HEAD = 'account: "111111111111"\nregion: ap-northeast-2\n'


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.yaml").write_text(text)
    return folder


def sentences(folder: Path) -> list[str]:
    """Every line that a bad directory gives, seen from the directory."""
    with pytest.raises(InvalidEnvironmentsError) as caught:
        load_environments(folder)
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).split("\n")]
