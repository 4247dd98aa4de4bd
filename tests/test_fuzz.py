"""Environment files that somebody broke: the answer is always a stack, or sentences.

`make fuzz` tries 10,000 of them and more, `make test` some hundred.
"""

import copy
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from cdktf import App
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from ecr_constructs.checks import readable
from stacks import EnvironmentStack, InvalidEnvironmentsError, load_environments
from stacks.file_problem import FileProblem

PROJECT = Path(__file__).parent.parent
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
EXAMPLE = PROJECT / "examples" / "company"
# The settings of a registry that no file of the project has.
REST = """\
account: "666666666666"
region: eu-west-1
registry:
  pull_through_cache_rules:
    quay: {upstream_registry: quay}
    base: {upstream_registry_url: 444444444444.dkr.ecr.eu-west-1.amazonaws.com}
  creation_templates:
    ROOT: {applied_for: [CREATE_ON_PUSH], encryption_type: KMS, resource_tags: {a: b}}
  account_settings: {BLOB_MOUNTING: ENABLED, REGISTRY_POLICY_SCOPE: V2}
  pull_time_update_exclusions: ["arn:aws:iam::666666666666:role/scanner"]
  public_repositories:
    acme/agent: {description: an agent, architectures: [ARM 64], tags: {a: b}}
    acme/tool:
  replication: {rules: [{destinations: [{environment: dr}, {region: eu-west-2}]}]}
"""
TEXTS = [
    *(file.read_text() for file in sorted((PROJECT / "environments").glob("*.yaml"))),
    (EXAMPLE / "shared.yaml").read_text(),
    REST,
]
LINE = re.compile(r"\S+\.yaml:[1-9][0-9]*: \S.*")
_KEY = re.compile(r"(?P<key>(?P<indent> *)[\w./-]+):(?P<value>(?: [^&*#]*)?)")
GRANTS = [
    '- {repository_prefixes: [web], pull: [{account: "222222222222"}]}',
    "- {repository_prefixes: [payments/], push: *a0}",
    "- {repository_prefixes: [nothing/], read: [{role: x}]}",
    "- <<: *a0",
    '- {pull: [{account: "222222222222"}, {account: "222222222222"}]}',
]

# What people type, and what YAML makes something else of.
PIECES = [
    *(
        "\t",
        "\n",
        " ",
        "  ",
        ": ",
        "- ",
        "#",
        "&a ",
        "*a",
        "<<: *a",
        "!!str ",
        "!x ",
        "? ",
        "|",
        ">",
    ),
    *(
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "\\",
        "%",
        "@",
        "`",
        "---\n",
        "...\n",
        "\r\n",
        "\u2028",
        "\ufeff",
    ),
    *("null", "~", "true", "no", "0", "-1", "1.5", "012", "1e400", ".inf", "0x1F", "2024-01-01"),
    *("${x}", "${aws:username}", "%{x}", "*", "ecr:*", "arn:aws:iam::1:role/x", "alias/x"),
    *("\x00", "\x07", "\u200b", "\u0430", "\uff11", "\U0001f600", "a" * 300, "9" * 5000),
    *("account", "region", "repositories:", "lifecycle_rules:", "max_image_count: 0", "pull:"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 2**40, "", " ", "x", "*", "a\nb", "\u0430", "9" * 400),
    # Whom the repositories of one account and Region admit, and those of another must not.
    [{"account": "444444444444"}],
    [{"lambda_function": "arn:aws:lambda:ap-northeast-2:444444444444:function:x"}],
    {
        "effect": "Deny",
        "principals": [{"account": "555555555555"}],
        "actions": ["ecr:SetRepositoryPolicy"],
    },
    *([], {}, [None], [[]], {"": ""}, {"x": {"y": []}}, ["x"] * 60, {"1": 1}, "${x}", "0123"),
]


def in_text(text: str, draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """The file with some of its text taken away, doubled, swapped or put in."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 40)))
        match draw(st.sampled_from(["insert", "delete", "double", "replace", "swap"])):
            case "insert":
                text = text[:at] + draw(st.sampled_from(PIECES)) + text[at:]
            case "delete":
                text = text[:at] + text[end:]
            case "double":
                text = text[:end] + text[at:end] + text[end:]
            case "replace":
                text = text[:at] + draw(st.sampled_from(PIECES)) + text[end:]
            case _:
                rows = text.split("\n")
                one, other = (draw(st.integers(0, len(rows) - 1)) for _ in range(2))
                rows[one], rows[other] = rows[other], rows[one]
                text = "\n".join(rows)
    return text


def in_data(text: str, draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """The file with some of its values replaced, renamed or taken away."""
    root = yaml.safe_load(text)
    for _ in range(draw(st.integers(1, 3))):
        holder, key = root, draw(st.sampled_from(sorted(root)))
        while isinstance(holder[key], dict | list) and holder[key] and draw(st.booleans()):
            holder = holder[key]
            keys = sorted(holder) if isinstance(holder, dict) else range(len(holder))
            key = draw(st.sampled_from(keys))
        match draw(st.sampled_from(["replace", "remove", "copy"])):
            case "replace":
                holder[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            case "remove":
                del holder[key]
            case _ if isinstance(holder, dict):
                name = draw(st.sampled_from(["x", "tags", "", "a b", "web", "constructor"]))
                holder[name] = copy.deepcopy(holder[key])
            case _:
                holder.append(copy.deepcopy(holder[key]))
        if not root:
            break
    return json.dumps(root, ensure_ascii=False)


def in_bytes(text: str, draw: Callable[[st.SearchStrategy[Any]], Any]) -> bytes:
    """The file with some of its bytes replaced."""
    data = bytearray(text.encode())
    for _ in range(draw(st.integers(1, 6))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


def in_links(text: str, draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """The file with some values behind aliases, merged into others, and granted from elsewhere."""
    rows = text.split("\n")
    for number in range(draw(st.integers(1, 4))):
        keys = [at for at, row in enumerate(rows) if _KEY.fullmatch(row)] or [0]
        one, other = sorted(draw(st.sampled_from(keys)) for _ in range(2))
        anchored, linked = _KEY.fullmatch(rows[one]), _KEY.fullmatch(rows[other])
        if anchored is None or linked is None or "&" in rows[one]:
            continue
        rows[one] = f"{anchored['key']}: &a{number}{anchored['value']}"
        if draw(st.booleans()):
            rows.insert(other, f"{linked['indent']}<<: *a{number}")
        elif other > one:
            # With what is below it.
            below = len(linked["indent"]) + 1
            end = other + 1
            while end < len(rows) and rows[end].startswith(" " * below):
                end += 1
            rows[other:end] = [f"{linked['key']}: *a{number}"]
    grants = draw(st.lists(st.sampled_from(GRANTS), max_size=2))
    return "\n".join([*rows, *(["grants:"] if grants else []), *grants, ""])


def in_nothing(text: str, _draw: object) -> str:
    """The file as it is."""
    return text


def answer(folder: Path, texts: Mapping[str, str | bytes]) -> Sequence[FileProblem]:
    """What is wrong with the files; they have become stacks where it is nothing but warnings."""
    for file in folder.glob("*.yaml"):
        file.unlink()
    for name, text in texts.items():
        data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
        (folder / f"{name}.yaml").write_bytes(data)
    try:
        environments = load_environments(folder)
    except InvalidEnvironmentsError as error:
        return error.problems
    app = App(outdir=str(folder / "out"), skip_validation=True)
    for name, environment in environments.items():
        neighbours = environments.neighbours[name]
        EnvironmentStack(app, name=name, environment=environment, neighbours=neighbours)
    app.synth()
    for name in texts:
        json.loads((folder / "out" / "stacks" / f"ecr-{name}" / "cdk.tf.json").read_text())
    return environments.warnings


def scalars(data: bytes) -> set[str]:
    """Every text of a file, keys among them, up to where it is no YAML."""
    found = set()
    try:
        for event in yaml.parse(data.decode("utf-8-sig"), Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent):
                found.add(event.value)
    except (yaml.YAMLError, UnicodeDecodeError):
        pass
    return found


def unwritten(path: str, keys: Sequence[str]) -> set[str]:
    """What can be left of a path after positions and keys of the file."""
    ends: set[str] = set()
    pending = [path]
    while pending:
        rest = pending.pop()
        if rest not in ends:
            ends.add(rest)
            step = re.match(r"\[[0-9]+\]", rest)
            if step:
                pending.append(rest[step.end() :])
            pending += [rest[len(key) :] for key in keys if rest.startswith(key)]
            pending += [rest[1:]] if rest.startswith(".") else []
    return ends


def check(folder: Path, found: Sequence[FileProblem]) -> None:
    """Check that each problem is one line, told once, in order, at a place that there is."""
    assert [problem[:2] for problem in found] == sorted(problem[:2] for problem in found)
    assert len({str(problem) for problem in found}) == len(found)
    for problem in found:
        assert LINE.fullmatch(str(problem)), problem
        assert str(problem).isprintable()
        assert Path(problem.file).parent == folder
        data = Path(problem.file).read_bytes()
        last = len(data.splitlines())
        # Where a file ends too early, the parser means what follows its last line.
        assert 1 <= problem.line <= max(last, 1), problem
        if problem.path:
            keys = [readable(text) for text in scalars(data) if text]
            left = unwritten(problem.path, keys)
            # What is missing is not written itself, but what should hold it.
            assert any(re.fullmatch(r"\w*", end) for end in left), problem


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


fuzzed = how(max_examples=max(EXAMPLES // 5, 1), suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("broken", [in_text, in_data, in_bytes, in_links])
@fuzzed
@given(data=st.data())
def test_a_broken_file_gives_a_stack_or_sentences(
    broken: Callable[..., str | bytes], folder: Path, data: st.DataObject
) -> None:
    text = broken(data.draw(st.sampled_from(TEXTS)), data.draw)
    check(folder, answer(folder, {"dev": text, "dr": (EXAMPLE / "dr.yaml").read_bytes()}))


@fuzzed
@given(data=st.data())
def test_files_that_are_broken_together_give_stacks_or_sentences(
    folder: Path, data: st.DataObject
) -> None:
    texts = {}
    for name in ("dev", "dr", "prod")[: data.draw(st.integers(2, 3))]:
        broken = data.draw(st.sampled_from([in_links, in_links, in_data, in_text, in_nothing]))
        texts[name] = broken(data.draw(st.sampled_from(TEXTS)), data.draw)
    check(folder, answer(folder, texts))
