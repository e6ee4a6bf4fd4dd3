"""Being asked to end: what is half done is cleaned up, as on Ctrl-C."""

import signal
from types import FrameType

from mlops_cli.errors import Terminated


def take_signals() -> None:
    """Have SIGTERM, and SIGHUP where nobody ignores it, end the program by an exception.

    Such a signal counts once: a second one ends the program at once, as if nobody had asked.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> None:
    for one in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(one) is _end:
            signal.signal(one, signal.SIG_DFL)
    raise Terminated(number)
