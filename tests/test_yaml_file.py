import os
from pathlib import Path
from typing import Any

import pytest

from stacks.yaml_file import MAX_BYTES, YamlError, read_yaml


def read(folder: Path, text: str | bytes) -> Any:
    file = folder / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    root, problems = read_yaml(file)
    assert problems == []
    return root


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
        ("a: 99999999999999999999", 99999999999999999999),
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
        ("a:\n\t- b", 2, "a tab cannot indent"),
        ("a: [1\nb: 2", 1, "must be YAML"),
        ("a: 1\n---\nb: 2", 2, "one document, got a second"),
        ("[" * 100_000, 1, "nested at most 50 deep"),
        ("# " + "é" * 30 + "\na: \x01", 2, "U+0001: control characters are not allowed"),
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
    with pytest.raises(YamlError, match="at most 4 MiB"):
        read(tmp_path, b"#" * (MAX_BYTES + 1))


def test_fails_with_aliases_that_multiply(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(YamlError, match="with those behind aliases"):
        read(tmp_path, "\n".join(rows)).plain()


def test_fails_with_aliases_that_nest(tmp_path: Path) -> None:
    rows = ["a0: &a0 x"]
    rows += [f"a{n}: &a{n} {'[' * 40}*a{n - 1}{']' * 40}" for n in range(1, 40)]
    with pytest.raises(YamlError, match="with those behind aliases"):
        read(tmp_path, "\n".join(rows)).plain()


def test_an_alias_is_where_it_is_used_and_what_is_in_it_where_it_is_written(tmp_path: Path) -> None:
    root = read(tmp_path, "x: &x\n  y: 1\nz: *x\n")
    assert (root.child("z").line, root.child("z").path) == (3, "z")
    assert (root.child("z").child("y").line, root.child("z").child("y").path) == (2, "x.y")


def test_tells_of_every_key_that_is_there_twice(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("a: 1\nb: {c: 1, c: 2}\na: !x 3\n")
    root, problems = read_yaml(file)
    assert [(line, path, p.sentence) for line, path, p in problems] == [
        (2, "b.c", "a key must not be there twice, got 'c', first on line 2"),
        (
            3,
            "a",
            "a tag must be one that JSON has a type for, such as '!!str', got '!x';"
            " write the value alone, in quotes where it begins with '!'",
        ),
        (3, "a", "a key must not be there twice, got 'a', first on line 1"),
    ]
    assert root.plain() == {"a": 1, "b": {"c": 1}}


def test_fails_with_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(YamlError, match="can be read, got a directory"):
        read_yaml(tmp_path)
    with pytest.raises(YamlError, match="can be read, got No such file or directory"):
        read_yaml(tmp_path / "nowhere.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(YamlError, match="can be read, got a special file"):
        read_yaml(tmp_path / "pipe.yaml")
