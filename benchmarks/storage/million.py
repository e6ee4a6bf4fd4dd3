"""1,000,000 small files, `mlo` alone: how cost grows."""

from benchmarks.measure import Row
from benchmarks.storage import data
from benchmarks.storage.bench import Bench, Step, follow
from benchmarks.storage.many import ADD_MIB, memory
from benchmarks.storage.peers.peer import remove
from benchmarks.storage.turns import Turn

NAME = "million"
_ADD, _STATUS_MIB = 1.3, 500


def rows(bench: Bench) -> list[Row]:
    """Measure `add` and `status` of many files, and of 20 times as many."""
    return follow(bench, [Step(NAME, lambda times: _both(bench, times))])


def _both(bench: Bench, times: int) -> list[Row]:
    home, scale = bench.place.folder / "million", bench.scale
    few = bench.peers(home / "few", "mlo")["mlo"]
    many = bench.peers(home / "many", "mlo")["mlo"]
    data.apart(data.many, few.path, scale.folders, scale.files)
    data.apart(data.many, many.path, scale.folders * scale.times_more, scale.files)
    both = {"few": few, "many": many}
    add = bench.take({name: Turn(peer.add, peer.forget) for name, peer in both.items()}, times)
    for peer in both.values():
        peer.record()
    turns = {name: Turn(peer.status) for name, peer in both.items()}
    bench.take(turns, 1)
    status = bench.take(turns, times)
    remove(home)
    bench.place.trim()
    times_more = scale.times_more
    files = f"{scale.folders * scale.files * times_more:,} files"
    held = f"{times_more} x that of {scale.folders * scale.files:,}"
    return [
        Row(f"add {files}", add["many"].seconds, held, times_more * add["few"].seconds, _ADD),
        memory("memory of that add", add["many"].peak_mib, ADD_MIB),
        Row(
            f"status of {files}, nothing changed",
            status["many"].seconds,
            held,
            times_more * status["few"].seconds,
            1.0,
        ),
        memory("memory of that status", status["many"].peak_mib, _STATUS_MIB),
    ]
