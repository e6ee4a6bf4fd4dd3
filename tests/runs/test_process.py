import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from mlops_cli.errors import RequestError
from mlops_cli.runs.process import Children, Command, Ended, execute
from mlops_cli.runs.stopping import birth


class Pipes:
    """Where a command's output goes."""

    def __init__(self, tmp_path: Path) -> None:
        self.log = tmp_path / "log"
        self.log.touch()
        self._paths = {name: tmp_path / name for name in ("out", "err")}
        self.handles = {
            name: os.open(path, os.O_RDWR | os.O_CREAT) for name, path in self._paths.items()
        }

    def __getitem__(self, name: str) -> str:
        return self._paths[name].read_text()


@pytest.fixture
def pipes(tmp_path: Path):
    pipes = Pipes(tmp_path)
    yield pipes
    for handle in pipes.handles.values():
        os.close(handle)


def go(
    command, pipes: Pipes, *, started=lambda pid: None, grace_s: float = 5.0, **options
) -> Ended:
    return execute(
        command,
        folder=pipes.log.parent,
        environ=options.pop("environ", os.environ),
        log=pipes.log,
        stdout=options.pop("stdout", pipes.handles["out"]),
        stderr=pipes.handles["err"],
        pass_input=False,
        started=started,
        grace_s=grace_s,
    )


def test_both_streams_are_passed_on_and_logged(pipes: Pipes) -> None:
    ended = go("echo out; echo err >&2; exit 7", pipes)
    assert (ended.code, ended.interrupted) == (7, False)
    assert (pipes["out"], pipes["err"]) == ("out\n", "err\n")
    assert sorted(pipes.log.read_text().split()) == ["err", "out"]


def test_large_output_arrives_whole(pipes: Pipes) -> None:
    go((sys.executable, "-c", "print('x' * 3_000_000)"), pipes)
    assert len(pipes["out"]) == 3_000_001
    assert pipes.log.stat().st_size == 3_000_001


def test_words_are_not_read_by_a_shell(pipes: Pipes) -> None:
    go(("echo", "$HOME; *"), pipes)
    assert pipes["out"] == "$HOME; *\n"


def test_a_death_by_signal_has_the_code_that_shells_give(pipes: Pipes) -> None:
    assert go("kill -TERM $$", pipes).code == 128 + signal.SIGTERM


def test_a_child_left_behind_does_not_hold_up_the_end(pipes: Pipes) -> None:
    begun = time.monotonic()
    pids = []
    go("sleep 30 & echo done", pipes, started=pids.append)
    assert time.monotonic() - begun < 5
    assert pipes["out"] == "done\n"
    os.killpg(pids[0], signal.SIGKILL)


@pytest.mark.parametrize("words", [("no-such-program",), ("/etc/hostname",)])
def test_a_program_that_cannot_be_run_is_named(pipes: Pipes, words: tuple[str, ...]) -> None:
    with pytest.raises(RequestError, match=words[0]):
        go(words, pipes)


def test_a_full_target_does_not_stop_the_command(pipes: Pipes) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        ended = go("echo 1; echo 2 >&2; exit 4", pipes, stdout=write)
    finally:
        os.close(write)
    assert ended.code == 4
    assert pipes.log.read_text().split() == ["1", "2"]


def interrupted_after_word(command: str, pipes: Pipes, *signals: int, grace_s: float) -> Ended:
    """Run a command, and send ourselves signals, the first once it has printed something."""

    def send() -> None:
        while not pipes.log.stat().st_size:
            time.sleep(0.01)
        for number in signals:
            os.kill(os.getpid(), number)
            time.sleep(0.1)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        return go(command, pipes, grace_s=grace_s)
    finally:
        sender.join()


def test_an_interrupt_reaches_the_whole_group(pipes: Pipes) -> None:
    command = "sleep 60 & echo $!; wait"
    ended = interrupted_after_word(command, pipes, signal.SIGINT, grace_s=0.2)
    assert ended.interrupted
    assert ended.seconds < 5
    assert not alive(int(pipes["out"]))


def test_what_ignores_an_interrupt_is_terminated_then_killed(pipes: Pipes) -> None:
    command = "trap '' INT TERM; echo up; while :; do sleep 0.05; done"
    ended = interrupted_after_word(command, pipes, signal.SIGINT, grace_s=0.2)
    assert (ended.interrupted, ended.code) == (True, 128 + signal.SIGKILL)


def test_a_second_interrupt_skips_the_wait(pipes: Pipes) -> None:
    command = "trap '' INT; echo up; while :; do sleep 0.05; done"
    ended = interrupted_after_word(command, pipes, signal.SIGINT, signal.SIGINT, grace_s=60)
    assert ended.interrupted
    assert ended.seconds < 10


def test_a_child_may_end_in_its_own_way_when_interrupted(pipes: Pipes) -> None:
    command = "trap 'echo saved; exit 9' INT; echo up; while :; do sleep 0.05; done"
    ended = interrupted_after_word(command, pipes, signal.SIGINT, grace_s=30)
    assert (ended.interrupted, ended.code) == (True, 9)
    assert pipes["out"] == "up\nsaved\n"


def test_our_own_signal_handlers_are_put_back(pipes: Pipes) -> None:
    before = signal.getsignal(signal.SIGINT)
    go("true", pipes)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_process_is_told_from_a_later_one_of_its_id() -> None:
    assert birth(os.getpid()) == birth(os.getpid())
    assert birth(2**22 + 5) is None


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_it_works_where_the_system_has_no_process_handles(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert go("echo out; exit 3", pipes).code == 3
    assert pipes["out"] == "out\n"


def test_a_log_that_cannot_be_written_does_not_stop_the_command(
    pipes: Pipes, capfd: pytest.CaptureFixture[str]
) -> None:
    pipes.log.unlink()
    pipes.log.symlink_to("/dev/full")
    assert go("echo out; echo more; exit 2", pipes).code == 2
    assert pipes["out"] == "out\nmore\n"
    assert "mlo: the log ends here, the run goes on" in capfd.readouterr().err


def test_a_command_runs_in_a_thread_too(pipes: Pipes) -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(go("exit 5", pipes).code))
    thread.start()
    thread.join()
    assert codes == [5]


def children(pipes: Pipes, **options) -> Children:
    return Children(pipes.log, stdout=pipes.handles["out"], stderr=pipes.handles["err"], **options)


def command(line: str, pipes: Pipes, **options) -> Command:
    return Command(line, pipes.log.parent, os.environ, **options)


def test_several_commands_work_at_once(pipes: Pipes) -> None:
    meet = "mkdir {me}; until test -d {other}; do sleep 0.01; done"
    with children(pipes) as both:
        both.start("a", command(meet.format(me="one", other="two"), pipes))
        both.start("b", command(meet.format(me="two", other="one") + "; exit 3", pipes))
        ended = dict([both.next(), both.next()])
    assert {name: one.code for name, one in ended.items()} == {"a": 0, "b": 3}


def test_lines_of_several_commands_are_told_apart(pipes: Pipes) -> None:
    with children(pipes) as two:
        two.start("a", command(r"printf 'one\ntwo'", pipes, label="a"))
        two.start("b", command(r"printf '10%%\r99%%\n'", pipes, label="b"))
        two.next()
        two.next()
    assert sorted(pipes["out"].splitlines()) == ["a | one", "a | two", "b | 99%"]
    assert sorted(pipes.log.read_text().splitlines()) == ["a | one", "a | two", "b | 99%"]


def test_a_command_that_takes_too_long_is_stopped_and_the_others_go_on(pipes: Pipes) -> None:
    with children(pipes) as two:
        two.start("slow", command("sleep 60 & wait", pipes, timeout_s=0.1))
        two.start("other", command("until test -e go; do sleep 0.01; done", pipes))
        name, ended = two.next()
        assert (name, ended.timed_out, ended.interrupted) == ("slow", True, False)
        (pipes.log.parent / "go").touch()
        name, ended = two.next()
    assert (name, ended.code, ended.timed_out) == ("other", 0, False)


def test_what_is_at_work_is_stopped_when_its_leader_fails(pipes: Pipes) -> None:
    with pytest.raises(ZeroDivisionError), children(pipes) as one:
        pid = one.start("a", command("sleep 60", pipes))
        raise ZeroDivisionError
    assert birth(pid) is None
