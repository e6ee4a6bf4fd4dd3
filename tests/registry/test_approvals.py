"""An approval counts once, for one version, by somebody beside its authors; signed where asked."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mlops_cli.core import signatures
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import approvals, events, models
from mlops_cli.registry.approvals import Given, approve
from mlops_cli.registry.promote import promote
from mlops_cli.registry.register import register
from mlops_cli.registry.verification import verify
from tests.conftest import git
from tests.registry.conftest import Workshop

ASKS = (
    "models: {{churn: {{path: model, target: left, stages: "
    "{{staging: {{approvals: 1}}, production: {{approvals: 2{more}}}}}}}}}\n"
)
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")
needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="there is no gpg")


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in git with v1 and v2, which Ada registered from runs of Cyd's commit."""
    folder = tmp_path_factory.mktemp("approvals")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{name}_NAME", "Cyd")
            patch.setenv(f"GIT_{name}_EMAIL", "cyd@example.org")
        patch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        shop = Workshop(create(folder / "project"))
        git(shop.repo.root, "init", "--quiet")
        git(shop.repo.root, "commit", "--quiet", "--allow-empty", "-m", "one")
        commit = git(shop.repo.root, "rev-parse", "HEAD").strip()
        patch.setenv("GIT_AUTHOR_NAME", "Ada")
        patch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
        shop.settings(ASKS.format(more=""))
        for auc in (0.8, 0.9):
            run = shop.run({"auc": auc}, strength=auc)
            register(shop.repo, "churn", run=replace(run, code=replace(run.code, commit=commit)))
    return shop.repo.root


@pytest.fixture
def root(registered: Path, tmp_path: Path) -> Path:
    """Return a copy of it, which nobody has done anything to."""
    return shutil.copytree(registered, tmp_path / "approvals", symlinks=True)


def by(root: Path, name: str) -> Repository:
    """Return the project as somebody has it open."""
    git(root, "config", "user.name", name.title())
    git(root, "config", "user.email", f"{name}@example.org")
    return open_repository(root)


def given(root: Path, name: str, reference: str = "churn@v1", *, revoke: bool = False) -> Given:
    return approve(by(root, name), reference, "production", reason="looked", revoke=revoke)


def asked(root: Path, reference: str = "churn@v1") -> tuple[bool, str]:
    moved = promote(by(root, "ada"), reference, "production", dry_run=True)
    return moved.gates[0].passed, moved.gates[0].why


def test_enough_people_let_a_version_pass(root: Path) -> None:
    assert asked(root) == (False, "still to approve: 2 of somebody beside Ada and Cyd")
    assert given(root, "bob").standing.missing == 1
    assert asked(root) == (False, "Bob did; still to approve: 1 of somebody beside Ada and Cyd")
    assert given(root, "dan").standing.missing == 0
    assert asked(root) == (True, "Bob did; Dan did")
    assert promote(by(root, "ada"), "churn@v1", "production").moved
    assert verify(open_repository(root)).problems == ()


def test_each_counts_once(root: Path) -> None:
    assert given(root, "bob").made
    again = given(root, "bob")
    assert (again.made, again.standing.missing) == (False, 1)
    git(root, "config", "user.email", "BOB@Example.org")
    assert not approve(open_repository(root), "churn@v1", "production").made


@pytest.mark.parametrize("name", ["ada", "cyd"])
def test_neither_who_registered_nor_who_wrote_the_commit_may_approve(root: Path, name: str) -> None:
    with pytest.raises(
        RequestError, match=f"{name}@example.org made churn v1, so somebody else"
    ) as no:
        given(root, name)
    assert no.value.hint == "ask somebody else for: mlo approve churn@v1 production"


def test_nor_under_another_address_that_git_knows(root: Path) -> None:
    (root / ".mailmap").write_text("Ada <ada@example.org> <ada@home.example>\n")
    by(root, "ada")
    git(root, "config", "user.email", "ada@home.example")
    with pytest.raises(RequestError, match="made churn v1, so somebody else"):
        approve(open_repository(root), "churn@v1", "production")


def test_one_person_with_two_addresses_counts_once(root: Path) -> None:
    given(root, "bob")
    given(root, "bobby")
    assert asked(root)[0]
    (root / ".mailmap").write_text("Bob <bob@example.org> <bobby@example.org>\n")
    passed, why = asked(root)
    assert not passed
    assert "Bobby's does not count: the same person has approved under another address" in why


def test_an_approval_is_for_one_version_and_one_stage(root: Path) -> None:
    given(root, "bob")
    given(root, "dan", "churn@v2")
    assert not asked(root)[0]
    assert not asked(root, "churn@v2")[0]
    assert not promote(by(root, "ada"), "churn@v1", "staging", dry_run=True).gates[0].passed


def test_what_was_taken_back_does_not_count(root: Path) -> None:
    for name in ("bob", "dan"):
        given(root, name)
    assert given(root, "bob", revoke=True).revoked
    assert not asked(root)[0]
    with pytest.raises(RequestError, match="has not approved v1 for production"):
        given(root, "bob", revoke=True)
    assert given(root, "bob").made
    assert asked(root)[0]


def test_only_those_who_are_asked_count(root: Path) -> None:
    given(root, "bob")
    more = ", approvers: [dan@example.org, eve@example.org, ada@example.org]"
    (root / ".mlops.yaml").write_text(ASKS.format(more=more))
    with pytest.raises(RequestError, match=r"the approval of fay@example\.org does not count") as e:
        given(root, "fay")
    assert e.value.hint == "those of: dan@example.org, eve@example.org, ada@example.org"
    passed, why = asked(root)
    assert not passed
    assert why == (
        "Bob's does not count: the stage asks others; still to approve: 2 of dan@example.org or"
        " eve@example.org"
    )


def test_an_old_statement_that_is_said_again_does_not_undo_taking_it_back(root: Path) -> None:
    given(root, "bob")
    repo = by(root, "bob")
    said = models.model(repo, "churn").events[-1]
    given(root, "bob", revoke=True)
    events.append(repo, "churn", "approve", 1, said.detail)
    model = models.model(repo, "churn")
    rules = repo.settings.models["churn"].stages["production"]
    found = approvals.standing(repo, model, model.version(1), "production", rules)
    assert found.counted == ()


def test_the_content_of_a_version_stays_when_its_number_changes(root: Path) -> None:
    model = models.model(open_repository(root), "churn")
    first = model.events[0]
    moved = replace(first, number=9, detail={**first.detail, "formerly": [first.oid]})
    assert approvals.content_of(moved) == approvals.content_of(first)
    other = replace(first, detail={**first.detail, "metrics": {"auc": 1.0}})
    assert approvals.content_of(other) != approvals.content_of(first)


def ssh_key(root: Path, name: str, folder: Path) -> Path:
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    git(root, "config", "gpg.format", "ssh")
    return key


def allow(root: Path, people: dict[str, Path]) -> None:
    lines = [f"{who} {key.with_suffix('.pub').read_text()}" for who, key in people.items()]
    (root / "allowed_signers").write_text("".join(lines))
    git(root, "config", "gpg.ssh.allowedSignersFile", "allowed_signers")


@pytest.fixture
def signing(root: Path) -> "Callable[[str, Path | None], None]":
    """Return what sets the key that git signs with; None for none."""

    def use(name: str, key: Path | None) -> None:
        by(root, name)
        subprocess.run(["git", "config", "--unset", "user.signingkey"], cwd=root, check=False)
        if key is not None:
            git(root, "config", "user.signingkey", str(key))

    yield use  # type: ignore[misc]
    for name in ("user.signingkey", "gpg.format", "gpg.ssh.allowedSignersFile"):
        subprocess.run(["git", "config", "--unset", name], cwd=root, check=False)


@needs_ssh
def test_where_signatures_are_asked_for_only_those_that_are_vouched_for_count(
    root: Path, tmp_path: Path, signing: Callable[[str, Path | None], None]
) -> None:
    (root / ".mlops.yaml").write_text(ASKS.format(more=", require_signed: true"))
    keys = {name: ssh_key(root, name, tmp_path) for name in ("bob", "dan", "eve")}
    allow(root, {"bob@example.org": keys["bob"], "dan@example.org": keys["dan"]})
    signing("bob", None)
    with pytest.raises(RequestError, match="approvals for production have to be signed"):
        approve(open_repository(root), "churn@v1", "production")
    signing("bob", keys["bob"])
    assert approve(open_repository(root), "churn@v1", "production").standing.missing == 1
    signing("eve", keys["eve"])
    done = approve(open_repository(root), "churn@v1", "production")
    assert "which nobody vouches for" in str(done.standing.others[0].objection)
    signing("fay", keys["dan"])
    done = approve(open_repository(root), "churn@v1", "production")
    assert done.standing.others[1].objection == "it is signed by dan@example.org"
    signing("dan", keys["dan"])
    assert approve(open_repository(root), "churn@v1", "production").standing.missing == 0
    assert verify(open_repository(root)).problems == ()


@needs_ssh
def test_one_key_counts_once_whoever_it_is_said_to_belong_to(
    root: Path, tmp_path: Path, signing: Callable[[str, Path | None], None]
) -> None:
    key = ssh_key(root, "shared", tmp_path)
    allow(root, {"bob@example.org,dan@example.org": key})
    for name in ("bob", "dan"):
        signing(name, key)
        done = approve(open_repository(root), "churn@v1", "production")
    assert done.standing.missing == 1
    assert done.standing.others[0].objection == "the same key has signed another"


@needs_ssh
def test_a_signature_of_something_else_is_found(
    root: Path, tmp_path: Path, signing: Callable[[str, Path | None], None]
) -> None:
    key = ssh_key(root, "bob", tmp_path)
    allow(root, {"bob@example.org": key})
    signing("bob", key)
    repo = open_repository(root)
    approve(repo, "churn@v1", "production")
    said = models.model(repo, "churn").events[-1]
    body = {**said.detail["statement"], "reason": "changed"}
    events.append(
        repo, "churn", "approve", 1, {**said.detail, "statement": body, "reason": "changed"}
    )
    (problem,) = verify(repo).problems
    assert problem.endswith("does not hold: its signature is not of what it states")


@needs_ssh
def test_entries_are_signed_where_the_settings_say_so(
    root: Path, tmp_path: Path, signing: Callable[[str, Path | None], None]
) -> None:
    key = ssh_key(root, "dan", tmp_path)
    allow(root, {"dan@example.org": key})
    signing("dan", key)
    (root / ".mlops.yaml").write_text(
        "audit: {sign: true}\nmodels: {churn: {stages: {production: {}}}}\n"
    )
    repo = open_repository(root)
    promote(repo, "churn@v1", "production")
    found = verify(repo)
    assert (found.sound, found.signed, found.unsigned) == (True, 1, 2)
    asked_ = verify(repo, signed=True).problems
    assert [one.endswith("is not signed") for one in asked_] == [True, True]
    git(root, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "none"))
    assert verify(repo).unknown == 1
    assert any("nobody vouches for" in one for one in verify(repo, signed=True).problems)


@needs_gpg
def test_an_openpgp_key_is_good_when_it_is_trusted_and_the_persons_own(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(tempfile.mkdtemp(prefix="mlo-gpg-"))  # the name of a socket in it must be short
    monkeypatch.setenv("GNUPGHOME", str(home))
    try:
        who = "Bob <bob@example.org>"
        line = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", who, "ed25519"]
        subprocess.run(line, check=True, capture_output=True)
        by(root, "bob")
        git(root, "config", "user.signingkey", "bob@example.org")
        held = signatures.sign(root, b"said", namespace="test")
        assert held is not None
        assert held["format"] == "openpgp"

        def check(data: bytes, email: str) -> tuple[str, str]:
            found = signatures.check(root, data, held, namespace="test", by=email)
            return found.standing, found.who

        assert check(b"said", "bob@example.org") == ("good", "bob@example.org")
        assert check(b"said", "eve@example.org") == ("good", "bob@example.org")
        assert check(b"sold", "bob@example.org")[0] == "bad"
        trust = ["gpg", "--batch", "--quiet", "--import-ownertrust"]
        listed = subprocess.run(
            ["gpg", "--list-keys", "--with-colons"], check=True, capture_output=True, text=True
        ).stdout
        key = next(one.split(":")[9] for one in listed.splitlines() if one.startswith("fpr"))
        subprocess.run(trust, input=f"{key}:2:\n".encode(), check=True, capture_output=True)
        assert check(b"said", "bob@example.org")[0] == "unknown key"
    finally:
        git(root, "config", "--unset", "user.signingkey")
        subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)
