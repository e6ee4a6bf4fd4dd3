import os

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.runs.begin import begin
from mlops_cli.runs.environment import collect
from mlops_cli.runs.finish import finish
from mlops_cli.runs.secrets import masked, masked_command, masked_text, shown_in

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


SHAPES = {
    "AWS key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "AWS temporary key id": "ASIA" + "Y34FZKBOKMUTVV7A",
    "GitHub token": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "GitHub fine-grained token": "github_pat_" + "11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789",
    "GitLab token": "glpat-" + "xY3zK9mQ7wL2vB8nR5tP",
    "Hugging Face token": "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "OpenAI key": "sk-" + "proj-Ab12Cd34Ef56Gh78Ij90Kl12",
    "Stripe key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "Slack token": "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOp",
    "Slack app token": "xapp-1-" + "A0123456789-1234567890123-abcdef0123456789",
    "Google key": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "npm token": "npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "PyPI token": "pypi-" + "AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA",
    "Databricks token": "dapi" + "0123456789abcdef0123456789abcdef",
    "SendGrid key": "SG." + "aBcDeFgHiJkLmNoPqRsTuV.wXyZ0123456789abcdefghijklmnop",
    "JWT": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "private key": "-----BEGIN RSA PRIVATE"
    + " KEY-----\nMIIEpAIBAAKCAQEA75\n-----END RSA PRIVATE KEY-----",
    "OpenSSH key": "-----BEGIN OPENSSH PRIVATE" + " KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5v\n",
}


@pytest.mark.parametrize("kind", SHAPES)
def test_a_secret_is_known_by_its_shape_wherever_it_stands(kind: str) -> None:
    secret = SHAPES[kind]
    core = secret[8:30]
    for text in (secret, f"before {secret} after", f"x={secret}"):
        assert core not in str(masked({"harmless": text}))
        assert core not in masked_text(text)
        assert core not in str(masked_command(("train", text)))
        assert core not in str(masked({"list": ["a", {"b": [text]}]}))
    assert shown_in(f"line\n{secret}\n".encode())


@pytest.mark.parametrize(
    "text",
    [
        "https://ada:hunter2@example.org/x",
        "redis://:hunter2@cache:6379/0",
        "postgresql+psycopg://ada:hunter2%21@db/x",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + "hunter2" * 12 + "==",
        "Authorization: Bearer hunter2.hunter2.hunter2",
    ],
)
def test_a_password_in_a_url_or_a_header_is_masked(text: str) -> None:
    assert "hunter2" not in masked_text(text)
    assert "hunter2" not in str(masked({"url": text}))


@pytest.mark.parametrize("name", ["SESSION_KEY", "app.token", "X_AUTH", "db-pwd", "SENTRY_DSN"])
def test_a_name_that_may_be_a_secret_hides_what_looks_random(name: str) -> None:
    assert masked({name: "q8Zp2LxV0tYw7RkB3nDm"}) == {name: "***"}
    assert masked_text(f"{name}=q8Zp2LxV0tYw7RkB3nDm") == f"{name}=***"
    for harmless in ("customer_id", "[PAD]", "/data/2024/keys-01.csv", "1234567890123456", "yes"):
        assert masked({name: harmless}) == {name: harmless}


@pytest.mark.parametrize(
    "text",
    [
        "the learning rate is 3e-4", "s3://bucket/data/2024-01-01.parquet", "sk-learn", "risk-free",
        "b3f1c2d4e5f60718293a4b5c6d7e8f90", "git@github.com:ada/churn.git", "hf_model", "depth=12",
    ],
)  # fmt: skip
def test_what_only_resembles_a_secret_stays(text: str) -> None:
    assert masked({"note": text}) == {"note": text}
    assert masked_text(text) == text


def test_secret_parameters_are_masked_and_numbers_stay() -> None:
    params = {"db": {"password": HUSH, "port": 5}, "secret": 3, "url": f"s3://a:{HUSH}@b"}
    assert masked(params) == {
        "db": {"password": "***", "port": 5},
        "secret": 3,
        "url": "s3://***@b",
    }


def test_chosen_variables_are_masked_by_name_and_by_shape() -> None:
    environ = {
        "JOB_ID": "17", "JOB_TOKEN": "hush" * 4, "JOB_SECRET": HUSH, "OTHER": "no",
        "JOB_URL": f"https://a:{HUSH}@host", "EXACT": SHAPES["AWS key id"],
    }  # fmt: skip
    found = collect(environ, os.environ["PATH"], chosen=("JOB_*", "EXACT"))["variables"]
    assert found == {
        "EXACT": "***",
        "JOB_ID": "17",
        "JOB_SECRET": "***",
        "JOB_TOKEN": "hush" * 4,
        "JOB_URL": "https://***@host",
    }


def test_no_object_of_a_run_holds_a_secret_that_was_given_to_it(repo: Repository) -> None:
    environ = {**os.environ, "DB_PASSWORD": HUSH}
    run = begin(
        repo, ("train", "--token", HUSH), params={"db": {"password": HUSH}}, environ=environ
    )
    run.say({"params": {"api_key": HUSH}})
    finish(repo, run, status="done", exit_code=0)
    for path in repo.layout.mlo.rglob("*"):
        assert not path.is_file() or HUSH.encode() not in path.read_bytes()
    for index in repo.objects.indexes().values():
        for at in range(index.count):
            from mlops_cli.core.packs import as_id

            assert HUSH.encode() not in repo.objects.get(as_id(index.key(at)))
