import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_cli import __version__, errors
from mlops_cli.cli import main
from tests.conftest import Mlo, unwatched

OURS = {
    "mlops_cli",
    "mlops_cli.cli",
    "mlops_cli.cli.main",
    "mlops_cli.cli.signals",
    "mlops_cli.cli.table",
    "mlops_cli.errors",
}


def modules_of(*arguments: str) -> set[str]:
    """Return what a fresh Python has loaded after `mlo ARGUMENTS`, besides what it starts with."""
    code = (
        "import sys; before = set(sys.modules); from mlops_cli.cli.main import run;"
        "run(sys.argv[1:]); print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=unwatched(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_only_the_frame(argument: str) -> None:
    loaded = modules_of(argument)
    assert {name for name in loaded if name.startswith("mlops_cli")} == OURS
    assert {name.split(".")[0] for name in loaded} <= {"mlops_cli", *sys.stdlib_module_names}
    heavy = {"argparse", "asyncio", "dataclasses", "inspect", "json", "pathlib", "subprocess"}
    assert not loaded & heavy


def test_a_command_loads_its_own_module_and_no_other_command() -> None:
    loaded = modules_of("init", "--help")
    commands = {name for name in loaded if name.startswith("mlops_cli.cli.commands.")}
    assert commands == {"mlops_cli.cli.commands.init"}
    assert not {name.split(".")[0] for name in loaded} & {"rich", "pydantic", "numpy", "git"}


def test_at_its_end_it_waits_for_threads_and_does_what_was_asked_for() -> None:
    code = (
        "import atexit, os, sys, threading; from mlops_cli.cli.main import main\n"
        "wait = threading.Event()\n"
        "def late(): wait.wait(10); os.write(1, b'thread\\n')\n"
        "threading.Thread(target=late).start()\n"
        "threading._register_atexit(wait.set)\n"
        "atexit.register(lambda: print('at exit'))\n"
        "sys.argv = ['mlo', 'nonsense']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=unwatched(), capture_output=True, text=True, check=False
    )
    assert done.stdout == "thread\nat exit\n"
    assert done.returncode == 2
    assert "there is no command 'nonsense'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("--version >&-", 0), ("nonsense 2>&-", 2), ("nonsense <&- >&- 2>&-", 2)],
)
def test_closed_streams_lead_nowhere_and_change_no_exit_code(arguments: str, code: int) -> None:
    line = f'"{sys.executable}" -m mlops_cli {arguments}'
    done = subprocess.run(line, shell=True, env=unwatched(), capture_output=True, check=False)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_version_is_the_package_s(mlo: Mlo) -> None:
    assert mlo("--version").stdout == f"mlo {__version__}\n"


def test_no_command_shows_help_and_is_a_bad_request(mlo: Mlo) -> None:
    assert mlo(code=2).stdout == mlo("--help").stdout


@pytest.mark.parametrize(
    ("typed", "meant"), [("stauts", "mlo status"), ("promot", "mlo promote"), ("zzz", "mlo --help")]
)
def test_an_unknown_command_names_the_nearest(mlo: Mlo, typed: str, meant: str) -> None:
    ended = mlo(typed, code=2)
    assert ended.stderr == f"mlo: there is no command '{typed}'\n  try: {meant}\n"
    assert ended.stdout == ""


def test_an_unknown_option_names_the_nearest(mlo: Mlo) -> None:
    ended = mlo("init", "--templat", "minimal", code=2)
    assert ended.stderr == "mlo: no such option: --templat\n  try: mlo init --template\n"


@pytest.mark.parametrize(("typed", "meant"), [("--wat", "--help"), ("--multi", "--multivariate")])
def test_an_unknown_option_names_none_that_is_not_like_it(mlo: Mlo, typed: str, meant: str) -> None:
    assert mlo("drift", typed, code=2).stderr.endswith(f"  try: mlo drift {meant}\n")


def test_an_option_without_its_value_leads_to_the_help_of_its_command(mlo: Mlo) -> None:
    ended = mlo("diff", "--rows", code=2)
    assert ended.stderr == "mlo: option '--rows' requires an argument\n  try: mlo diff --help\n"
    assert mlo("remote", "add", "a", "b", "--key-file", code=2).stderr.endswith(
        "remote add --help\n"
    )


def test_too_many_arguments_are_refused(mlo: Mlo) -> None:
    ended = mlo("init", "a", "b", code=2)
    assert ended.stderr == "mlo: too many arguments: (b)\n  try: mlo init --help\n"


def test_an_unknown_option_of_the_program_is_refused(mlo: Mlo) -> None:
    ended = mlo("--bogus", code=2)
    assert ended.stderr == "mlo: there is no option '--bogus'\n  try: mlo --help\n"


def test_help_of_a_command_can_be_asked_for_both_ways(mlo: Mlo) -> None:
    assert mlo("help", "init").stdout == mlo("init", "--help").stdout == mlo("init", "-h").stdout


def test_option_c_goes_to_a_folder_first(mlo: Mlo, project: Path, tmp_path: Path) -> None:
    ended = mlo("-C", project, "config", "serving.port", cwd=tmp_path)
    assert ended.stdout == "8000\n"


def test_option_c_refuses_what_is_no_folder(mlo: Mlo, tmp_path: Path) -> None:
    ended = mlo("-C", tmp_path / "none", "config", code=2)
    assert "no such file or directory" in ended.stderr
    assert "-C needs a folder" in mlo("-C", code=2).stderr


def test_outside_a_repository_it_says_how_to_make_one(mlo: Mlo, tmp_path: Path) -> None:
    ended = mlo("config", code=3, cwd=tmp_path)
    assert ended.stderr.endswith("is not in an mlo repository\n  try: make one here: mlo init\n")
    assert ended.stdout == ""


def test_a_folder_that_is_gone_is_one_line(mlo: Mlo, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = Path(sys.executable).parent / "mlo"
    line = f'cd "{gone}" && rmdir "{gone}" && "{program}" config'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr == "mlo: the working folder is gone\n  try: cd FOLDER, to one that is\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.RequestError, 2),
        (errors.StateError, 3),
        (errors.Conflict, 3),
        (errors.IntegrityError, 4),
        (errors.ExternalError, 5),
    ],
)
def test_the_class_of_an_error_decides_the_exit_code(
    error: type[errors.MloError],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    raises(monkeypatch, error("it broke", hint="mend it"))
    assert main.run(["init"]) == code
    assert capsys.readouterr().err == "mlo: it broke\n  try: mend it\n"


def test_a_hint_that_asks_stands_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raises(monkeypatch, errors.RequestError("no such key 'stpes'", hint="did you mean 'steps'?"))
    main.run(["init"])
    assert capsys.readouterr().err == "mlo: no such key 'stpes'\n  did you mean 'steps'?\n"


def test_a_bug_shows_its_traceback_and_ends_with_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raises(monkeypatch, ZeroDivisionError("division by zero"))
    assert main.run(["init"]) == 70
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert told.endswith(f"mlo: this is a bug in mlo {__version__}, not in your project\n")


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    raises(monkeypatch, KeyboardInterrupt())
    assert main.run(["init"]) == 130


def test_a_full_disk_is_not_called_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import errno

    raises(monkeypatch, OSError(errno.ENOSPC, "No space left on device", "/data/x"))
    assert main.run(["init"]) == 5
    told = capsys.readouterr().err
    assert told == "mlo: the system refused '/data/x': no space left on device\n"


def test_a_file_of_ours_that_is_missing_is_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raises(monkeypatch, FileNotFoundError(2, "No such file or directory", "x"))
    assert main.run(["init"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_left_is_no_error(mlo: Mlo) -> None:
    program = Path(sys.executable).parent / "mlo"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([program, "--help"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 141


def test_an_interrupt_from_the_keyboard_is_quiet(tmp_path: Path) -> None:
    """A process that gets SIGINT while it waits says nothing and ends with 130."""
    code = (
        "import sys, typer, time\n"
        "from mlops_cli.cli.commands import init\n"
        "def wait(): print('ready', flush=True); time.sleep(60)\n"
        "init.init = wait\n"
        "from mlops_cli.cli.main import main\n"
        "sys.argv = ['mlo', 'init']\n"
        "main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=30)
    assert child.returncode == 130
    assert told == ""


def raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the command `init` end in `error`."""
    from mlops_cli.cli.commands import init

    def command() -> None:
        raise error

    monkeypatch.setattr(init, "init", command)
