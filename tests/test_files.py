import re
from pathlib import Path

import pytest

from cli.errors import InputError
from cli.files import name_of, read_json, read_text


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("policy.json", "policy.json"),
        ("-", "standard input"),
        ("two\nlines", "'two\\nlines'"),
    ],
)
def test_a_file_is_named_in_a_line(file: str, name: str) -> None:
    assert name_of(Path(file)) == name


def test_reads_text_without_a_mark_of_its_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("\ufeffé\r\n".encode())
    assert read_text(tmp_path / "a") == "é\r\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xe9", ": a file must be UTF-8 text, got byte 0"),
        (b"", ":1: a file must be JSON, got Expecting value"),
        (b"[\n{}\n{}]", ":3: a file must be JSON, got Expecting ',' delimiter"),
        (b"[" * 100_000, ": a file must be JSON, got values that are nested too deep or numbers"),
    ],
)
def test_fails_with_what_is_no_json(tmp_path: Path, text: bytes, said: str) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(text)
    with pytest.raises(InputError, match=re.escape(f"{file}{said}")):
        read_json(file)
