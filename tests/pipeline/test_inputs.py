"""What steps depend on beside plain files: in `mlo.lock`, and as reasons to run again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core import lockfile
from mlops_cli.core.config_steps import Reference
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.repository import open_repository
from mlops_cli.errors import RequestError
from mlops_cli.pipeline import choice, stale
from tests.conftest import Mlo
from tests.pipeline.conftest import Run, states

NEW, OLD = object_id(b"new"), object_id(b"old")


@pytest.fixture
def says(repo: object, project: Path) -> Callable[[str], None]:
    """Return what writes the settings."""
    del repo

    def write(text: str) -> None:
        (project / ".mlops.yaml").write_text(text)

    return write


def why(project: Path, **options) -> dict[str, tuple[str, ...]]:
    repo = open_repository(project)
    chosen = choice.choose(repo, (), **options)
    found = stale.check(repo, chosen.graph, chosen.plans, lockfile.read(repo.layout.lockfile))
    return {one.name: one.reasons for one in found}


def locked(project: Path) -> dict[str, lockfile.LockedStep]:
    return lockfile.read(open_repository(project).layout.lockfile)


def test_each_file_that_a_pattern_matches_is_a_dependency(
    project: Path, run: Run, says: Callable[[str], None]
) -> None:
    says('steps: {sum: {cmd: cat in/*.txt > sum, deps: ["in/*.txt"], outs: [sum]}}')
    with pytest.raises(RequestError, match=r"needs 'in/\*\.txt', which nothing matches"):
        run()
    (project / "in").mkdir()
    for name in "ab":
        (project / f"in/{name}.txt").write_text(name)
    run()
    assert list(locked(project)["sum"].deps) == ["in/a.txt", "in/b.txt"]
    assert why(project)["sum"] == ()
    (project / "in/c.txt").write_text("c")
    (project / "in/a.txt").write_text("A")
    (project / "in/b.txt").unlink()
    assert why(project)["sum"] == (
        "in/a.txt changed",
        "no longer needs in/b.txt",
        "needs in/c.txt, which is new",
    )
    run()
    assert (project / "sum").read_text() == "Ac"


def test_data_that_is_not_checked_out_is_missed_by_a_pattern(
    project: Path, run: Run, says: Callable[[str], None], mlo_here: Mlo
) -> None:
    says('steps: {sum: {cmd: cat in/* > sum, deps: ["in/*.txt"], outs: [sum]}}')
    (project / "in").mkdir()
    for name in "ab":
        (project / f"in/{name}.txt").write_text(name)
    mlo_here("add", "in/a.txt", "in/b.txt")
    (project / "in/b.txt").unlink()
    with pytest.raises(
        RequestError, match=r"'sum' needs 'in/b\.txt', which is not there"
    ) as caught:
        run()
    assert caught.value.hint == "mlo checkout in/b.txt"
    mlo_here("checkout")
    run()
    assert list(locked(project)["sum"].deps) == ["in/a.txt", "in/b.txt"]


def test_many_changes_are_told_in_few_words(
    project: Path, run: Run, says: Callable[[str], None]
) -> None:
    says(
        "params: {n: [1, 2]}\nsteps:\n  make: {foreach: '${n}', cmd: 'echo > o-${key}', "
        "outs: ['o-${key}'], deps: ['raw.csv']}\n"
        '  sum: {cmd: cat o-* > sum, deps: ["o-*"], outs: [sum]}\n'
    )
    run()
    many = f"n=[{', '.join(map(str, range(1, 31)))}]"
    found = why(project, assignments=[many])
    assert found["make@1"] == ()
    assert found["sum"] == ("o-* is made by make@3, which is stale",)
    run(assignments=[many])
    assert len(locked(project)["sum"].deps) == 30
    (project / "raw.csv").write_text("x")
    says((project / ".mlops.yaml").read_text().replace('"o-*"', "{step: make}"))
    assert why(project, assignments=[many])["sum"] == (
        "30 of its dependencies are made by stale steps, such as make@1",
    )


def test_a_variable_counts_by_its_value_which_is_not_kept(
    project: Path, run: Run, says: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    says("steps: {a: {cmd: echo $REGION > a, deps: [{env: REGION}], outs: [a]}}")
    monkeypatch.setenv("REGION", "north-17")
    run()
    lock = (project / "mlo.lock").read_text()
    assert '"env:REGION": "' in lock
    assert "north-17" not in lock
    assert why(project)["a"] == ()
    monkeypatch.setenv("REGION", "south")
    assert why(project)["a"] == ("variable REGION changed",)
    monkeypatch.delenv("REGION")
    assert why(project)["a"] == ("variable REGION changed",)


def test_not_even_the_hash_of_a_secret_is_kept(
    project: Path, run: Run, says: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    says("steps: {a: {cmd: echo > a, deps: [{env: API_TOKEN}, {env: OTHER}], outs: [a]}}")
    monkeypatch.setenv("API_TOKEN", "hunter2")
    monkeypatch.setenv("OTHER", "ghp_" + "a" * 36)
    run()
    deps = locked(project)["a"].deps
    assert deps["env:API_TOKEN"] == deps["env:OTHER"] == object_id(b"set")
    monkeypatch.setenv("API_TOKEN", "hunter3")
    assert why(project)["a"] == ()


def test_variables_and_folder_of_a_step_are_reasons(
    project: Path, run: Run, says: Callable[[str], None]
) -> None:
    text = "steps: {a: {cmd: 'echo $A $(pwd) > ../a', env: {A: 'x'}, workdir: in, outs: [a]}}"
    for name in ("in", "other"):
        (project / name).mkdir()
    says(text)
    run()
    assert (project / "a").read_text() == f"x {project}/in\n"
    says(text.replace("A: 'x'", "A: 'y'"))
    assert why(project)["a"] == ("variable A changed",)
    says(text.replace("workdir: in", "workdir: other"))
    assert why(project)["a"] == ("the folder it runs in changed",)
    run()
    assert (project / "a").read_text() == f"x {project}/other\n"


def test_parameters_of_files_are_reasons_one_by_one(
    project: Path, run: Run, says: Callable[[str], None]
) -> None:
    says("steps: {a: {cmd: echo > a, params: [{c.toml: [t.x, u]}, {d.json: }], outs: [a]}}")
    (project / "c.toml").write_text("u = 1\nv = 1\n[t]\nx = 1\n")
    (project / "d.json").write_text('{"k": "v"}')
    run()
    assert locked(project)["a"].params == {"c.toml:t.x": 1, "c.toml:u": 1, "d.json:k": "v"}
    (project / "c.toml").write_text("u = 1\nv = 2\n[t]\nx = 2\n")
    (project / "d.json").write_text('{"k": "v", "l": 1}')
    assert why(project)["a"] == ("parameter c.toml:t.x: 1 -> 2", "parameter d.json:l is new")


def test_a_version_of_a_model_is_a_dependency_by_its_content(
    project: Path, run: Run, says: Callable[[str], None]
) -> None:
    says("steps: {a: {cmd: echo > a, deps: [{model: churn@production}], outs: [a]}}")
    stands = {"churn@production": OLD}

    def resolve(reference: Reference) -> ObjectId:
        try:
            return stands[reference.name]
        except KeyError:
            raise RequestError("no such version") from None

    run(resolve=resolve)
    assert locked(project)["a"].deps == {"model:churn@production": OLD}
    assert why(project, resolve=resolve)["a"] == ()
    stands["churn@production"] = NEW
    assert why(project, resolve=resolve)["a"] == ("model churn@production changed",)
    stands.clear()
    assert why(project, resolve=resolve)["a"] == ("model churn@production is missing",)
    with pytest.raises(RequestError, match="needs the model 'churn@production', which is not"):
        run(resolve=resolve)


def test_a_frozen_step_is_left_alone_whatever_changed(
    project: Path, run: Run, says: Callable[[str], None]
) -> None:
    text = (
        "steps:\n  a: {cmd: cp raw.csv a, deps: [raw.csv], outs: [a]}\n"
        "  b: {cmd: cp a b, deps: [a], outs: [b]}\n"
    )
    says(text)
    run()
    says(text.replace("cmd: cp raw.csv a,", "cmd: cp raw.csv a, frozen: true,"))
    (project / "raw.csv").write_text("other")
    assert why(project) == {"a": (), "b": ()}
    (project / "a").unlink()
    assert why(project)["a"] == ("its output a is missing",)
    run()
    assert (project / "a").read_text() == "b\na\n"


def test_a_step_does_without_what_steps_make_that_are_off(
    project: Path, run: Run, says: Callable[[str], None]
) -> None:
    says(
        "params: {use: false}\nsteps:\n"
        "  more: {when: use, cmd: echo > more, outs: [more]}\n"
        "  raw: {cmd: echo > own, outs: [own]}\n"
        "  all: {cmd: ls > all, deps: [more, own], outs: [all]}\n"
    )
    assert states(run()) == {"raw": "ran", "all": "ran"}
    assert list(locked(project)["all"].deps) == ["own"]
    assert why(project) == {"raw": (), "all": ()}
    assert states(run(assignments=["use=true"]))["all"] == "ran"
    assert list(locked(project)["all"].deps) == ["more", "own"]


def test_a_hundred_steps_are_looked_at_without_a_pause(
    project: Path, run: Run, says: Callable[[str], None]
) -> None:
    import time

    many = ", ".join(map(str, range(100)))
    says(
        f"steps: {{t: {{foreach: [{many}], cmd: 'echo > out/${{key}}', deps: [raw.csv], "
        "outs: ['out/${key}']}}"
    )
    (project / "out").mkdir()
    run(jobs=2)
    repo = open_repository(project)
    assert not any(one.stale for one in stale.states(repo))
    begun = time.perf_counter()
    stale.states(repo)
    assert time.perf_counter() - begun < 0.2


def test_what_a_step_lacks_is_told_before_it_ever_ran(
    project: Path, says: Callable[[str], None]
) -> None:
    says("steps: {a: {cmd: x, deps: [none.csv, '*.txt', {model: m@v1}, b], outs: [c]}}")
    assert why(project)["a"] == (
        "it has never run",
        "model m@v1 is missing",
        "none.csv is missing",
        "*.txt is missing",
        "b is missing",
    )


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("cmd: 'x ${nope}'", "the command of step 'a' names '${nope}', which is no parameter"),
        ("cmd: x, params: [{p.toml: [q]}]", "step 'a' reads parameters from 'p.toml', which is"),
        ("cmd: x, params: [{p.yaml: [q]}]", "step 'a' needs 'q' of 'p.yaml', which is not there"),
    ],
)
def test_a_parameter_that_is_not_there_is_told_with_its_line(
    project: Path, says: Callable[[str], None], step: str, message: str
) -> None:
    (project / "p.yaml").write_text("r: 1\n")
    says(f"steps:\n  a: {{{step}}}\n")
    with pytest.raises(RequestError) as caught:
        why(project)
    assert caught.value.message.startswith(f".mlops.yaml:2: {message}")
