"""Who answers: by chance in the stated shares, or by a user's key, always the same."""

import subprocess
import sys
from dataclasses import replace
from typing import Any, cast

import pytest

from mlops_cli.serving.live import Live
from mlops_cli.serving.routing import Beside, Routing, place_of


def live(role: str) -> Live:
    return cast("Live", role)


MAIN, CANARY, OTHER = live("main"), live("canary"), live("other")


def test_chance_gives_each_version_its_share() -> None:
    routing = Routing(MAIN, MAIN, (Beside(CANARY, 0.1), Beside(OTHER, 0.3)))
    places = [step / 1000 for step in range(1000)]
    chosen = [routing.choose(None, iter([place]).__next__) for place in places]
    assert [chosen.count(one) for one in (CANARY, OTHER, MAIN)] == [100, 300, 600]


def test_a_user_meets_the_same_version_and_users_are_spread_as_stated() -> None:
    routing = Routing(MAIN, MAIN, (Beside(OTHER, 0.5),), "user_id", "churn-1")
    users = [f"user-{number}".encode() for number in range(4000)]
    chosen = [routing.choose(user) for user in users]
    assert chosen == [routing.choose(user) for user in users]
    assert 1850 < chosen.count(OTHER) < 2150


def test_more_users_join_and_nobody_changes_sides_when_the_share_grows() -> None:
    few = Routing(MAIN, MAIN, (Beside(OTHER, 0.2),), "user_id", "churn-1")
    many = replace(few, beside=(Beside(OTHER, 0.6),))
    users = [f"user-{number}".encode() for number in range(1000)]
    assert all(many.choose(user) is OTHER for user in users if few.choose(user) is OTHER)


def test_another_experiment_divides_users_anew() -> None:
    users = [f"user-{number}".encode() for number in range(2000)]
    both = sum(place_of("a", user) < 0.5 and place_of("b", user) < 0.5 for user in users)
    assert 420 < both < 580


def test_another_process_puts_a_user_in_the_same_place() -> None:
    code = "from mlops_cli.serving.routing import place_of; print(place_of('churn-7', b'u1'))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(out.stdout) == place_of("churn-7", b"u1") == pytest.approx(0.18, abs=1.0)


def test_without_a_key_the_version_of_the_stage_answers_outside_of_the_experiment() -> None:
    arm: Any = live("main as an arm")
    routing = Routing(MAIN, arm, (Beside(OTHER, 0.999),), "user_id", "churn-1")
    assert routing.choose(None) is MAIN
    assert {routing.choose(f"u{number}".encode()) for number in range(5000)} == {OTHER, arm}
