"""A monitor on a full disk: it goes on, tells people, and records all once there is room."""

import json
from pathlib import Path

from tests.faults.test_disk import on_a_disk

SETTINGS = """\
monitor:
  every: 1s
  actions: {note: {command: 'echo about $MLO_ALERT_RULE'}}
  rules: {asked: {staleness: churn, version: 1d, actions: note}}
"""


def test_a_full_disk_ends_no_monitor_and_silences_nothing(tmp_path: Path) -> None:
    once, silenced, status, going, audit = on_a_disk(
        tmp_path / "disk", 8,
        f"""
subprocess.run(["git", "init", "--quiet"], check=True)
subprocess.run([Path(sys.executable).parent / "mlo", "init"], check=True, capture_output=True)
Path(".mlops.yaml").write_text({SETTINGS!r})
filler = open("filler", "wb", buffering=0)
try:
    while True:
        filler.write(bytes(4096))
except OSError:
    pass
mlo("monitor", "--once")
mlo("monitor", "silence", "asked", "1h")
mlo("monitor", "status", "--json")
program = Path(sys.executable).parent / "mlo"
process = subprocess.Popen([program, "monitor"], stderr=subprocess.PIPE, text=True)
seen = []
for line in process.stderr:
    seen.append(line)
    if "about recording" in line:
        break
os.truncate("filler", 0)
state = Path(".mlo/monitor/state")
while process.poll() is None and not (state.exists() and "alert action" in
      subprocess.run([program, "audit"], capture_output=True, text=True).stdout):
    pass
process.terminate()
steps.append([process.wait(), "".join(seen), process.stderr.read()])
mlo("audit", "--json")
""",
    )  # fmt: skip
    assert once[0] == 5
    assert "about asked" in once[2]
    assert "about recording" in once[2]
    assert "nothing of this could be recorded: cannot write" in once[2]
    assert silenced[0] == 5
    assert "no space left on device" in silenced[2]
    assert json.loads(status[1])["rules"][0]["silenced"] is None
    assert going[0] == 0
    assert "nothing can be recorded: cannot write" in going[1]
    told = {(one["action"], one["detail"]["rule"]) for one in json.loads(audit[1])}
    assert {("alert", "asked"), ("alert", "recording"), ("alert action", "asked")} <= told
    assert not any(action == "silence" for action, _ in told)
