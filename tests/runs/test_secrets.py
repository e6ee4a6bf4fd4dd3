import os

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.runs.finish import finish
from mlops_cli.runs.open_run import PARAMS, begin
from mlops_cli.runs.secrets import masked, masked_command

HUSH = "hunter2-and-more"


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--password", HUSH),
        ("train", f"--db-password={HUSH}"),
        ("sh", "-c", f"API_KEY={HUSH} train"),
        f"train --access-token '{HUSH} x' --depth 3",
        f"psql postgres://ada:{HUSH}@host/db",
        ("env", f"AWS_SECRET_ACCESS_KEY={HUSH}", "train"),
        ("train", "ghp_" + "a1" * 18 + HUSH.replace("-", "")),
    ],
)
def test_a_secret_in_a_command_is_masked(command: str | tuple[str, ...]) -> None:
    shown = str(masked_command(command))
    assert HUSH not in shown
    assert HUSH.replace("-", "") not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "command",
    [
        "python train.py --max-tokens 512 --tokenizer bpe --pad-token '[PAD]' --key=id",
        ("mlo run", "--set", "train.depth=3"),
        "curl https://example.org:8080/x@y",
    ],
)
def test_what_is_no_secret_stays(command: str | tuple[str, ...]) -> None:
    assert masked_command(command) == command


def test_secret_parameters_are_masked_and_numbers_stay() -> None:
    params = {"db": {"password": HUSH, "port": 5}, "secret": 3, "url": f"s3://a:{HUSH}@b"}
    assert masked(params) == {
        "db": {"password": "***", "port": 5},
        "secret": 3,
        "url": "s3://***@b",
    }


def test_no_object_of_a_run_holds_a_secret_that_was_given_to_it(repo: Repository) -> None:
    environ = {**os.environ, "DB_PASSWORD": HUSH}
    run = begin(
        repo, ("train", "--token", HUSH), params={"db": {"password": HUSH}}, environ=environ
    )
    run.note(PARAMS, {"params": {"api_key": HUSH}})
    finish(repo, run, status="done", exit_code=0)
    for path in repo.layout.mlo.rglob("*"):
        assert not path.is_file() or HUSH.encode() not in path.read_bytes()
    for index in repo.objects.indexes().values():
        for at in range(index.count):
            from mlops_cli.core.packs import as_id

            assert HUSH.encode() not in repo.objects.get(as_id(index.key(at)))
