"""What to do with a connection that speaks HTTP/2: gRPC, if what that takes is installed."""

import asyncio
from collections.abc import Callable

from mlops_cli.serving.app import App
from mlops_cli.serving.guard.connection import Upgrade
from mlops_cli.serving.guard.guard import Guard
from mlops_cli.serving.metrics import Metrics

MISSING = "a client speaks gRPC, which this server cannot: pip install 'mlo[grpc]'"


class _Refusing(asyncio.Protocol):
    """Closes a connection that nobody here can answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


def upgrading(
    app: App,
    metrics: Metrics,
    guard: Guard,
    *,
    limit: int,
    say: Callable[[str], None],
) -> Upgrade:
    """Return what makes the protocol of a connection of HTTP/2.

    What gRPC takes is imported when the first client speaks it. Messages may have `limit` bytes;
    `say` is told when the extra is not installed.
    """
    told = False

    def upgrade() -> asyncio.Protocol:
        nonlocal told
        try:
            from mlops_cli.serving.grpc.http2 import Http2
            from mlops_cli.serving.grpc.service import Service
        except ModuleNotFoundError:
            if not told:
                told = True
                say(MISSING)
            return _Refusing()
        return Http2(Service(app, metrics, guard), limit=limit)

    return upgrade
