"""What cannot run is refused before anything is written."""

from typing import Any

import pytest

from mlops_cli.errors import RequestError
from mlops_cli.registry.deploy.plan import named, plan
from mlops_cli.registry.models import Version


def test_names_are_such_as_clusters_allow() -> None:
    assert named("Churn_2.x") == "churn-2-x"
    assert named("2fast") == "m-2fast"
    assert named("_") == "m"
    assert len(named("x" * 90)) == 48


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (None, "churn-model:v3"),
        ("host:5000/team/churn", "host:5000/team/churn:v3"),
        ("host/churn:stable", "host/churn:stable"),
        ("host/churn@sha256:" + "a" * 64, "host/churn@sha256:" + "a" * 64),
        ("host/churn:build-{version}", "host/churn:build-3"),
    ],
)
def test_each_version_has_its_image(version: Version, given: str | None, made: str) -> None:
    assert plan(version, image=given).stable.image == made


def test_memory_is_reckoned_from_the_model_unless_it_is_said(version: Version) -> None:
    assert plan(version).memory_mib == 512  # 256 and four times 50, rounded up
    assert plan(version, memory="2Gi").memory_mib == 2048


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"image": "a b"}, "'a b' is no image"),
        ({"image": "host/churn:"}, "is no image"),
        ({"image": 'x"\nkind: Secret'}, "is no image"),
        ({"cpu": "much"}, "is no number of processors"),
        ({"memory": "2 GB"}, "is no amount of memory"),
        ({"memory": "0Mi"}, "is no amount of memory"),
        ({"gateway": "a b"}, "cannot be the name of a Gateway"),
        ({"tokens": "x}, {"}, "cannot be the name of a Secret"),
    ],
)
def test_what_cannot_be_is_told(version: Version, wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(RequestError, match=why):
        plan(version, **wrong)


def test_a_canary_is_another_version_in_another_image(version: Version, newer: Version) -> None:
    with pytest.raises(RequestError, match="answers already"):
        plan(version, canary=version, share=0.1)
    with pytest.raises(RequestError, match="less than all"):
        plan(version, canary=newer, share=1.0)
    with pytest.raises(RequestError, match="a canary needs another"):
        plan(version, canary=newer, share=0.1, image="host/churn:stable")
    planned = plan(version, canary=newer, share=0.1, image="host/churn:b{version}")
    assert planned.canary is not None
    assert (planned.stable.share, planned.canary.image) == (0.9, "host/churn:b4")
