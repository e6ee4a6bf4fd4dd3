"""The standard AWS settings are found where the AWS tools find them, and no secret is told."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_cli.errors import ExternalError
from mlops_cli.remotes import aws

KEYS = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "hush-env"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(
        "[default]\nregion = eu-north-1\n"
        "[profile lab]\nregion = eu-west-3\nendpoint_url = https://lab.example\n"
        "ca_bundle = /etc/lab.pem\n"
        '[profile "two words"]\nservices = storage\n'
        "[services storage]\ns3 =\n  endpoint_url = https://storage.example\n  other = 1\n"
        "[profile single]\nsso_session = office\n"
        "[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = lab\n"
    )
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key = hush-default\n"
        "[lab]\naws_access_key_id=AKLAB\naws_secret_access_key=hush%lab\naws_session_token=tok\n"
        "[half]\naws_access_key_id = AKHALF\n"
    )
    return tmp_path


def found(home: Path, **environment: str) -> aws.Aws:
    return aws.settings({"HOME": str(home), **environment})


def keys(home: Path, **environment: str) -> aws.Keys:
    ask = found(home, **environment).keys
    assert ask is not None
    return ask()


def test_the_environment_comes_before_the_files(home: Path) -> None:
    assert keys(home, **KEYS, AWS_PROFILE="lab") == aws.Keys("AKENV", "hush-env")
    assert keys(home, **KEYS, AWS_SESSION_TOKEN="t").token == "t"


def test_a_profile_comes_from_both_files(home: Path) -> None:
    lab = found(home, AWS_PROFILE="lab")
    assert (lab.region, lab.endpoint) == ("eu-west-3", "https://lab.example")
    assert lab.ca_bundle == Path("/etc/lab.pem")
    assert keys(home, AWS_PROFILE="lab") == aws.Keys("AKLAB", "hush%lab", "tok")


def test_without_a_profile_it_is_the_default(home: Path) -> None:
    assert keys(home) == aws.Keys("AKDEFAULT", "hush-default")
    assert found(home).region == "eu-north-1"
    assert found(home).endpoint is None


def test_files_may_lie_elsewhere(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(
        "[default]\naws_access_key_id=A\naws_secret_access_key=B\nregion=nowhere-1\n"
    )
    there = {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "elsewhere"),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    assert keys(home, **there) == aws.Keys("A", "B")
    assert found(home, **there).region == "nowhere-1"


def test_with_nothing_set_it_is_left_to_the_machine(tmp_path: Path) -> None:
    assert found(tmp_path) == aws.Aws(aws.DEFAULT_REGION, None, None, None)
    assert found(tmp_path, AWS_WEB_IDENTITY_TOKEN_FILE="/t", AWS_ROLE_ARN="r").keys is None
    assert found(tmp_path, AWS_SKIP_SIGNATURE="true").keys is None


def test_the_endpoint_for_s3_comes_first(home: Path) -> None:
    both = {"AWS_ENDPOINT_URL": "https://all", "AWS_ENDPOINT_URL_S3": "https://s3"}
    assert found(home, **both, AWS_PROFILE="lab").endpoint == "https://s3"
    assert found(home, AWS_ENDPOINT_URL="https://all", AWS_PROFILE="lab").endpoint == "https://all"
    two = found(home, AWS_PROFILE="two words")
    assert two.endpoint == "https://storage.example"
    ignored = {"AWS_PROFILE": "lab", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert found(home, **ignored).endpoint is None


def test_an_empty_variable_counts_as_unset(home: Path, tmp_path: Path) -> None:
    empty = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": ""}
    assert keys(home, **empty, AWS_REGION="") == aws.Keys("AKDEFAULT", "hush-default")
    with pytest.raises(ExternalError, match="no AWS credentials were found"):
        found(tmp_path / "nobody", **empty)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"AWS_PROFILE": "none"}, "no AWS profile 'none'"),
        ({"AWS_PROFILE": "single"}, "signs in by SSO"),
        ({"AWS_PROFILE": "role"}, "takes on a role"),
        ({"AWS_PROFILE": "half"}, "an AWS access key, but no secret key"),
        ({"AWS_SECRET_ACCESS_KEY": "hush"}, "an AWS secret key, but no access key"),
        ({**KEYS, "AWS_SECRET_ACCESS_KEY": "hush\n"}, "characters that no key has"),
        ({"AWS_PROFILE": "x", "AWS_CONFIG_FILE": "/proc/self/mem"}, "cannot read"),
    ],
)
def test_what_cannot_sign_in_is_told_without_the_secret(
    home: Path, environment: dict[str, str], says: str
) -> None:
    with pytest.raises(ExternalError, match=says) as caught:
        found(home, **environment)
    assert "hush" not in caught.value.message + str(caught.value.hint)


def test_a_file_that_is_laid_out_wrongly_is_named_and_not_quoted(home: Path) -> None:
    (home / ".aws/credentials").write_text("aws_secret_access_key = hush\n")
    with pytest.raises(ExternalError, match="credentials' is not laid out") as caught:
        found(home)
    assert "hush" not in caught.value.message
    assert caught.value.__cause__ is None


def test_keys_are_not_shown() -> None:
    assert "hush" not in repr(aws.Keys("AK", "hush", "hush"))


def process(home: Path, code: str) -> aws.Keys:
    script = home / "keys.py"
    script.write_text(code)
    (home / ".aws/config").write_text(
        f"[profile p]\ncredential_process = '{sys.executable}' '{script}' --x\n"
    )
    return keys(home, AWS_PROFILE="p")


def test_a_credential_process_is_asked(home: Path) -> None:
    said = {
        "Version": 1,
        "AccessKeyId": "AKP",
        "SecretAccessKey": "hush",
        "SessionToken": "t",
        "Expiration": "2026-11-21T10:00:00Z",
    }
    got = process(home, f"print({json.dumps(said)!r})")
    assert got == aws.Keys("AKP", "hush", "t", datetime(2026, 11, 21, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; print('hush'); sys.exit(3)", "ended with 3"),
        ("print('hush')", "did not print keys as JSON"),
        ("print('[]')", "did not print keys as JSON"),
        ('print(\'{"AccessKeyId": "hush"}\')', "did not print keys as JSON"),
    ],
)
def test_a_credential_process_that_fails_is_told_without_what_it_printed(
    home: Path, code: str, says: str
) -> None:
    with pytest.raises(ExternalError, match=says) as caught:
        process(home, code)
    assert "hush" not in caught.value.message


def test_a_credential_process_that_is_not_there_is_told(home: Path) -> None:
    (home / ".aws/config").write_text("[default]\ncredential_process = /no/such/program\n")
    (home / ".aws/credentials").unlink()
    with pytest.raises(ExternalError, match="no such file"):
        keys(home)
