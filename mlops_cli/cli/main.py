"""The `mlo` program: find the command, run it, turn what went wrong into an exit code.

Help and version are printed before Typer is loaded, and only the module of the command that
was typed is imported, so that the program starts as fast as Python does.
"""

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from mlops_cli import __version__
from mlops_cli.cli.signals import take_signals
from mlops_cli.cli.table import COMMANDS, is_call, overview
from mlops_cli.errors import MloError, RequestError, StateError, exit_code_of

if TYPE_CHECKING:
    from mlops_cli.cli.group import LazyGroup

BUG = 70
BROKEN_PIPE = 141  # what a shell reports for a program that SIGPIPE ended
_OBJECTS = 50_000  # made before garbage is looked for: most commands end with fewer
COMPLETE_VARIABLE = "_MLO_COMPLETE"  # set by the shell's completion function


def main() -> None:
    """Run the command line and exit with its code."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        _let_any_file_name_through(stream)
    take_signals()
    gc.set_threshold(_OBJECTS)
    _leave(run(sys.argv[1:]))


def _open_what_is_closed() -> None:
    """Have what was closed before the start (`>&-`) lead nowhere, as git does.

    Python has no stream for it then; and a file opened later would take its number, and what is
    printed by a child.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            os.set_inheritable(number, True)  # noqa: FBT003  it takes no keyword
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout = sys.stdout or _nowhere("w")
    sys.stderr = sys.stderr or _nowhere("w")


def _nowhere(mode: str) -> Any:
    return os.fdopen(os.open(os.devnull, os.O_RDWR), mode)


def _leave(code: int) -> NoReturn:
    """End the process with an exit code, without taking apart all that it has loaded.

    That takes a fifth of the time of a short command, and the system does it anyway. What else
    Python does at the end comes first: it waits for threads, and calls what asked for it.
    """
    threads: Any = sys.modules.get("threading")
    if threads is not None:
        threads._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line, print what went wrong, and return the exit code."""
    try:
        code = _dispatch(list(arguments))
        sys.stdout.flush()
    except MloError as error:
        return _refuse(error.message, error.hint, error.exit_code)
    except KeyboardInterrupt as stop:
        return exit_code_of(stop)
    except BrokenPipeError:
        if _reader_is_gone():
            return BROKEN_PIPE
        return _report_bug()
    except OSError as error:
        return _refuse_or_report(error)
    except Exception:  # noqa: BLE001  the last one to see it
        return _report_bug()
    return code


def _dispatch(arguments: list[str]) -> int:
    if COMPLETE_VARIABLE in os.environ:
        return _complete()
    while arguments[:1] == ["-C"]:
        _go_to(arguments)
        arguments = arguments[2:]
    first = arguments[0] if arguments else "--help"
    if first == "help" and len(arguments) > 1:
        arguments = [*arguments[1:], "--help"]
        first = arguments[0]
    if first in {"-h", "--help", "help"}:
        print(overview())
        return 0 if arguments else 2
    if first == "--version":
        print(f"mlo {__version__}")
        return 0
    if is_call(arguments):
        from mlops_cli.cli.git_calls import answer

        return answer(arguments)
    if first not in COMMANDS:
        raise _unknown(first)
    _check_folder()
    if first == "status" and set(arguments[1:]) <= {"--json", "--exit-code"}:
        from mlops_cli.cli.standing_report import report

        return report(as_json="--json" in arguments, exit_code="--exit-code" in arguments)
    if first == "run":
        from mlops_cli.cli.run_work import carry_out, read

        given = read(arguments[1:])
        if given is not None:
            return carry_out(given)
    return _invoke(arguments)


def _complete() -> int:
    """Answer the completion function of a shell, which asks through the environment."""
    from typer._completion_classes import completion_init

    completion_init()
    _group().main(prog_name="mlo", complete_var=COMPLETE_VARIABLE)
    return 0


def _group() -> "LazyGroup":
    from mlops_cli.cli.group import LazyGroup

    return LazyGroup(name="mlo")


def _invoke(arguments: list[str]) -> int:
    import typer

    group = _group()
    try:
        with group.make_context("mlo", arguments) as context:
            group.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort as end:
        raise KeyboardInterrupt from end
    except typer.TyperException as error:
        from mlops_cli.cli.help import refusal

        message, hint = refusal(error)
        return _refuse(message, hint, RequestError.exit_code)
    return 0


def _go_to(arguments: list[str]) -> None:
    if len(arguments) < 2:
        raise RequestError("-C needs a folder", hint="mlo -C DIR COMMAND")
    try:
        os.chdir(arguments[1])
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(f"cannot go to '{arguments[1]}': {reason}") from error


def _check_folder() -> None:
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise StateError("the working folder is gone", hint="cd FOLDER, to one that is") from error


def _unknown(word: str) -> RequestError:
    from difflib import get_close_matches

    what = "option" if word.startswith("-") else "command"
    near = get_close_matches(word, COMMANDS, n=1, cutoff=0.5)
    return RequestError(
        f"there is no {what} '{word}'", hint=f"mlo {near[0]}" if near else "mlo --help"
    )


def _refuse(message: str, hint: str | None, code: int) -> int:
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    _tell(f"mlo: {message}", rest="     ")
    if hint:
        _tell(f"  {advice(hint)}", rest="       ")
    return code


def _tell(text: str, *, rest: str) -> None:
    """Print a line on stderr, folded there where people read it."""
    from mlops_cli.cli.fold import fitted
    from mlops_cli.cli.inert import inert

    print(fitted(inert(text), sys.stderr, rest=rest), file=sys.stderr)


def advice(hint: str) -> str:
    """Return a hint as it is shown: a question stands as it is, the rest is to be tried."""
    return hint if hint.endswith("?") else f"try: {hint}"


def _refuse_or_report(error: OSError) -> int:
    """Say in one line what the machine refused; any other OSError is a bug of ours."""
    import errno

    ours = {
        "EACCES",
        "EPERM",
        "ENOSPC",
        "EDQUOT",
        "EROFS",
        "EIO",
        "EMFILE",
        "ENFILE",
        "ENAMETOOLONG",
    }
    if errno.errorcode.get(error.errno or 0) not in ours:
        return _report_bug()
    where = f" '{error.filename}'" if error.filename else ""
    return _refuse(f"the system refused{where}: {(error.strerror or '').lower()}", None, 5)


def _report_bug() -> int:
    import traceback

    traceback.print_exc()
    print(f"mlo: this is a bug in mlo {__version__}, not in your project", file=sys.stderr)
    return BUG


def _reader_is_gone() -> bool:
    """Tell whether stdout or stderr is a pipe that nobody reads; then send both nowhere."""
    import select

    poll = select.poll()
    for number in (1, 2):
        poll.register(number, 0)
    gone = any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    if gone:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    return gone


def _let_any_file_name_through(stream: object) -> None:
    """Write file names that are not valid text as the bytes they are, not as an error."""
    from io import TextIOWrapper

    if isinstance(stream, TextIOWrapper):
        utf8 = stream.encoding.lower().replace("-", "") == "utf8"
        stream.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")
