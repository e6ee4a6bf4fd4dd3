"""Starting up: `status` in a small repository."""

from benchmarks.measure import Row
from benchmarks.storage.bench import Bench, Step, follow
from benchmarks.storage.turns import Turn

NAME = "start"
_MORE_TIMES = 5


def rows(bench: Bench) -> list[Row]:
    """Measure `status` of one tiny file."""
    return follow(bench, [Step(NAME, lambda times: _status(bench, times))])


def _status(bench: Bench, times: int) -> list[Row]:
    peers = bench.peers(bench.place.folder / "small", "mlo", "DVC", "git", data="data.csv")
    for peer in peers.values():
        peer.path.write_text("a,b\n1,2\n")
        peer.begin()
        peer.add().run()
        peer.record()
    turns = {name: Turn(peer.status) for name, peer in peers.items()}
    bench.take(turns, 1)
    costs = bench.take(turns, _MORE_TIMES * times)
    return bench.compare("status of one small file", costs, {"DVC": 1 / 3, "git": None})
