from pathlib import Path

import pytest

from stacks.yaml_file import YamlError, read_yaml

BETWEEN = "write ': ', with the space, between a key and its value"
BESIDE = "indent it as the lines beside it; each item of a list begins with '- '"
VALUE_ABOVE = "indent it as the line before, which has a value already"
BEGINS = "put a text in quotes that begins with one of * & @ % ` ! | > ? [ ] { } ,"
TABS = "where a tab cannot indent; use spaces"
MERGED = "take out git's marks of a merge, and one of the two sides"
BRACKET = "close the bracket, and write ',' between what is in it"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a:\n  b: 1\n   c: 2\n", 3, f"got 'c: 2'; {VALUE_ABOVE}"),
        ("a: 1\n b: 2\n", 2, f"got 'b: 2'; {VALUE_ABOVE}"),
        ("a:\n  - b: 1\n     c: 2\n", 3, f"got 'c: 2'; {VALUE_ABOVE}"),
        ("a:\n   b: 1\n  c: 2\n", 3, f"got 'c: 2'; {BESIDE}"),
        ("a:\n  - b: 1\n  c: 2\n", 3, f"got 'c: 2'; {BESIDE}"),
        ("a:\n  b: 1\n  - c: 2\n", 3, f"got '- c: 2'; {BESIDE}"),
        ("a:\n  -b: 1\n  - b: 2\n", 3, f"got '- b: 2'; {BESIDE}"),
        ("a\n  b: 1\n", 1, f"got 'a'; {BETWEEN}"),
        ("a:\n  b\n\n    d: 1\n", 2, f"got 'b'; {BETWEEN}"),
        ("a:\n  b:1\n  c: 2\n", 2, f"got 'b:1'; {BETWEEN}"),
        ("a:\n  b: 1\n  c\n  d: 2\n", 3, f"got 'c'; {BETWEEN}"),
        ("a:\n  b: 1\n  c 2\n", 3, f"got 'c 2'; {BETWEEN}"),
        ("a: 1\nb {\n}\n", 2, f"got 'b {{'; {BETWEEN}"),
        ("a:\n  - b\n  -c\n", 3, "got '-c'; write a space after '-'"),
        ("a: |\n{\n  b: 1\n}\n", 2, "got '{'; indent it below its key"),
        ("a: 1\n...\nb\n", 3, "got 'b'; leave nothing but one mapping"),
        ("a: b: c\n", 1, "got 'a: b: c'; put a text that holds ': ' in quotes"),
        ("a:\n\tb: 1\n", 2, TABS),
        ("a:\n  \tb: 1\n", 2, TABS),
        *(
            (f"a:\n  b: {sign}c\n", 2, BEGINS)
            for sign in ("@", "%", "`", "& ", "* ", "|", ">", "]")
        ),
        ("a: [*]\n", 1, f"got 'a: [*]'; {BEGINS}"),
        ("a: *\n", 1, f"got 'a: *'; {BEGINS}"),
        ("a:\n  - *\n  - b\n", 2, f"got '- *'; {BEGINS}"),
        ("a: *b\n", 1, "got '*b'; put a text that begins with '*' in quotes"),
        ("a: - b\n", 1, "got 'a: - b'; begin the items of a list on lines of their own"),
        ("a: '1',\n", 1, """got "a: '1',"; take the comma at its end away"""),
        ("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n", 1, f"got '<<<<<<< HEAD'; {MERGED}"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n", 2, f"got '<<<<<<< HEAD'; {MERGED}"),
        ("a: &b\n  c: *b\n", 2, "an alias must not be within what it stands for, got '*b'"),
        ("a: 'it's'\n", 1, "put the whole text in quotes, and leave nothing after them"),
        ("- 'a' b\n", 1, "put the whole text in quotes, and leave nothing after them"),
        ("a: 'b\n", 1, """got "a: 'b"; close the quotes"""),
        ('a: 1\nb: "c\nd: 2\n', 2, "close the quotes"),
        ('a: "\\d"\n', 1, "write '\\\\' for '\\', or use single quotes"),
        ("a: [\n", 1, f"got 'a: ['; {BRACKET}"),
        ("a: 1 # b\n  # c\n  d: 2\n", 3, f"got 'd: 2'; {BESIDE}"),
        ("a: [b\n", 1, f"got 'a: [b'; {BRACKET}"),
        ("a: {b: c\nd: e\n", 1, f"got 'a: {{b: c'; {BRACKET}"),
        ("a: {\n  b: c\n  d: e\n}\n", 1, BRACKET),
        ("a: !<b\n", 1, "got text of which the parser says"),
    ],
)
def test_says_what_to_write_instead_at_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(text)
    with pytest.raises(YamlError) as caught:
        read_yaml(file)
    assert said in str(caught.value)
    assert caught.value.line == line
