"""Which handler answers which path: exact paths by a dictionary, patterns one after the other."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mlops_cli.serving.reply import Reply
from mlops_cli.serving.way import Way

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[Scope, Receive], Awaitable[Reply]]

READ = ("GET", "HEAD")
_MOST_LETTERS = 200
_ALIKE = 0.7


@dataclass(frozen=True, slots=True)
class Route:
    """What answers at a path.

    Attributes:
        path: as it was added; the metrics count under this name.
        way: how predictions are asked for, the time to which is measured; None if they are not.
        listed: whether the overview at `/` and the answer to an unknown path name it.
    """

    path: str
    handler: Handler
    methods: tuple[str, ...]
    listed: bool = True
    way: Way | None = None


class Routes:
    """The table of routes. A path may have parts in braces: `/models/{name}/predict`.

    What stands there is in `scope["path_params"]` when the handler is called.
    """

    def __init__(self) -> None:
        self._exact: dict[str, Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []

    def add(
        self,
        path: str,
        handler: Handler,
        *,
        methods: tuple[str, ...] = READ,
        listed: bool = True,
        way: Way | None = None,
    ) -> None:
        """Have `handler` answer at `path`; of two for one path the first stays."""
        route = Route(path, handler, methods, listed, way)
        if "{" not in path:
            self._exact.setdefault(path, route)
            return
        parts = re.split(r"\{(\w+)\}", path)
        pattern = "".join(
            f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part)
            for place, part in enumerate(parts)
        )
        self._patterns.append((re.compile(pattern), route))

    def find(self, scope: Scope) -> Route | None:
        """Return what answers the path of `scope`, None if nothing does."""
        path = scope["path"]
        route = self._exact.get(path)
        if route is None:
            for pattern, candidate in self._patterns:
                if match := pattern.fullmatch(path):
                    scope["path_params"] = match.groupdict()
                    return candidate
        return route

    @property
    def listed(self) -> list[str]:
        """The paths that people are told of."""
        routes = [*self._exact.values(), *(route for _, route in self._patterns)]
        return [route.path for route in routes if route.listed]

    def nearest(self, path: str) -> str | None:
        """Return the listed path that one that is unknown was most likely meant to be."""
        given = path[:_MOST_LETTERS].split("/")
        paths = {_filled(listed.split("/"), given): listed for listed in self.listed}
        near = get_close_matches("/".join(given), paths, n=1, cutoff=_ALIKE)
        if near:
            return paths[near[0]]
        ends = [listed for listed in self.listed if listed.rpartition("/")[2] == given[-1] != ""]
        return ends[0] if ends else None


def _filled(listed: list[str], given: list[str]) -> str:
    """Return a path with what was asked for in the place of each name in braces."""
    if len(listed) != len(given):
        return "/".join(listed)
    return "/".join(
        asked if part.startswith("{") else part for part, asked in zip(listed, given, strict=True)
    )
