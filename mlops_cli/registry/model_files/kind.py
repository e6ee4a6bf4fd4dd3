"""What every format of model files can do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_cli.errors import RequestError, StateError
from mlops_cli.registry.description import Description


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model is to be loaded.

    Attributes:
        path: its file, or the folder that is the file of a format of folders.
        described: what its folder says of it.
        trust: whether any code in it may run.
        code: a folder whose modules it may need, looked at only with `trust`.
        where: what errors call it.
    """

    path: Path
    described: Description
    trust: bool
    code: Path | None
    where: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A format of model files.

    Attributes:
        file: what the file is called in a folder made by `formats.save`.
        suffixes: how files alone are called.
        libraries: packages whose versions matter to whoever loads it.
        save: writes a model to a path where nothing is; raises what the library raises when the
            model has no such form.
        load: returns an object with `predict`. Without trust it runs no code of the file. Raises
            RequestError where trust was needed or the file is not whole, StateError where code or
            a library is not here.
        runs_code: whether loading a file runs whatever it says.
        untrusted: returns the types in a file that need somebody to vouch for them, without
            running any of its code; `where` is what errors call it. None where there are none.
        begins: whether a file with one of the suffixes is of this format, by its first bytes;
            None where the suffix says it all.
    """

    file: str
    suffixes: tuple[str, ...]
    libraries: tuple[str, ...]
    save: Callable[[Any, Path], None]
    load: Callable[[Reading], Any]
    runs_code: bool = False
    untrusted: Callable[[Path, str], tuple[str, ...]] | None = None
    begins: Callable[[bytes], bool] | None = None


def read(get: Callable[[], Any], where: str) -> Any:
    """Return what `get` loads; whatever it raises becomes one clear line."""
    try:
        return get()
    except (ImportError, AttributeError) as error:
        raise StateError(
            f"'{where}' needs code that cannot be imported here: {first_line(error)}",
            hint="install it, or move the class out of the training script into a module",
        ) from error
    except Exception as error:
        raise RequestError(f"'{where}' cannot be loaded: {first_line(error)}") from error


@contextmanager
def importable(folder: Path | None) -> Iterator[None]:
    """Let modules in `folder` be imported for a `with` block."""
    import sys

    if folder is None or str(folder) in sys.path:
        yield
        return
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def needs_trust(what: str, where: str, *, instead: str = "") -> RequestError:
    """Return the refusal of a file whose loading runs whatever code it holds."""
    return RequestError(
        f"'{where}' is {what}, and loading it runs any code in it",
        hint=f"{instead}say --trust if you know who made it",
    )


def missing(library: str, what: str) -> StateError:
    """Return the error for a library that is not installed."""
    return StateError(f"{what} need {library}", hint=f"pip install 'mlo[{library}]'")


def first_line(error: BaseException) -> str:
    """Return what an error says, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
