"""How a call ended, in the words of gRPC."""

from urllib.parse import quote

from mlops_cli.serving.refusal import Refused

OK = 0
DEADLINE_EXCEEDED = 4
UNIMPLEMENTED = 12
INTERNAL = 13
_CODES = {400: 3, 401: 16, 404: 5, 405: 12, 408: 4, 413: 8, 415: 3, 422: 3, 429: 8, 503: 14}
"""By the status that HTTP would have."""
_LONGEST = 1000
_KEPT = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""ASCII that may stand in a message as it is: all but the percent sign."""


def of(refused: Refused) -> int:
    """Return the code for what turned a call down."""
    return _CODES.get(refused.status, INTERNAL)


def written(message: str) -> str:
    """Return a message as it goes over the wire, percent-encoded.

    >>> written("100% größer")
    '100%25 gr%C3%B6%C3%9Fer'
    """
    return quote(message[:_LONGEST], safe=_KEPT, errors="replace")
