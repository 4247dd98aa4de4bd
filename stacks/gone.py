"""Gone: what earlier runs wrote for environments that are no more."""

from collections.abc import Collection, Iterator
from pathlib import Path

from stacks.names import stack_id

WRITTEN = "cdk.tf.json"


def remove_gone(outdir: Path, names: Collection[str]) -> Iterator[Path]:
    """Remove the Terraform JSON of environments other than those named, so that nobody applies it.

    What Terraform keeps beside it, such as a state, stays.

    :param outdir: where the stacks are synthesized to.
    :returns: the files that were removed.
    """
    known = {stack_id(name) for name in names}
    for folder in sorted(Path(outdir, "stacks").glob(stack_id("*"))):
        file = folder / WRITTEN
        if folder.name not in known and file.is_file():
            file.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()
            yield file
