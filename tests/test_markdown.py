import re
from pathlib import Path

import pytest
from lifecycle_command import digest, many, preview

from cli.markdown import _escaped


def test_markdown_lists_what_goes(folder: Path) -> None:
    found = preview("--policy", "policy.json", "--format", "markdown").stdout
    assert "| payments/api | 3 (10.5 MB) | 2 (12.0 MB) | 0 | 1 (1), 2 (1) |  |" in found
    assert "<summary>payments/api: 2 images</summary>" in found
    assert "| `000000000000` | `v1` |" in found
    assert "`v3`" not in found
    assert "`v3`" in preview("-p", "policy.json", "-f", "markdown", "--verbose").stdout


def test_markdown_tells_first_what_is_in_use_and_would_go(folder: Path) -> None:
    arguments = ["-p", "policy.json", "--keep-in-use", "-", "-f", "markdown"]
    found = preview(*arguments, stdin="payments/api:v1\n")
    assert found.exit_code == 3
    head, _, rest = found.stdout.partition("| Repository |")
    assert head.splitlines() == [
        "### Lifecycle preview",
        "",
        "**In use, and would go:**",
        "",
        "- payments/api: v1 (000000000000) is in use by standard input:1, and would be deleted:"
        " rule 1: not among the 2 youngest",
        "",
    ]
    assert "<details>" in rest


@pytest.mark.parametrize("more", [[], ["--verbose"]])
def test_markdown_is_no_longer_than_a_comment_may_be(folder: Path, more: list[str]) -> None:
    many(folder, 40, 80)
    (folder / "in-use.txt").write_text(
        "".join(f"{digest(1 + n + 1000 * r)}\n" for r in range(40) for n in range(80))
    )
    arguments = ["-p", "policy.json", "--keep-in-use", "in-use.txt", "-f", "markdown", *more]
    found = preview(*arguments).stdout
    assert 40_000 < len(found) < 65_536
    assert found.count("<details>") == found.count("</details>") > 0
    assert "| Total | 0 | 3,200 (" in found
    assert re.search(r"\n[0-9,]+ more are not listed here\.\n\n\| Repository", found)
    assert re.search(r"\n[0-9]+ more repositories have images that are not listed here\.\n", found)


def test_markdown_lists_some_images_of_many(folder: Path) -> None:
    many(folder, 1, 80)
    found = preview("-p", "policy.json", "-f", "markdown").stdout
    assert "\n30 more are not listed here.\n" in found
    assert "not listed" not in preview("-p", "policy.json", "-f", "markdown", "-v").stdout


def test_markdown_of_a_thousand_repositories_tells_of_the_total(folder: Path) -> None:
    many(folder, 1000, 1)
    found = preview("-p", "policy.json", "-f", "markdown").stdout
    assert len(found) < 65_536
    assert re.search(r"\n[0-9]+ more repositories are in the total alone\.\n", found)


def test_markdown_names_some_tags_of_many(folder: Path) -> None:
    many(folder, 1, 1, *(f"{n:0300}" for n in range(1000)))
    found = preview("-p", "policy.json", "-f", "markdown").stdout
    assert "` and 995 more |" in found
    assert len(found) < 5_000
    arguments = ["-p", "policy.json", "--keep-in-use", "-", "-f", "markdown"]
    found = preview(*arguments, stdin=digest(1)).stdout
    assert re.search(r"- team-0/api: 0{300}, .* and 995 more \(000000000000\) is in use", found)


def test_markdown_takes_no_character_of_a_text_for_its_own() -> None:
    assert _escaped("a|b *c* <d> `e` [f](g) _h_ ~i~ &j\nk") == (
        r"a\|b \*c\* \<d\> \`e\` \[f\](g) \_h\_ \~i\~ \&j k"
    )
