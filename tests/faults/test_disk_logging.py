"""Training on a disk that fills up: it goes on, one warning says so, and what fitted is kept."""

import json
from pathlib import Path

from tests.faults.test_disk import on_a_disk

TRAIN = """\
import mlops_cli.api as mlo
mlo.log_metric("first", 1)
with open("filler", "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(4096))
    except OSError:
        pass
for step in range(2000):
    mlo.log_metric("loss", 1 / (step + 1), step)
mlo.log_text("x" * 100_000, "notes.txt")
mlo.log_params({"late": 1})
print("trained")
"""


def test_a_disk_that_fills_up_never_ends_the_training(tmp_path: Path) -> None:
    tracked, alone, listed = on_a_disk(
        tmp_path / "disk", 8,
        f"""
subprocess.run(["git", "init", "--quiet"], check=True)
subprocess.run([Path(sys.executable).parent / "mlo", "init"], check=True, capture_output=True)
Path("train.py").write_text({TRAIN!r})
mlo("run", "--name", "tracked", "--", sys.executable, "train.py")
Path("filler").unlink(missing_ok=True)
done = subprocess.run([sys.executable, "train.py"], capture_output=True, text=True)
steps.append([done.returncode, done.stdout, done.stderr])
Path("filler").unlink(missing_ok=True)
mlo("runs", "list", "--json")
""",
    )  # fmt: skip
    assert tracked[1] == "trained\n"
    assert tracked[2].count("RuntimeWarning: mlo could not record: no space left on device") == 1
    assert (alone[0], alone[1]) == (0, "trained\n")
    assert alone[2].count("RuntimeWarning: mlo could not record: no space left on device") == 1
    runs = json.loads(listed[1])["runs"]
    assert [run["metrics"].get("first") for run in runs] == [1, 1]
