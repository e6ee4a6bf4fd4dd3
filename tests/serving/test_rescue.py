"""A version that fails in service is sent back by the server itself, and the record says why."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.registry import models, promote, routes
from mlops_cli.registry.routed import routed
from tests.conftest import Mlo
from tests.serving.conftest import ROW
from tests.serving.registry import hammered, served, wait_for

Make = Callable[..., Repository]


def configured(project: Path, two_versions: Make, extra: str) -> Repository:
    (project / ".mlops.yaml").write_text(
        "serving: {auto_rollback: {min_requests: 20" + extra + "}}\n"
    )
    return two_versions(poison=True)


def arms(repo: Repository) -> tuple[routes.Arm, ...]:
    return routes.arms(models.model(repo, "plant"))


@pytest.mark.parametrize("role", ["canary", "ab"])
def test_a_poisoned_version_loses_its_requests_and_the_audit_log_says_why(
    project: Path, two_versions: Make, role: routes.Role
) -> None:
    repo = configured(project, two_versions, "")
    with served(repo) as running:
        by = "header:X-User" if role == "ab" else None
        routes.begin(repo, "plant@v2", role, share=0.5, by=by)
        if role == "ab":
            number = 0
            while arms(repo) and number < 2000:
                number += 1
                running.client.post(
                    "/predict", json={"rows": [ROW]}, headers={"X-User": str(number)}
                )
        else:
            with hammered(running.ready.url) as load:
                wait_for(lambda: not arms(repo))
            assert {status for status, _ in load.seen} == {200, 422}
        wait_for(lambda: not running.server._slots[0].routing.beside)
        assert {running.predict().json()["version"] for _ in range(20)} == {1}
    event = models.model(repo, "plant").events[-1]
    assert (event.kind, event.number, event.detail["ended"]) == ("route", 2, "aborted")
    cause = event.detail["cause"]
    assert (cause["by"], cause["test"], cause["old"]) == ("mlo serve", "share of errors", "0.00%")
    assert cause["p"] < cause["limit"] < 0.01
    assert [line for line in running.said if "v2 gets no more requests: share of errors" in line]


def test_a_poisoned_promotion_is_rolled_back_where_that_is_asked_for(
    project: Path, two_versions: Make
) -> None:
    repo = configured(project, two_versions, ", promotion: true")
    with served(repo) as running:
        for _ in range(60):
            assert running.predict().status_code == 200
        promote.promote(repo, "plant@v2", "production")
        with hammered(running.ready.url):
            wait_for(lambda: models.model(repo, "plant").stages["production"] == 1)
            wait_for(lambda: running.server._slots[0].live.version == 1)
        assert running.predict().status_code == 200
    event = models.model(repo, "plant").events[-1]
    assert (event.kind, event.number, event.detail["cause"]["against"]) == ("rollback", 1, "v1")


def test_who_asks_is_told_of_requests_and_errors_by_version_while_the_server_runs(
    project: Path, two_versions: Make, mlo_here: Mlo
) -> None:
    repo = configured(project, two_versions, ", canary: false")
    assert routed(repo, "plant").servers == ()
    routes.begin(repo, "plant@v2", "canary", share=0.5)

    def seen() -> dict[str, tuple[int, int]]:
        told = routed(repo, "plant").servers
        return {one.role: (one.requests, one.errors) for server in told for one in server.counted}

    with served(repo) as running:
        answers = [running.predict().status_code for _ in range(30)]
        wait_for(lambda: sum(asked for asked, _ in seen().values()) == 30)
        assert seen()["answer"] == (answers.count(200), 0)
        assert seen()["canary"] == (answers.count(422), answers.count(422))
        shown = mlo_here("canary", "plant", cwd=project).stdout
        assert f"{running.ready.url}, since" in shown
        assert f"v2, canary: {answers.count(422)} requests, {answers.count(422)} failed" in shown
    assert routed(repo, "plant").servers == ()
    routes.end(repo, "plant", "canary", how="aborted", reason="it failed")
    shown = mlo_here("canary", "plant", cwd=project).stdout
    assert "v2, canary, was aborted at" in shown
    assert shown.rstrip().endswith("UTC: it failed")


def test_without_that_a_promotion_stays_whatever_happens(project: Path, two_versions: Make) -> None:
    repo = configured(project, two_versions, ", canary: false")
    with served(repo) as running:
        for _ in range(30):
            running.predict()
        promote.promote(repo, "plant@v2", "production")
        wait_for(lambda: running.server._slots[0].live.version == 2)
        for _ in range(60):
            running.predict()
        running.server._rescue.look()
    assert models.model(repo, "plant").stages["production"] == 2


def test_what_was_aborted_does_not_begin_again_with_the_next_server(
    project: Path, two_versions: Make
) -> None:
    from mlops_cli.serving.opening import begin

    repo = configured(project, two_versions, "")
    said: list[str] = []
    begin(repo, ["plant"], "canary", ["v2:10%"], by=None, say=said.append)
    begin(repo, ["plant"], "canary", ["v2:30%"], by=None, say=said.append)
    assert [arm.share for arm in arms(repo)] == [0.1]
    routes.end(repo, "plant", "canary", how="aborted", reason="it failed")
    begin(repo, ["plant"], "canary", ["v2:10%"], by=None, say=said.append)
    assert arms(repo) == ()
    assert "plant v2 goes on with 10%" in said[0]
    assert said[1] == "plant v2 does not begin again, it was aborted: it failed"
