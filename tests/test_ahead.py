import threading

import pytest

from cli.ahead import AHEAD, ahead


def test_gives_results_in_order_and_works_out_few_ahead() -> None:
    started: list[int] = []

    def square(number: int) -> int:
        started.append(number)
        return number * number

    for index, (number, result) in enumerate(ahead(square, range(50))):
        assert (number, result) == (index, index * index)
        assert len(started) <= index + AHEAD
    assert len(started) == 50


def test_works_on_several_at_the_same_time() -> None:
    # Each waits for the others.
    together = threading.Barrier(AHEAD, timeout=30)
    assert len([result for _, result in ahead(lambda _: together.wait(), range(AHEAD))]) == AHEAD


def test_begins_no_other_after_the_first_error() -> None:
    begun: list[int] = []

    def fail_at_first(number: int) -> float:
        begun.append(number)
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        list(ahead(fail_at_first, range(1000)))
    assert sorted(begun) == list(range(AHEAD))


def test_begins_no_other_after_nobody_asks_any_more() -> None:
    begun: list[int] = []
    results = ahead(begun.append, range(1000))
    next(results)
    results.close()
    assert sorted(begun) == list(range(AHEAD))
