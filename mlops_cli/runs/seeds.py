"""Seeding the random generators that training code uses."""

import sys
from typing import Any

from mlops_cli.errors import RequestError

_MOST = 2**32 - 1


def seed(number: int) -> dict[str, int]:
    """Seed Python's generator and those of the libraries that are imported; return which.

    Raises:
        RequestError: the number is not one that all of them take.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _MOST:
        raise RequestError(f"{number!r} is no seed", hint=f"take a whole number, 0 to {_MOST}")
    import random

    random.seed(number)
    done = {"python": number}
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(number)
        done["numpy"] = number
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(number)
        done["torch"] = number
    tensorflow: Any = sys.modules.get("tensorflow")
    if tensorflow is not None:
        tensorflow.random.set_seed(number)
        done["tensorflow"] = number
    return done
