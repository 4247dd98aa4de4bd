from pathlib import Path
from typing import Any

import pytest

from stacks.yaml_file import MAX_BYTES, YamlError, read_yaml


def read(folder: Path, text: str | bytes) -> Any:
    file = folder / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(file)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", 1),
        ("a: -1.5e3", -1500.0),
        ("a: true", True),
        ("a: null", None),
        ("a: ~", None),
        ("a:", None),
        ("a: yes", "yes"),
        ("a: no", "no"),
        ("a: 2024-01-01", "2024-01-01"),
        ("a: 12:30:45", "12:30:45"),
        ("a: 0x10", "0x10"),
        ("a: 1_000", "1_000"),
        ("a: '1'", "1"),
        ("a: !!str 1", "1"),
        ("a: .nan", ".nan"),
        ("a: 1e999", "1e999"),
        ("a: 99999999999999999999", "99999999999999999999"),
        ("a: |\n  b\n  c\n", "b\nc\n"),
        ("x: &x {b: 1}\na: *x", {"b": 1}),
        ("x: &x {b: 1, c: 2}\na: {<<: *x, b: 3}", {"b": 3, "c": 2}),
        ("x: &x {b: 1}\ny: &y {b: 2, c: 2}\na: {<<: [*x, *y]}", {"b": 1, "c": 2}),
        ("\ufeffa: 1", 1),
    ],
)
def test_reads_as_written(tmp_path: Path, text: str, value: object) -> None:
    found = read(tmp_path, text).plain()["a"]
    assert (found, type(found)) == (value, type(value))


def test_knows_where_everything_is(tmp_path: Path) -> None:
    root = read(tmp_path, "a:\n  b:\n    - 1\n    - c: 012\n")
    node = root.child("a").child("b").child(1).child("c")
    assert (node.line, node.path, node.written, node.value) == (4, "a.b[1].c", "012", 12)
    assert root.child("x") is None
    assert root.child("a").child("b").child(7) is None


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' is there twice, first on line 1"),
        ("a:\n\t- b", 2, "a tab cannot indent"),
        ("a: [1\nb: 2", 2, "not YAML"),
        ("a: *x", 1, "the alias '*x' has no anchor above it"),
        ("a: &a [*a]", 1, "the alias '*a' has no anchor above it"),
        ("a: 1\n---\nb: 2", 2, "one document, got a second"),
        ("a: !!python/object/apply:os.system [id]", 1, "tag 'tag:yaml.org,2002:python/object"),
        ("a: !secret x", 1, "the tag '!secret' is not supported"),
        ("? [a]\n: b", 1, "a key must be text"),
        ("<<: 1", 1, "'<<' takes a mapping"),
        ("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x", 4, "the key '<<' is there twice"),
        ("a: !!int x", 1, "'x' is no value of the tag '!!int'"),
        ("[" * 100_000, 1, "nested at most 50 deep"),
        ("a: \x01", 1, "control characters are not allowed"),
        (b"a: 1\nb: \xff", 2, "must be UTF-8 text, got the byte 0xff"),
    ],
)
def test_fails_with(tmp_path: Path, text: str | bytes, line: int, sentence: str) -> None:
    with pytest.raises(YamlError) as caught:
        read(tmp_path, text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.line == line


def test_fails_with_a_file_that_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(YamlError, match="at most 16 MiB"):
        read(tmp_path, b"#" * (MAX_BYTES + 1))


def test_fails_with_aliases_that_multiply(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(YamlError, match="aliases of the file make it too large"):
        read(tmp_path, "\n".join(rows)).plain()


def test_fails_with_aliases_that_nest(tmp_path: Path) -> None:
    rows = ["a0: &a0 x"]
    rows += [f"a{n}: &a{n} {'[' * 40}*a{n - 1}{']' * 40}" for n in range(1, 40)]
    with pytest.raises(YamlError, match="aliases of the file make it too large"):
        read(tmp_path, "\n".join(rows)).plain()


def test_an_alias_is_where_it_is_used_and_what_is_in_it_where_it_is_written(tmp_path: Path) -> None:
    root = read(tmp_path, "x: &x\n  y: 1\nz: *x\n")
    assert (root.child("z").line, root.child("z").path) == (3, "z")
    assert (root.child("z").child("y").line, root.child("z").child("y").path) == (2, "x.y")


def test_fails_with_a_folder(tmp_path: Path) -> None:
    with pytest.raises(YamlError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)
