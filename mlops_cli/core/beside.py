"""Doing something while something else is waited for, such as two questions to git at once."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def beside(work: Callable[[], T]) -> Callable[[], T]:
    """Begin `work` in a thread, and return what waits for its end and gives its result or error.

    Where there can be no more threads, as at the end of a process, it is done at once.

    >>> found = beside(lambda: 6 * 7)
    >>> found()
    42
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def do() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  raised where it is waited for
            errors.append(error)

    thread = threading.Thread(target=do, name="beside")
    try:
        thread.start()
    except RuntimeError:
        do()

    def result() -> T:
        if thread.ident is not None:
            thread.join()
        if errors:
            raise errors[0]
        return results[0]

    return result
