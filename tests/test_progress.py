import re

import pytest
from rich.console import Console

from cli.progress import Progress


@pytest.mark.parametrize(("asks", "total", "told"), [(True, 2, 3), (True, 1, 1), (False, 2, 0)])
def test_says_how_far_it_is_where_nobody_looks_on(
    capsys: pytest.CaptureFixture[str], asks: bool, total: int, told: int
) -> None:
    with Progress(asks=asks) as progress:
        progress.done("ECS and Lambda: 3 images in use")
        progress.expect(total)
        progress.at("aa: 1,000 images")
        for name in ["aa", "bb"][:total]:
            progress.done(f"{name}: 2,000 images")
    assert len(capsys.readouterr().err.splitlines()) == told


def test_shows_each_page_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(force_terminal=True, width=100, record=True)
    with Progress(asks=True, console=console) as progress:
        progress.expect(2)
        progress.at("payments/api: 1,000 images")
        progress._bar.refresh()
        progress.at("payments/api: 2,000 images")
        progress.done("payments/api: 2,000 images")
        progress._bar.refresh()
    shown = console.export_text()
    assert re.search("reading payments/api: 1,000 images .* 0/2", shown)
    assert re.search("reading payments/api: 2,000 images .* 1/2", shown)
    assert capsys.readouterr().err == ""
