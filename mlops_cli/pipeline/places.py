"""Where steps write, looked up by path: each path, and each folder that holds one."""

from collections.abc import Iterator, Mapping

from mlops_cli.core.config_steps import Step
from mlops_cli.core.globs import fixed, is_pattern
from mlops_cli.errors import RequestError
from mlops_cli.pipeline import patterns


class Places:
    """The outputs of steps by path. Looking one up does not take longer for more steps."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        """Take in all outputs.

        Raises:
            RequestError: two steps write to one place, or one inside another's.
        """
        self.made: dict[str, str] = {}
        """The step that writes each path."""
        self._below: dict[str, list[str]] = {}
        """The outputs below each folder that holds one; "" is the project's root."""
        self._matched: dict[str, tuple[str, ...]] = {}
        for name, step in steps.items():
            for out in step.files:
                self._take(name, out.path)
        for path, name in self.made.items():
            for holder in above(path):
                if holder in self.made:
                    raise RequestError(
                        f"step '{name}' writes '{path}' inside '{holder}', which step "
                        f"'{self.made[holder]}' writes",
                        hint="give each output a place of its own",
                    )
                self._below.setdefault(holder, []).append(path)
            self._below.setdefault("", []).append(path)

    def touching(self, dep: str) -> tuple[str, ...]:
        """Return the outputs that are a dependency, hold it, are inside it, or may match it."""
        for path in (dep, *above(dep)):
            if path in self.made:
                return (path,)
        if not is_pattern(dep):
            return tuple(self._below.get(dep, ()))
        if dep not in self._matched:
            inside = self._below.get(fixed(dep), ())
            self._matched[dep] = tuple(path for path in inside if patterns.touches(dep, path))
        return self._matched[dep]

    def makers(self, dep: str) -> Iterator[str]:
        """Yield the steps that write what a dependency needs."""
        for path in self.touching(dep):
            yield self.made[path]

    def _take(self, name: str, path: str) -> None:
        if path in self.made:
            raise RequestError(
                f"steps '{self.made[path]}' and '{name}' both write '{path}'",
                hint="let one step write it",
            )
        self.made[path] = name


def above(path: str) -> Iterator[str]:
    """Yield the folders that hold a path, nearest first.

    >>> list(above("data/raw/a.csv"))
    ['data/raw', 'data']
    """
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
