"""`mlo reproduce` as a user types it: what holds, what does not and why, what cannot be tried."""

import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from mlops_cli.core.repository import open_repository
from mlops_cli.runs import find, reproduced
from tests.conftest import Finished, Mlo, git

SETTINGS = """\
params: {seed: 7, train: {depth: 5}}
steps:
  prepare:
    cmd: sort raw.csv > train.csv
    deps: [raw.csv]
    outs: [train.csv]
  train:
    cmd: (cat train.csv; echo ${train.depth}) > model; echo '{"depth":${train.depth}}' > m.json
    deps: [train.csv]
    outs: [model]
    metrics: [m.json]
"""


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "More")


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / name.replace("__", ".")).write_text(text)


@pytest.fixture
def pipeline(project: Path) -> Path:
    write(project, raw__csv="b\na\n")
    (project / ".mlops.yaml").write_text(SETTINGS)
    commit(project)
    return project


def steps(root: Path, text: str) -> None:
    (root / ".mlops.yaml").write_text("steps:\n" + text)
    commit(root)


def reproduced_without_extra(root: Path, mlo: Mlo, cmd: str) -> Finished:
    """Run a step that reads a file which git ignores and nothing declares, and make it again."""
    with (root / ".gitignore").open("a") as file:
        file.write("extra.csv\n")
    write(root, extra__csv="x\n")
    steps(root, f"  t:\n    cmd: {cmd}\n    outs: [out]\n")
    mlo("run", "--name", "first")
    return mlo("reproduce", "first", code=1)


def run_id(root: Path, name: str) -> str:
    return find.resolve(open_repository(root), name).key


def nothing_is_left(root: Path) -> None:
    folder = root / ".mlo" / "worktrees"
    assert not folder.exists() or not os.listdir(folder)
    assert len(git(root, "worktree", "list").splitlines()) == 1


class TestWhatHolds:
    def test_a_pipeline_is_made_again_and_the_work_tree_is_left_alone(
        self, pipeline: Path, mlo_here: Mlo
    ) -> None:
        mlo_here("run", "--name", "first", "--set", "train.depth=3")
        write(pipeline, raw__csv="z\n", model="mine\n")
        before = git(pipeline, "status", "--porcelain")
        done = mlo_here("reproduce", "first")
        lines = done.stdout.splitlines()
        assert lines[0] == "run first reproduced: the same bytes"
        assert lines[2].startswith("  environment: as recorded")
        assert lines[-1] == "  3 outputs and 1 metric compared"
        assert "$" not in done.stderr, "progress is for terminals"
        assert git(pipeline, "status", "--porcelain") == before
        assert (pipeline / "model").read_text() == "mine\n"
        nothing_is_left(pipeline)

    def test_it_is_listed_and_the_run_of_it_is_tagged(self, pipeline: Path, mlo_here: Mlo) -> None:
        mlo_here("run", "--name", "first")
        found = mlo_here("reproduce", "first", "--times", "2", "--json").json
        assert (found["verdict"], len(found["again"])) == ("identical", 2)
        rows = mlo_here("runs", "list", "--json").json["runs"]
        by_name = {row["name"]: row for row in rows}
        assert by_name["first"]["reproduced"] is True
        assert f"reproduces:{run_id(pipeline, 'first')}" in str(by_name[found["again"][0]]["tags"])
        assert by_name[found["again"][0]]["reproduced"] is None
        assert mlo_here("reproduce", "--json").json["run"] == "first", "not the last one of it"

    def test_code_that_was_not_committed_and_data_of_then_come_back(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        write(project, raw__csv="a\n")
        mlo_here("add", "raw.csv")
        steps(project, "  t:\n    cmd: sh t.sh\n    deps: [raw.csv, t.sh]\n    outs: [out]\n")
        write(project, t__sh="cat raw.csv raw.csv > out\n")
        mlo_here("run", "--name", "first")
        write(project, raw__csv="b\n", t__sh="cat raw.csv > out\n")
        mlo_here("add", "raw.csv")
        commit(project)
        assert mlo_here("reproduce", "first").stdout.startswith("run first reproduced: the same")

    def test_versions_that_steps_refer_to_are_those_of_then(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        for content in ("1\n", "22\n"):
            write(project, raw__csv=content)
            mlo_here("add", "raw.csv")
            commit(project)
        (project / ".mlops.yaml").write_text(
            "steps:\n  t:\n    cmd: cat old.csv > out; sh t.sh >> out\n"
            "    deps: [{data: raw.csv@HEAD~1, path: old.csv}]\n    outs: [out]\n"
        )
        write(project, t__sh="echo not committed\n")
        mlo_here("run", "--name", "first")
        assert (project / "out").read_text() == "1\nnot committed\n"
        commit(project)
        assert "the same bytes" in mlo_here("reproduce", "first").stdout

    def test_a_command_runs_where_it_ran_with_its_parameters(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        (project / ".mlops.yaml").write_text("params: {lr: 0.1}\n")
        (project / "deep").mkdir()
        write(project / "deep", t__sh="cat $MLO_PARAMS ../in > out\n")
        write(project, **{"in": "x\n"})
        mlo_here("add", "in")
        commit(project)
        there = project / "deep"
        command = ["--output", "out", "--name", "first", "--set", "lr=0.5", "--", "sh", "t.sh"]
        mlo_here("run", *command, cwd=there)
        (project / "in").unlink()
        assert "the same bytes" in mlo_here("reproduce", "first").stdout
        nothing_is_left(project)

    def test_a_script_that_began_its_run_itself_is_started_again(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        write(
            project,
            t__py="import mlops_cli.api as mlo\n"
            "open('out', 'w').write('x')\n"
            "mlo.log_artifact('out'); mlo.log_metric('auc', 0.5)\n",
        )
        commit(project)
        subprocess.run([sys.executable, project / "t.py"], check=True, cwd=project)
        done = mlo_here("reproduce", "last")
        assert "reproduced: the same bytes" in done.stdout
        assert "1 output and 1 metric compared" in done.stdout

    def test_numbers_within_tolerance_are_equal_and_told(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        steps(project, "  t:\n    cmd: cat /proc/uptime | cut -d' ' -f1 | "
              "sed 's/.*/{\"seconds\":&}/' > m.json\n    metrics: [m.json]\n")  # fmt: skip
        mlo_here("run", "--name", "first")
        time.sleep(0.02)  # the clock that is read has a hundredth of a second
        done = mlo_here("reproduce", "first", "--tolerance", "seconds=inf")
        assert done.stdout.startswith("run first reproduced: equal within tolerance")
        assert "seconds  equal" in done.stdout
        mlo_here("reproduce", "first", "--tolerance", "1e-12", code=1)

    def test_steps_made_for_each_of_a_list_that_was_set(self, project: Path, mlo_here: Mlo) -> None:
        (project / ".mlops.yaml").write_text(
            "params: {sizes: [1, 2]}\n"
            "steps:\n  t:\n    foreach: ${sizes}\n"
            "    cmd: echo ${item} > out-${item}\n    outs: ['out-${item}']\n"
        )
        commit(project)
        mlo_here("run", "--name", "first", "--set", "sizes=[3, 4, 5]")
        found = mlo_here("reproduce", "first", "--json").json
        assert [one["name"] for one in found["outputs"]] == ["out-3", "out-4", "out-5"]
        assert found["verdict"] == "identical"

    def test_steps_that_were_not_stale_are_made_again_too(
        self, pipeline: Path, mlo_here: Mlo
    ) -> None:
        mlo_here("run")
        mlo_here("run", "train", "--set", "train.depth=1", "--name", "later")
        found = mlo_here("reproduce", "later", "--json").json
        assert (found["verdict"], len(found["outputs"])) == ("identical", 3)
        write(pipeline, raw__csv="c\nb\n")
        mlo_here("run", "--downstream", "train", "--name", "below", "--set", "train.depth=2")
        assert mlo_here("reproduce", "below", "--json").json["verdict"] == "identical"

    def test_a_project_below_the_top_of_git(self, project: Path, mlo_here: Mlo) -> None:
        inner = project / "inner"
        inner.mkdir()
        steps(inner, "  t:\n    cmd: echo 1 > out\n    outs: [out]\n")
        mlo_here("run", "--name", "first", cwd=inner)
        found = mlo_here("reproduce", "first", "--keep", "--json", cwd=inner).json
        assert (Path(found["kept"]) / "out").read_text() == "1\n"
        assert not list(inner.parent.glob("inner-*")), "not within the project's own git"

    def test_the_work_tree_is_left_where_it_is_said(self, pipeline: Path, mlo_here: Mlo) -> None:
        mlo_here("run", "--name", "first")
        found = mlo_here("reproduce", "first", "--keep", "--json").json
        kept = Path(found["kept"])
        assert (kept / "model").read_text() == "a\nb\n5\n"
        mlo_here("runs", "list")
        assert kept.exists()
        git(pipeline, "worktree", "remove", "--force", str(kept))
        nothing_is_left(pipeline)


class TestWhyNot:
    def test_unseeded_randomness_is_told_from_change(self, project: Path, mlo_here: Mlo) -> None:
        steps(
            project,
            "  draw:\n    cmd: head -c 8 /dev/urandom > drawn\n    outs: [drawn]\n"
            "  use:\n    cmd: wc -c < drawn > size; md5sum drawn >> size\n"
            "    deps: [drawn]\n    outs: [size]\n",
        )
        mlo_here("run", "--name", "first")
        done = mlo_here("reproduce", "first", code=1)
        assert done.stdout.startswith("run first not reproduced\n")
        assert "first to come out otherwise: step 'draw'\n" in done.stdout
        assert "  because of unseeded randomness\n" in done.stdout
        assert "made twice here, drawn differed too" in done.stdout
        shown = mlo_here("runs", "show", "first").stdout
        assert "again     came out otherwise, because of unseeded randomness, 20" in shown
        listed = mlo_here("runs", "list", "--json").json["runs"]
        assert [row["reproduced"] for row in listed if row["name"] == "first"] == [False]

    def test_a_metric_alone_that_is_noise_is_told(self, project: Path, mlo_here: Mlo) -> None:
        write(
            project,
            t__py="import os, mlops_cli.api as mlo\nmlo.log_metric('m', os.urandom(7)[0])\n"
            "mlo.log_metric('n', os.getpid())\n",
        )
        commit(project)
        mlo_here("run", "--name", "first", "--", "python", "t.py")
        done = mlo_here("reproduce", "first", code=1)
        assert (
            "because of unseeded randomness\n    made twice here, metric m, metric n" in done.stdout
        )

    def test_a_seed_that_the_code_chose_is_named(self, project: Path, mlo_here: Mlo) -> None:
        write(
            project,
            t__py="import os, random, mlops_cli.api as mlo\nmlo.seed(os.getpid())\n"
            "mlo.log_metric('m', random.random())\n",
        )
        commit(project)
        mlo_here("run", "--name", "first", "--", "python", "t.py")
        done = mlo_here("reproduce", "first", code=1)
        assert "  because of seed python: " in done.stdout

    def test_the_order_of_sets_is_named(self, project: Path, mlo_here: Mlo) -> None:
        write(project, t__py="open('out', 'w').write(str({str(n) for n in range(99)}))\n")
        steps(project, "  t:\n    cmd: python t.py\n    deps: [t.py]\n    outs: [out]\n")
        mlo_here("run", "--name", "first")
        found = mlo_here("reproduce", "first", "--json", code=1).json
        assert [cause["name"] for cause in found["causes"]] == ["PYTHONHASHSEED"]

    def test_a_variable_is_named_and_proven(self, project: Path, mlo_here: Mlo) -> None:
        steps(project, "  t:\n    cmd: echo $OMP_NUM_THREADS > out\n    outs: [out]\n")
        mlo_here("run", "--name", "first", env={"OMP_NUM_THREADS": "1"})
        two = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
        assert "the same bytes" in mlo_here("reproduce", "first", env=two).stdout
        done = mlo_here("reproduce", "first", "--same-env", env=two, code=1)
        assert "  because of variable OMP_NUM_THREADS: 1 then, 2 here\n" in done.stdout
        assert "set as it was, the outputs are the same bytes again" in done.stdout
        assert "    variable MKL_NUM_THREADS  not set  2\n" in done.stdout

    @pytest.mark.skipif(platform.machine() != "x86_64", reason="kernels of other processors")
    def test_a_kernel_that_changes_an_estimator_is_named(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        write(
            project,
            t__py="import numpy as np\n"
            "rng = np.random.default_rng(0)\n"
            "x, y = rng.normal(size=(200, 500)), rng.normal(size=200)\n"
            "ridge = x.T @ np.linalg.solve(x @ x.T + np.eye(200), y)\n"
            "np.save('coef.npy', ridge)\n",
        )
        commit(project)
        env = {"OPENBLAS_CORETYPE": "Haswell"}
        command = ["--name", "first", "--output", "coef.npy", "--", "python", "t.py"]
        mlo_here("run", *command, env=env)
        env = {"OPENBLAS_CORETYPE": "Prescott"}
        done = mlo_here("reproduce", "first", "--same-env", "--tolerance", "0", env=env, code=1)
        assert "because of variable OPENBLAS_CORETYPE: Haswell then, Prescott here" in done.stdout
        assert "values apart by up to" in done.stdout

    def test_a_forest_that_keeps_its_number_of_jobs_is_compared_by_what_it_predicts(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        write(
            project,
            t__py="import os\n"
            "import pandas as pd\n"
            "from sklearn.ensemble import RandomForestClassifier\n"
            "import mlops_cli.api as mlo\n"
            "rows = pd.read_csv('rows.csv')\n"
            "forest = RandomForestClassifier(3, random_state=0, n_jobs=int(os.environ['JOBS']))\n"
            "forest.fit(rows[['a', 'b']], rows['y'])\n"
            "mlo.log_model(forest, 'model', data='rows.csv', target='y')\n",
            rows__csv="a,b,y\n" + "".join(f"{n},{n % 7},{n % 2}\n" for n in range(60)),
        )
        steps(
            project, "  t:\n    cmd: python t.py\n    deps: [t.py, rows.csv]\n    outs: [model]\n"
        )
        mlo_here("run", "--name", "first", env={"JOBS": "1"})
        done = mlo_here("reproduce", "first", env={"JOBS": "2"})
        assert done.stdout.startswith("run first reproduced: equal within tolerance")
        assert "bytes differ, predictions are equal on rows.csv; n_jobs: 1 -> 2" in done.stdout

    def test_a_file_that_was_read_and_not_declared_is_named(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        done = reproduced_without_extra(project, mlo_here, "cat extra.csv > out")
        assert "first to come out otherwise: step 't'" in done.stdout
        assert "undeclared input extra.csv  " in done.stdout

    def test_a_failure_that_its_log_does_not_explain_is_told_with_what_is_not_recorded(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        done = reproduced_without_extra(project, mlo_here, "test -e extra.csv && echo 1 > out")
        assert "  because of a failure\n    step 't' failed with exit code 1; what" in done.stdout
        assert "note: here, but neither in git nor in the record: extra.csv\n" in done.stdout

    def test_a_variable_that_a_step_depends_on_is_named(self, project: Path, mlo_here: Mlo) -> None:
        steps(project, "  t:\n    cmd: echo $REGION > out\n    deps: [{env: REGION}]\n"
              "    outs: [out]\n")  # fmt: skip
        mlo_here("run", "--name", "first", env={"REGION": "eu"})
        found = mlo_here("reproduce", "first", "--json", env={"REGION": "us"}, code=1).json
        cause = found["causes"][0]
        assert (cause["kind"], cause["name"], cause["proven"]) == ("variable", "REGION", True)

    def test_what_the_record_does_not_know_is_said_to_be_unknown(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        steps(project, "  t:\n    cmd: echo $REGION > out\n    outs: [out]\n")
        mlo_here("run", "--name", "first", env={"REGION": "eu"})
        done = mlo_here("reproduce", "first", env={"REGION": "us"}, code=1)
        assert "  because of something that is not in the record\n" in done.stdout
        assert "perhaps a variable (tracking.env has more of them recorded)" in done.stdout

    def test_the_path_of_the_folder_in_an_output_is_named(
        self, project: Path, mlo_here: Mlo
    ) -> None:
        steps(project, "  t:\n    cmd: pwd > out\n    outs: [out]\n")
        mlo_here("run", "--name", "first")
        done = mlo_here("reproduce", "first", code=1)
        assert "because of folder an absolute path" in done.stdout


class TestPackages:
    @pytest.fixture
    def wheels(self, tmp_path: Path) -> Path:
        """Return a folder with two versions of a package."""
        import zipfile

        folder = tmp_path / "wheels"
        folder.mkdir()
        for version in ("1.0", "2.0"):
            info = f"tiny-{version}.dist-info"
            with zipfile.ZipFile(folder / f"tiny-{version}-py3-none-any.whl", "w") as wheel:
                wheel.writestr("tiny.py", f"VERSION = '{version}'\n")
                wheel.writestr(
                    f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n"
                )
                wheel.writestr(
                    f"{info}/WHEEL",
                    "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
                )
                wheel.writestr(f"{info}/RECORD", "")
        return folder

    def test_another_version_is_named_and_the_recorded_one_brought_back(
        self, project: Path, tmp_path: Path, wheels: Path, mlo_here: Mlo
    ) -> None:
        env = venv(tmp_path / "venv", wheels)
        install(tmp_path / "venv", "tiny==1.0", env)
        write(project, t__py="import tiny; open('out', 'w').write(tiny.VERSION)\n")
        steps(project, "  t:\n    cmd: python t.py\n    deps: [t.py]\n    outs: [out]\n")
        mlo_here("run", "--name", "first", env=env)
        install(tmp_path / "venv", "tiny==2.0", env)
        done = mlo_here("reproduce", "first", "--same-env", env=env, code=1)
        assert "  it may be because of\n" in done.stdout
        assert "    package tiny  1.0   2.0\n" in done.stdout
        done = mlo_here("reproduce", "first", env=env)
        assert "run first reproduced: the same bytes" in done.stdout
        assert "  environment: made anew\n" in done.stdout
        done = mlo_here("reproduce", "first", env={**env, "PIP_FIND_LINKS": str(tmp_path)})
        assert "  environment: made before\n" in done.stdout

    def test_uv_makes_the_environment_where_there_is_one(
        self, project: Path, tmp_path: Path, wheels: Path, mlo_here: Mlo
    ) -> None:
        env = with_uv(venv(tmp_path / "venv", tmp_path), tmp_path / "uv", wheels)
        from_wheels = {**env, "PIP_FIND_LINKS": str(wheels)}
        install(tmp_path / "venv", "tiny==1.0", from_wheels)
        write(project, t__py="import tiny; open('out', 'w').write(tiny.VERSION)\n")
        steps(project, "  t:\n    cmd: python t.py\n    deps: [t.py]\n    outs: [out]\n")
        mlo_here("run", "--name", "first", env=env)
        install(tmp_path / "venv", "tiny==2.0", from_wheels)
        done = mlo_here("reproduce", "first", env=env)  # pip would find no package
        assert "run first reproduced: the same bytes" in done.stdout
        assert "  environment: made anew\n" in done.stdout
        assert "UV" not in done.stdout + done.stderr
        (wheels / "tiny-1.0-py3-none-any.whl").unlink()
        install(tmp_path / "venv", str(wheels / "tiny-2.0-py3-none-any.whl"), env)
        mlo_here("run", "--force", "--name", "second", env=env)
        (wheels / "tiny-2.0-py3-none-any.whl").unlink()
        shutil.rmtree(tmp_path / "venv")
        empty = {**env, **venv(tmp_path / "venv", tmp_path), "PATH": env["PATH"]}
        done = mlo_here("reproduce", "second", env=empty, code=5)
        assert "tiny 2.0 is neither in the package index nor here" in done.stderr

    def test_a_package_that_is_nowhere_keeps_it_from_being_tried(
        self, project: Path, tmp_path: Path, wheels: Path, mlo_here: Mlo
    ) -> None:
        env = venv(tmp_path / "venv", wheels)
        install(tmp_path / "venv", "tiny==1.0", env)
        steps(project, "  t:\n    cmd: echo 1 > out\n    outs: [out]\n")
        mlo_here("run", "--name", "first", env=env)
        shutil.rmtree(tmp_path / "venv")
        empty = venv(tmp_path / "venv", tmp_path)
        done = mlo_here("reproduce", "first", env=empty, code=5)
        assert "tiny 1.0 is neither in the package index nor here" in done.stderr
        assert "--same-env" in done.stderr
        assert reproduced.verdicts(open_repository(project)) == {}

    def test_a_package_that_no_index_has_comes_from_this_environment(
        self, project: Path, tmp_path: Path, wheels: Path, mlo_here: Mlo
    ) -> None:
        env = venv(tmp_path / "venv", tmp_path)
        install(tmp_path / "venv", str(wheels / "tiny-1.0-py3-none-any.whl"), env)
        write(project, t__py="import tiny; open('out', 'w').write(tiny.VERSION)\n")
        steps(project, "  t:\n    cmd: python t.py\n    deps: [t.py]\n    outs: [out]\n")
        mlo_here("run", "--name", "first", env=env)
        other = project / ".." / "wheels2"
        other.mkdir()
        more = (wheels / "tiny-2.0-py3-none-any.whl").rename(other / "more-1.0-py3-none-any.whl")
        rename_wheel(more)
        install(tmp_path / "venv", str(more), env)
        done = mlo_here("reproduce", "first", env=env)
        assert "run first reproduced: the same bytes" in done.stdout
        assert "note: tiny is in no index: taken from the environment that is here" in done.stdout

    def test_the_projects_own_package_is_that_of_then(
        self, project: Path, tmp_path: Path, mlo_here: Mlo
    ) -> None:
        env = venv(tmp_path / "venv", tmp_path)
        edited(tmp_path / "venv", "own", project)
        (project / "src" / "own").mkdir(parents=True)
        (project / "src" / "own" / "__init__.py").write_text("VALUE = 1\n")
        (project / "pyproject.toml").write_text("[project]\nname = 'own'\nversion = '1.0'\n")
        write(project, t__py="import own; open('out', 'w').write(str(own.VALUE))\n")
        steps(project, "  t:\n    cmd: python t.py\n    outs: [out]\n")
        mlo_here("run", "--name", "first", env=env)
        assert (project / "out").read_text() == "1"
        (project / "src" / "own" / "__init__.py").write_text("VALUE = 22\n")
        assert "reproduced: the same bytes" in mlo_here("reproduce", "first", env=env).stdout
        shutil.rmtree(tmp_path / "venv")
        venv(tmp_path / "venv", tmp_path)
        done = mlo_here("reproduce", "first", env=env)
        assert "note: own is the project itself, as it was then" in done.stdout

    def test_a_package_that_was_being_edited_and_is_gone_is_not_looked_for_in_an_index(
        self, project: Path, tmp_path: Path, wheels: Path, mlo_here: Mlo
    ) -> None:
        env = venv(tmp_path / "venv", wheels)
        edited(tmp_path / "venv", "tiny", tmp_path / "elsewhere")
        steps(project, "  t:\n    cmd: echo 1 > out\n    outs: [out]\n")
        mlo_here("run", "--name", "first", env=env)
        shutil.rmtree(tmp_path / "venv")
        venv(tmp_path / "venv", wheels)
        done = mlo_here("reproduce", "first", env=env, code=5)
        assert (
            "tiny was being edited when the run was made, and is not installed here" in done.stderr
        )


def edited(folder: Path, name: str, source: Path) -> None:
    """Install a package to be edited, as pip does."""
    (site,) = (folder / "lib").glob("python3*/site-packages")
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "direct_url.json").write_text(
        f'{{"url": "{source.as_uri()}", "dir_info": {{"editable": true}}}}'
    )
    (site / f"__editable__.{name}.pth").write_text(f"{source / 'src'}\n")
    (info / "RECORD").write_text(f"__editable__.{name}.pth,sha256=x,1\n{info.name}/METADATA,,\n")


def rename_wheel(path: Path) -> None:
    """Make the wheel of `tiny` one of `more`."""
    import zipfile

    with zipfile.ZipFile(path) as wheel:
        held = {name: wheel.read(name) for name in wheel.namelist()}
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in held.items():
            name = name.replace("tiny-2.0", "more-1.0").replace("tiny", "more")
            wheel.writestr(name, data.replace(b"tiny", b"more").replace(b"2.0", b"1.0"))


def venv(folder: Path, wheels: Path) -> dict[str, str]:
    """Make a virtual environment, and return the variables with which it is the active one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return {
        "PATH": f"{folder / 'bin'}{os.pathsep}{without_uv(os.environ['PATH'])}",
        "VIRTUAL_ENV": str(folder),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_CONFIG_FILE": os.devnull,
    }


def without_uv(path: str) -> str:
    folders = path.split(os.pathsep)
    return os.pathsep.join(one for one in folders if not os.path.exists(os.path.join(one, "uv")))


def with_uv(env: dict[str, str], folder: Path, wheels: Path) -> dict[str, str]:
    """Return these variables with the real uv on the PATH, that knows only `wheels`."""
    program = shutil.which("uv")
    if program is None:
        assert "CI" not in os.environ, "uv is missing"
        pytest.skip("there is no uv")
    folder.mkdir()
    (folder / "uv").symlink_to(program)
    (folder / "uv.toml").write_text(f'no-index = true\nfind-links = ["{wheels}"]\n')
    return {
        **env,
        "PATH": f"{env['PATH']}{os.pathsep}{folder}",
        "UV_CONFIG_FILE": str(folder / "uv.toml"),
        "UV_CACHE_DIR": str(folder / "cache"),
    }


def install(folder: Path, what: str, env: dict[str, str]) -> None:
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "-q"]
    subprocess.run([*pip, "--upgrade", what], check=True, env={**os.environ, **env})


class TestWhatCannotBeTried:
    def test_a_run_that_failed(self, project: Path, mlo_here: Mlo) -> None:
        mlo_here("run", "--name", "first", "--", "false", code=1)
        done = mlo_here("reproduce", "first", code=3)
        assert "run first failed, so there is no result to make again" in done.stderr

    def test_a_run_that_recorded_nothing(self, project: Path, mlo_here: Mlo) -> None:
        mlo_here("run", "--name", "first", "--", "true")
        done = mlo_here("reproduce", "first", code=3)
        assert "nothing to compare" in done.stderr
        assert "mlo run --output PATH -- CMD" in done.stderr

    def test_a_command_with_a_secret(self, project: Path, mlo_here: Mlo) -> None:
        write(project, out="x\n")
        words = ["--output", "out", "--name", "first", "--", "true", "--password", "hunter2"]
        mlo_here("run", *words)
        done = mlo_here("reproduce", "first", code=3)
        assert "had a secret in it, which is not recorded" in done.stderr
        nothing_is_left(project)

    @pytest.mark.parametrize("text", ["auc", "auc=", "=1", "auc=-1", "nan"])
    def test_a_tolerance_that_is_none(self, project: Path, mlo_here: Mlo, text: str) -> None:
        done = mlo_here("reproduce", "--tolerance", text, code=2)
        assert "is no tolerance" in done.stderr


class TestElsewhere:
    @pytest.fixture
    def clone(self, project: Path, tmp_path: Path, mlo_here: Mlo) -> Path:
        """Return a clone that has the record of a run and nothing that it was made from."""
        write(project, raw__csv="a\n")
        mlo_here("add", "raw.csv")
        steps(project, "  t:\n    cmd: sh t.sh\n    deps: [raw.csv, t.sh]\n    outs: [out]\n")
        mlo_here("remote", "add", "origin", str(tmp_path / "store"))
        commit(project)
        write(project, t__sh="cat raw.csv raw.csv > out\n")
        mlo_here("run", "--name", "first")
        write(project, raw__csv="b\n")
        mlo_here("add", "raw.csv")
        (project / "mlo.lock").unlink()
        (project / "t.sh").unlink()
        commit(project)
        mlo_here("push")
        git(tmp_path, "clone", "--quiet", f"file://{project}", "clone")
        mlo_here("fetch", cwd=tmp_path / "clone")
        return tmp_path / "clone"

    def test_code_data_and_outputs_come_from_the_remote(self, clone: Path, mlo_here: Mlo) -> None:
        done = mlo_here("reproduce", "first", cwd=clone)
        assert done.stdout.startswith("run first reproduced: the same bytes")
        nothing_is_left(clone)
        mlo_here("push", cwd=clone)
        first = clone.parent / "project"
        mlo_here("fetch", cwd=first)
        (row,) = [r for r in mlo_here("runs", "list", "--json", cwd=first).json["runs"]
                  if r["name"] == "first"]  # fmt: skip
        assert row["reproduced"] is True

    def test_what_is_nowhere_is_named_and_nothing_is_stated(
        self, clone: Path, mlo_here: Mlo
    ) -> None:
        shutil.rmtree(clone.parent / "store")
        done = mlo_here("reproduce", "first", cwd=clone, code=3)
        assert "the code of run first is not in this store, nor on origin" in done.stderr
        assert reproduced.verdicts(open_repository(clone)) == {}
        nothing_is_left(clone)

    def test_a_remote_that_cannot_be_asked_is_named(self, clone: Path, mlo_here: Mlo) -> None:
        shutil.rmtree(clone.parent / "store")
        (clone.parent / "store").write_text("no folder\n")
        done = mlo_here("reproduce", "first", cwd=clone, code=5)
        assert "is not in this store, and a remote could not be asked: origin: " in done.stderr


def test_killed_half_way_it_leaves_what_the_next_command_clears(project: Path, mlo: Mlo) -> None:
    steps(
        project,
        "  t:\n    cmd: echo 1 > out; test ! -e $WAIT || (echo up > $WAIT; sleep 60)\n"
        "    outs: [out]\n",
    )
    fifo = project.parent / "fifo"
    env = {"WAIT": str(fifo)}
    mlo("run", "--name", "first", env=env)
    os.mkfifo(fifo)
    program = Path(sys.executable).parent / "mlo"
    process = subprocess.Popen(
        [program, "reproduce", "first"], env={**os.environ, **env}, stderr=subprocess.DEVNULL
    )
    fifo.read_text()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert os.listdir(project / ".mlo" / "worktrees")
    rows = mlo("runs", "list", "--json").json["runs"]
    nothing_is_left(project)
    assert sorted(row["status"] for row in rows) == ["done", "killed"]
    assert all(row["reproduced"] is None for row in rows)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_it_gets_no_statement_and_nothing_is_left(
    project: Path, mlo: Mlo, number: signal.Signals
) -> None:
    steps(
        project,
        "  t:\n    cmd: echo 1 > out; test ! -e $WAIT || (echo up > $WAIT; sleep 60)\n"
        "    outs: [out]\n",
    )
    fifo = project.parent / "fifo"
    env = {"WAIT": str(fifo)}
    mlo("run", "--name", "first", env=env)
    os.mkfifo(fifo)
    program = Path(sys.executable).parent / "mlo"
    process = subprocess.Popen(
        [program, "reproduce", "first"],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    fifo.read_text()
    process.send_signal(number)
    assert process.communicate()[0] == b""
    assert process.returncode == 128 + number
    nothing_is_left(project)
    assert reproduced.verdicts(open_repository(project)) == {}


def test_a_statement_is_signed_and_checked(project: Path, tmp_path: Path, mlo_here: Mlo) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    git(project, "config", "gpg.format", "ssh")
    git(project, "config", "user.signingkey", str(key))
    steps(project, "  t:\n    cmd: echo 1 > out\n    outs: [out]\n")
    mlo_here("run", "--name", "first")
    mlo_here("reproduce", "first")
    repo = open_repository(project)
    stated = reproduced.latest(repo, find.resolve(repo, "first"))
    assert stated is not None
    assert (stated.verdict, stated.who["name"]) == ("identical", "Ada Byron")
    assert stated.signature is not None
    assert stated.signature.standing == "unknown key"
    assert "signed by an unknown key" in mlo_here("runs", "show", "first").stdout
    (tmp_path / "allowed").write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    git(project, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    shown = mlo_here("runs", "show", "first").stdout
    assert "the same bytes" in shown
    assert "signed by ada@example.org" in shown
    git(project, "config", "user.signingkey", str(tmp_path / "gone"))
    done = mlo_here("reproduce", "first")
    assert "the statement is not signed: the key that git signs with cannot sign" in done.stderr
    assert "not signed" in mlo_here("runs", "show", "first").stdout
    assert mlo_here("audit", "--verify").stdout


def test_a_statement_is_signed_by_gpg_where_git_is_set_to_it(
    project: Path, mlo_here: Mlo, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("gpg") is None:
        assert "CI" not in os.environ, "gpg is missing"
        pytest.skip("there is no gpg")
    home = tempfile.mkdtemp(prefix="mlo-gpg-")  # the name of a socket in it must be short
    monkeypatch.setenv("GNUPGHOME", home)
    try:
        who = "Ada Byron <ada@example.org>"
        line = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", who, "ed25519"]
        subprocess.run(line, check=True, capture_output=True)
        git(project, "config", "user.signingkey", "ada@example.org")
        steps(project, "  t:\n    cmd: echo 1 > out\n    outs: [out]\n")
        mlo_here("run", "--name", "first")
        mlo_here("reproduce", "first")
        repo = open_repository(project)
        stated = reproduced.latest(repo, find.resolve(repo, "first"))
        assert stated is not None
        assert stated.signature is not None
        assert (stated.signature.standing, stated.signature.who) == ("good", "ada@example.org")
        assert "signed by ada@example.org" in mlo_here("runs", "show", "first").stdout
        git(project, "config", "user.signingkey", "eve@example.org")
        done = mlo_here("reproduce", "first")
        assert "the statement is not signed: the key that git signs with cannot sign" in done.stderr
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)
