"""A package is the version and nothing else: the same bytes each time, and no other model."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import Conflict, IntegrityError, RequestError
from mlops_cli.registry import models
from mlops_cli.registry.models import Version
from mlops_cli.registry.packaging import sums
from mlops_cli.registry.packaging.make import Runtime, package
from mlops_cli.registry.packaging.opened import opened, tell_differences
from mlops_cli.registry.register import register
from mlops_cli.registry.signature import Column, Signature
from mlops_cli.serving.packaged import answers, repository
from tests.registry.conftest import Workshop


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def rewrite_sums(folder: Path) -> None:
    (folder / sums.FILE).write_text(sums.text(folder))


def test_a_version_packaged_twice_has_the_same_bytes(
    shop: Workshop, version: Version, made: Path, tmp_path: Path
) -> None:
    again = package(shop.repo, version, tmp_path / "again")
    assert content(made) == content(tmp_path / "again")
    assert again.files == len(content(made))
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_a_package_answers_as_the_version_does(
    shop: Workshop, version: Version, made: Path
) -> None:
    import pandas as pd

    frame = pd.DataFrame({"age": [25, 65], "income": [2.0, 8.5]})
    expected = models.load(shop.repo, version).predict_proba(frame)
    told: list[str] = []
    with repository(made, {}, say=told.append) as held:
        found = models.resolve(held.repo, held.reference)
        assert (found.id, found.number) == (version.id, version.number)
        assert (models.load(held.repo, found).predict_proba(frame) == expected).all()
        answers(held.repo, held.reference, told.append)
    assert told == []


def test_checksums_are_such_as_sha256sum_checks(made: Path) -> None:
    for line in (made / "SHA256SUMS").read_text().splitlines():
        digest, _, path = line.partition("  ")
        assert hashlib.sha256((made / path).read_bytes()).hexdigest() == digest
    listed = {line.partition("  ")[2] for line in (made / "SHA256SUMS").read_text().splitlines()}
    assert listed == content(made).keys() - {"SHA256SUMS"}


def refusal(folder: Path) -> str:
    with pytest.raises(IntegrityError) as caught, opened(folder) as held:
        models.load(held.repo, models.resolve(held.repo, held.reference))
    return caught.value.message


def test_what_changed_on_the_way_is_refused(made: Path, tmp_path: Path) -> None:
    (made / "model/model.skops").write_bytes(b"other")
    assert "'model/model.skops'" in refusal(made)
    (made / "model/model.skops").unlink()
    assert "lacks its file 'model/model.skops'" in refusal(made)


def test_what_was_added_is_refused_where_it_could_be_run(made: Path) -> None:
    (made / "notes.txt").write_text("mine")
    (made / "code").mkdir()
    (made / "code/json.py").write_text("import os")
    assert "'code/json.py' was added" in refusal(made)


def test_a_link_in_a_model_is_taken_along_and_one_to_elsewhere_is_not_believed(
    workshop: Workshop, tmp_path: Path
) -> None:
    run = workshop.run({"auc": 0.9})
    model = workshop.repo.root / "model"
    (model / "same.skops").symlink_to("model.skops")
    version = register(workshop.repo, "churn", path=model).version
    known = replace(version, signature=register(workshop.repo, "c", run=run).version.signature)
    package(workshop.repo, known, tmp_path / "made")
    assert (tmp_path / "made/model/same.skops").is_symlink()
    with opened(tmp_path / "made") as held:
        models.load(held.repo, models.resolve(held.repo, held.reference))
    (tmp_path / "elsewhere").write_bytes((tmp_path / "made/Dockerfile").read_bytes())
    (tmp_path / "made/Dockerfile").unlink()
    (tmp_path / "made/Dockerfile").symlink_to(tmp_path / "elsewhere")
    assert "'Dockerfile'" in refusal(tmp_path / "made")


def test_another_model_is_refused_even_with_fitting_checksums(made: Path) -> None:
    data = bytearray((made / "model/model.skops").read_bytes())
    data[len(data) // 2] ^= 1
    (made / "model/model.skops").write_bytes(data)
    rewrite_sums(made)
    with pytest.raises(Exception, match="not in this"), opened(made) as held:
        models.load(held.repo, models.resolve(held.repo, held.reference))


def test_another_record_is_refused_even_with_fitting_checksums(made: Path) -> None:
    described = json.loads((made / "package.json").read_bytes())
    record = made / "objects" / described["version_id"]
    record.write_bytes(record.read_bytes().replace(b'"path":"model"', b'"path":"modem"'))
    rewrite_sums(made)
    assert "lacks the record of its version" in refusal(made)


@pytest.mark.parametrize("damage", ['{"v": 1}', "[]", "not JSON", '{"v": 1, "version_id": "../x"}'])
def test_a_damaged_description_is_told(made: Path, damage: str) -> None:
    (made / "package.json").write_text(damage)
    rewrite_sums(made)
    assert "package.json' is damaged" in refusal(made)


def test_a_listed_path_may_not_leave_the_package(made: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"")
    listed = (made / sums.FILE).read_text()
    (made / sums.FILE).write_text(f"{hashlib.sha256(b'').hexdigest()}  ../outside\n{listed}")
    assert "leaves the project" in refusal(made)


def test_what_is_no_package_is_neither_opened_nor_replaced(
    shop: Workshop, version: Version, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    package(shop.repo, version, mine)  # an empty folder will do
    with pytest.raises(Conflict, match="there is a package"):
        package(shop.repo, version, mine)
    package(shop.repo, version, mine, force=True)
    shutil.rmtree(mine)
    mine.mkdir()
    (mine / "thesis.tex").touch()
    with pytest.raises(Conflict, match="is no package"):
        package(shop.repo, version, mine, force=True)
    with pytest.raises(RequestError, match="is not a package"), opened(mine):
        pass


def test_a_package_that_cannot_be_written_leaves_nothing(
    shop: Workshop, version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mlops_cli.registry.packaging.wheel.build", full)
    with pytest.raises(Exception, match="no space left"):
        package(shop.repo, version, tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_a_version_without_compiled_form_has_no_such_package(
    shop: Workshop, version: Version, tmp_path: Path
) -> None:
    uncompiled = replace(version, runtime=None)
    with pytest.raises(RequestError, match="has no compiled form"):
        package(shop.repo, uncompiled, tmp_path / "made", runtime="onnx")


def test_a_package_may_have_one_form_alone(
    shop: Workshop, version: Version, tmp_path: Path
) -> None:
    for runtime, folder, other in (("onnx", "compiled", "model"), ("native", "model", "compiled")):
        made = package(shop.repo, version, tmp_path / runtime, runtime=cast("Runtime", runtime))
        assert (tmp_path / runtime / folder).is_dir()
        assert not (tmp_path / runtime / other).exists()
        with repository(tmp_path / runtime, {}, say=pytest.fail) as held:
            answers(held.repo, held.reference, pytest.fail)
        names = {line.partition("==")[0] for line in lock_lines(tmp_path / runtime)}
        assert ("scikit-learn" in names, "onnxruntime" in names) == (
            runtime == "native", runtime == "onnx",
        )  # fmt: skip
        assert made.runtime == runtime


def lock_lines(folder: Path) -> list[str]:
    return (folder / "requirements.lock").read_text().splitlines()


def test_the_log_is_where_it_is_asked_for_or_nowhere(made: Path, tmp_path: Path) -> None:
    with repository(made, {}, say=pytest.fail) as held:
        assert held.repo.settings.serving.log.sample == 0
    environ = {"MLO_PREDICTIONS": str(tmp_path / "log")}
    with repository(made, environ, say=pytest.fail) as held:
        assert held.repo.settings.serving.log.sample == 1
        assert held.repo.layout.predictions == tmp_path / "log"


def test_settings_of_the_model_travel_and_those_of_the_machine_do_not(
    shop: Workshop, version: Version, tmp_path: Path
) -> None:
    serving = (
        "serving: {host: 10.0.0.1, port: 99, max_rows: 7, log: {redact: [income]},"
        " tokens_file: tokens, limits: {requests_per_second: 5}}\n"
    )
    before = shop.repo.layout.settings.read_text()
    shop.repo.layout.settings.write_text(before + serving)
    try:
        package(open_repository(shop.repo.root), version, tmp_path / "made")
    finally:
        shop.repo.layout.settings.write_text(before)
    with opened(tmp_path / "made") as held:
        found = held.repo.settings.serving
        assert (found.host, found.port, found.max_rows) == ("127.0.0.1", 8000, 7)
        assert found.log.redact == ("income",)
        assert found.tokens_file is None
        assert found.limits.requests_per_second == 5
    told: list[str] = []
    with repository(tmp_path / "made", {}, say=told.append):
        assert told == [
            "the project asks for tokens and MLO_SERVE_TOKENS has none: anybody may ask here"
        ]
    with repository(tmp_path / "made", {"MLO_SERVE_TOKENS": "a"}, say=pytest.fail):
        pass


def test_the_schema_of_requests_travels(shop: Workshop, version: Version, tmp_path: Path) -> None:
    from mlops_cli.serving.refusal import Refused
    from mlops_cli.serving.rules import validator

    before = shop.repo.layout.settings.read_text()
    shop.repo.layout.settings.write_text(before + "serving: {validate: {schema: s.yaml}}\n")
    (shop.repo.root / "s.yaml").write_text("rules: [age < 100]\n")
    try:
        package(open_repository(shop.repo.root), version, tmp_path / "made")
    finally:
        shop.repo.layout.settings.write_text(before)
    assert version.signature is not None
    with repository(tmp_path / "made", {}, say=pytest.fail) as held:
        found = validator(held.repo, version, version.signature, max_rows=9)
    assert found is not None
    assert found.rows([{"age": 50, "income": 1.0}]).rows == 1
    with pytest.raises(Refused, match="does not meet 'age < 100'"):
        found.rows([{"age": 150, "income": 1.0}])


def test_packages_that_differ_from_the_lock_are_told(made: Path) -> None:
    told: list[str] = []
    with opened(made) as held:
        packages = {**held.description.packages, "numpy": ("1.0", ""), "nothing": ("2", "")}
        object.__setattr__(held.description, "packages", packages)
        assert tell_differences(held.description, told.append) == 2
    assert any("numpy is" in one and "made with 1.0" in one for one in told)
    assert "nothing is not here, the package was made with 2" in told


def test_a_trusted_model_brings_the_code_that_it_needs(workshop: Workshop, tmp_path: Path) -> None:
    repo = workshop.repo
    own_model(repo)
    version = register(repo, "own", path=repo.root / "own.pkl", trust=True).version
    known = replace(version, signature=Signature((Column("age", "number"),)))
    package(repo, known, tmp_path / "made")
    assert content(tmp_path / "made/code").keys() == {"own/__init__.py", "own/rules.py"}


def own_model(repo: Repository) -> None:
    import pickle
    import sys

    (repo.root / "own").mkdir()
    (repo.root / "own/__init__.py").touch()
    (repo.root / "own/unused.py").touch()
    (repo.root / "own/rules.py").write_text(
        "class Rule:\n    def predict(self, frame):\n        return [1] * len(frame)\n"
    )
    sys.path.insert(0, str(repo.root))
    try:
        from own.rules import Rule  # type: ignore[import-not-found]

        (repo.root / "own.pkl").write_bytes(pickle.dumps(Rule()))
    finally:
        sys.path.remove(str(repo.root))
        for name in ("own", "own.rules"):
            del sys.modules[name]


def test_what_was_made_is_told(shop: Workshop, version: Version, tmp_path: Path) -> None:
    told = package(shop.repo, version, tmp_path / "made")
    assert told.notes == (
        "no run recorded its environment: packages are as they are installed here",
    )
    assert told.packages > 20
