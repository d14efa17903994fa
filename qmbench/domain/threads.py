"""How many threads linear algebra takes in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, BLAS and LAPACK compute with one thread: that of small matrices waits for its others, on a busy machine a
    hundred times as long as it computes."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
