"""Merging `mlo.lock`: steps of both sides are there, a step that both ran anew is made again."""

from dataclasses import replace

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.lockfile import LockedOutput, LockedStep
from mlops_cli.data.merge_lock import merge_locks


def step(digit: str, run: str = "r") -> LockedStep:
    out = LockedOutput(ObjectId(digit * 64), "file", 1)
    return LockedStep("true", {}, {}, {"out": out}, {}, run)


def test_different_steps_of_both_sides_come_together() -> None:
    base = {"prepare": step("1"), "train": step("1"), "old": step("1")}
    ours = {"prepare": step("2"), "train": step("1"), "old": step("1"), "new": step("5")}
    theirs = {"prepare": step("1"), "train": step("3")}
    merged = merge_locks(base, ours, theirs)
    assert merged.steps == {"prepare": step("2"), "train": step("3"), "new": step("5")}
    assert merged.dropped == ()


def test_a_step_that_both_ran_anew_is_dropped() -> None:
    merged = merge_locks({"a": step("1")}, {"a": step("2")}, {"a": step("3")})
    assert merged.steps == {}
    assert merged.dropped == ("a",)
    assert merge_locks({"a": step("1")}, {"a": step("2")}, {}).dropped == ("a",)


def test_two_runs_with_the_same_result_agree() -> None:
    ours, theirs = step("2", "mine"), step("2", "yours")
    assert merge_locks({}, {"a": ours}, {"a": theirs}).steps == {"a": ours}
    assert replace(theirs, run="mine") == ours
