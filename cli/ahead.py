"""Ahead: results of a slow function, a few of them worked out ahead of time."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# Results that are worked out at the same time, and so are in memory.
AHEAD = 4


def ahead(function: Callable[[T], R], items: Iterable[T]) -> Generator[tuple[T, R]]:
    """The items with their results, in order.

    No more are begun than are worked on at once, so that an error, which ends it, leaves none that
    waits.
    """
    waiting: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(AHEAD) as pool:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) >= AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
