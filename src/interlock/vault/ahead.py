"""Work done ahead of whoever takes its results, in threads, and never far ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from interlock import settings

T = TypeVar("T")
R = TypeVar("R")


def ahead(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """``function`` of each item, in their order, by `settings.vault_threads` threads.

    At most one result more than there are threads is under way or waiting, so what the results take
    in memory is bounded. The first error is raised where its result would have come; nothing starts after it.
    """
    threads = settings.current().vault_threads
    pool = ThreadPoolExecutor(threads, "interlock-vault")
    under_way: deque[Future[R]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(function, item))
            if len(under_way) > threads:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
