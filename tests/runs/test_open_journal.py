import os
from pathlib import Path

from mlops_cli.core.repository import Repository
from mlops_cli.runs.open_journal import Journal, begin_journal, lead


def test_a_journal_is_read_on_from_where_reading_ended(tmp_path: Path) -> None:
    file = tmp_path / "key.jsonl"
    journal = Journal(str(file), 3)
    journal.read()
    assert journal.metrics.last == {}
    file.write_text('{}\n{"metrics":{"loss":3,"n":1}}\nnot json\n{"metrics":7}\n{"metrics":{"lo')
    journal.read()
    with file.open("a") as more:
        more.write('ss":"nan"}}\n{"by":"fit","metrics":{"loss":-1}}\n')
    journal.read()
    assert journal.metrics.last == {"": {"loss": "nan", "n": 1}, "fit": {"loss": -1}}
    assert journal.metrics.series(()) == {"loss": {"count": 3, "min": -1, "max": 3}}
    assert journal.said == [{"metrics": 7}]
    assert journal.says("metrics")


def test_ever_so_many_points_are_kept_as_they_were_logged(repo: Repository) -> None:
    file = repo.root / "key.jsonl"
    lines = [b'{"metrics":{"loss":%d}}\n' % number for number in range(20_000)]
    mixed = list(lines)
    mixed[10_000:10_000] = [b'{"note":"half way"}\n', b"\n"]
    file.write_bytes(b"{}\n" + b"".join(mixed))
    journal = Journal(str(file), 3)
    journal.read()
    with repo.objects.writer() as writer:
        oid = journal.put_metrics(writer)
        writer.finish()
    assert oid is not None
    assert b"".join(repo.objects.stream(oid)) == b"".join(lines)
    assert journal.said == [{"note": "half way"}]


def test_one_process_leads_a_run(tmp_path: Path) -> None:
    path = str(tmp_path / "open" / "key.jsonl")
    handle = begin_journal(path)
    assert lead(path) is None
    os.close(handle)
    again = lead(path)
    assert again is not None
    os.close(again)
    os.unlink(path)
    assert lead(path) is None
