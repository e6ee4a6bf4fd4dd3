"""A class of one's own is a model, with its code, once somebody vouches for it."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from mlops_cli.core import canonical
from mlops_cli.errors import IntegrityError, RequestError, StateError
from mlops_cli.registry import formats

MODULE = """
import json, pathlib
from limits_of_rule import LIMIT
pathlib.Path({marker!r}).touch()
class Rule:
    classes = ("no", "yes")
    def __init__(self, more=0): self.more = more
    def predict(self, frame):
        return ["yes" if one > LIMIT + self.more else "no" for one in frame["age"]]
    def predict_proba(self, frame): return [[0.25, 0.75] for _ in frame["age"]]
    def save(self, folder): (folder / "more.json").write_text(json.dumps(self.more))
    @classmethod
    def load(cls, folder): return cls(json.loads((folder / "more.json").read_text()))
"""
ROWS = pd.DataFrame({"age": [10, 45, 60]})


def written(folder: Path, limit: int) -> Path:
    folder.mkdir()
    (folder / "own_rule.py").write_text(MODULE.format(marker=str(folder / "ran")))
    (folder / "limits_of_rule.py").write_text(f"LIMIT = {limit}\n")
    return folder


def saved(source: Path, target: Path, more: int) -> None:
    """Save the model as a script beside its modules would."""
    sys.path.insert(0, str(source))
    try:
        import own_rule

        formats.save(
            own_rule.Rule(more),
            target,
            model_format="python",
            code=[source / "limits_of_rule.py"],
        )
    finally:
        sys.path.remove(str(source))
        for name in ("own_rule", "limits_of_rule"):
            sys.modules.pop(name, None)
    (source / "ran").unlink()


def test_it_needs_trust_and_runs_nothing_without(tmp_path: Path) -> None:
    source = written(tmp_path / "src", 40)
    saved(source, tmp_path / "m", 10)
    assert formats.untrusted_types(tmp_path / "m") == ("python",)
    with pytest.raises(RequestError, match="own_rule:Rule, and loading it runs any code") as caught:
        formats.load(tmp_path / "m", trust=False)
    assert caught.value.hint == "say --trust if you know who made it"
    assert not (source / "ran").exists()
    loaded = formats.load(tmp_path / "m", trust=True)
    assert (source / "ran").exists()
    assert (loaded.task, loaded.classes) == ("classification", ("no", "yes"))
    assert loaded.predict(ROWS).tolist() == ["no", "no", "yes"]
    assert loaded.predict_proba(ROWS).tolist() == [[0.25, 0.75]] * 3
    assert not [one for one in (tmp_path / "m").rglob("*") if "__pycache__" in one.parts]


def test_two_versions_of_one_module_live_side_by_side(tmp_path: Path) -> None:
    for name, limit in (("a", 40), ("b", 0)):
        saved(written(tmp_path / f"src-{name}", limit), tmp_path / name, 0)
    first = formats.load(tmp_path / "a", trust=True)
    second = formats.load(tmp_path / "b", trust=True)
    assert first.predict(ROWS).tolist() == ["no", "yes", "yes"]
    assert second.predict(ROWS).tolist() == ["yes", "yes", "yes"]
    assert "own_rule" not in sys.modules


def test_its_own_code_comes_before_a_module_of_that_name_in_the_project(tmp_path: Path) -> None:
    saved(written(tmp_path / "src", 40), tmp_path / "m", 0)
    project = written(tmp_path / "project", 0)
    loaded = formats.load(tmp_path / "m", trust=True, code=project)
    assert loaded.predict(ROWS).tolist() == ["no", "yes", "yes"]
    assert not (project / "ran").exists()


def test_code_that_is_not_there_is_told(tmp_path: Path) -> None:
    saved(written(tmp_path / "src", 40), tmp_path / "m", 0)
    (tmp_path / "m/python/code/limits_of_rule.py").unlink()
    with pytest.raises(StateError, match="limits_of_rule"):
        formats.load(tmp_path / "m", trust=True)


def test_an_entry_that_is_no_class_is_refused(tmp_path: Path) -> None:
    saved(written(tmp_path / "src", 40), tmp_path / "m", 0)
    file = tmp_path / "m" / formats.DESCRIPTION
    record = canonical.decode(file.read_bytes())
    file.write_bytes(canonical.encode({**record, "entry": "os:system('x')"}))
    with pytest.raises(IntegrityError, match="names no class"):
        formats.load(tmp_path / "m", trust=True)


def test_a_class_inside_a_function_has_no_file_of_its_own(tmp_path: Path) -> None:
    class Inner:
        def predict(self, frame):
            return []

    with pytest.raises(RequestError, match="Inner is in no file of its own") as caught:
        formats.save(Inner(), tmp_path / "m", model_format="python")
    assert caught.value.hint == "put it into a module"


def test_an_answer_of_another_length_is_refused(tmp_path: Path) -> None:
    saved(written(tmp_path / "src", 40), tmp_path / "m", 0)
    code = tmp_path / "m/python/code/own_rule.py"
    code.write_text(code.read_text().replace('frame["age"]]', 'frame["age"]][:1]'))
    loaded = formats.load(tmp_path / "m", trust=True)
    with pytest.raises(RequestError, match="answers for 3 rows"):
        loaded.predict(ROWS)


OTHERS = """
class Rule:
    def __init__(self, limit=7): self.limit = limit
    def predict(self, frame): return [one > self.limit for one in frame["age"]]
class Needs(Rule):
    def __init__(self, limit): pass
class Slots:
    __slots__ = ("limit",)
    def predict(self, frame): return [one > self.limit for one in frame["age"]]
class Saves(Rule):
    def save(self, folder): (folder / "limit").write_text(str(self.limit))
class Loads(Rule):
    @classmethod
    def load(cls, folder): return cls()
"""


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "Rule(12)",
            r"'limit' of this Rule would be lost: .* no save\(folder\) and load\(folder\)",
        ),
        (
            "Needs(1)",
            r"Needs cannot be made without 'limit' .* no save\(folder\) and load\(folder\)",
        ),
        ("Slots()", r"'limit' of this Slots would be lost"),
        ("Saves(12)", r"'limit' of this Saves would be lost: the class has no load\(folder\)"),
        ("Loads(12)", r"'limit' of this Loads would be lost: the class has no save\(folder\)"),
    ],
)
def test_what_an_object_holds_is_kept_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, message: str
) -> None:
    (tmp_path / "other_rules.py").write_text(OTHERS)
    monkeypatch.syspath_prepend(tmp_path)
    import other_rules

    model = eval(said, vars(other_rules))
    if said == "Slots()":
        model.limit = 12
    try:
        with pytest.raises(RequestError, match=message) as caught:
            formats.save(model, tmp_path / "m", model_format="python")
        assert "give the class" in str(caught.value.hint)
        formats.save(other_rules.Rule(), tmp_path / "m", model_format="python")
    finally:
        sys.modules.pop("other_rules", None)
    assert formats.load(tmp_path / "m", trust=True).predict(ROWS).tolist() == [True] * 3
