"""`mlo://` gives any version, by any name that the command line knows, and nothing else."""

import io
import multiprocessing
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from mlops_cli import api
from mlops_cli.core.repository import open_repository
from mlops_cli.errors import IntegrityError, NotARepository
from mlops_cli.fs.filesystem import MloFileSystem
from tests.conftest import Mlo, git, noise
from tests.fs.conftest import NEW, OLD, keep


def at(**options: object) -> MloFileSystem:
    """Return the file system as users get it."""
    return fsspec.filesystem("mlo", **options)


@pytest.mark.parametrize(
    ("url", "options", "rows"),
    [
        ("mlo://data/raw.csv", {}, 2),
        ("mlo://data/raw.csv?rev=v1", {}, 1),
        ("mlo://data/raw.csv?rev=HEAD~1", {}, 1),
        ("mlo://data/raw.csv@v1", {}, 1),
        ("mlo://@v1/data/raw.csv", {}, 1),
        ("mlo://data/raw.csv", {"rev": "v1"}, 1),
        ("mlo://data/raw.csv?rev=HEAD", {"rev": "v1"}, 2),
    ],
)
@pytest.mark.parametrize("where", ["versions", "clone"])
def test_pandas_reads_any_version(
    request: pytest.FixtureRequest,
    where: str,
    url: str,
    options: dict[str, object],
    rows: int,
) -> None:
    request.getfixturevalue(where)
    assert len(pd.read_csv(url, storage_options=options or None)) == rows


def test_a_branch_with_a_slash_is_a_revision(versions: Path) -> None:
    git(versions, "branch", "feature/old", "v1")
    assert at().cat("mlo://data/raw.csv?rev=feature/old") == OLD.encode()
    assert at().cat("data/raw.csv@feature/old") == OLD.encode()
    assert at().ls("data/images@feature/old", detail=False)[0] == "@feature%2Fold/data/images/a.png"


def test_it_is_the_pointer_that_counts_not_the_file_in_the_work_tree(versions: Path) -> None:
    (versions / "data/raw.csv").write_text("edited")
    assert at().cat("data/raw.csv") == NEW.encode()
    (versions / "data/raw.csv").unlink()
    assert at().cat("data/raw.csv") == NEW.encode()


def test_an_instance_is_one_moment_and_the_next_one_sees_the_next(
    versions: Path, mlo_here: Mlo
) -> None:
    before = at()
    assert before.cat("data/raw.csv?rev=HEAD") == NEW.encode()
    assert before.size("data/raw.csv") == len(NEW)
    (versions / "data/raw.csv").write_text("third")
    keep(versions, mlo_here, "data/raw.csv")
    kept = pickle.loads(pickle.dumps(before))
    for one in (before, kept):
        assert one.cat("data/raw.csv") == NEW.encode()
        assert one.cat("mlo://data/raw.csv?rev=HEAD") == NEW.encode()
    assert at().cat("data/raw.csv") == b"third"
    assert at() == before
    before.invalidate_cache()
    assert before.cat("mlo://data/raw.csv?rev=HEAD") == b"third"


def test_an_output_of_a_step_is_found_by_the_lock_file(project: Path, mlo_here: Mlo) -> None:
    (project / ".mlops.yaml").write_text(
        "steps:\n  make:\n    cmd: echo made > made.txt\n    outs: [made.txt]\n"
    )
    mlo_here("run")
    (project / "made.txt").unlink()
    assert at().cat("made.txt") == b"made\n"


def test_it_works_from_a_folder_below_and_from_outside(
    versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(versions / "data/images")
    assert at().cat("data/raw.csv") == NEW.encode()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotARepository):
        at()
    assert at(repo=str(versions / "data")).cat("data/raw.csv") == NEW.encode()


@pytest.mark.parametrize("where", ["versions", "clone"])
def test_folders_are_listed(request: pytest.FixtureRequest, where: str) -> None:
    request.getfixturevalue(where)
    fs = at()
    assert fs.ls("", detail=False) == ["data"]
    assert fs.ls("mlo://data", detail=False) == ["data/images", "data/raw.csv"]
    inside = ["a.png", "icon@2x.png", "link.png", "loop.png", "more", "out.png"]
    assert fs.ls("data/images", detail=False) == [f"data/images/{name}" for name in inside]
    assert fs.ls("data/images@v1", detail=False) == [f"@v1/data/images/{name}" for name in inside]
    assert fs.ls("data/raw.csv", detail=False) == ["data/raw.csv"]
    assert fs.find("data/images/more", withdirs=True) == [
        "data/images/more",
        "data/images/more/c.png",
    ]
    assert fs.find("data", maxdepth=1) == ["data/raw.csv"]
    assert "data/images/more/c.png" in fs.find("")
    assert fs.find("nothing") == []
    assert [one for one, _, _ in fs.walk("data")] == ["data", "data/images", "data/images/more"]
    assert fs.du("data/images/more") == len("more/c.png")
    assert fs.isdir("data")
    assert fs.isfile("data/images/a.png")
    assert not fs.exists("data/images/b.png")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("data/images/?.png", ["data/images/a.png"]),
        ("data/images/*@2x.png", ["data/images/icon@2x.png"]),
        ("data/images/[al]*.png", ["a", "link", "loop"]),
        ("mlo://data/images/a*?rev=HEAD~1", ["@HEAD~1/data/images/a.png"]),
        ("data/images/a*@v1", ["@v1/data/images/a.png"]),
        ("mlo://@v1/data/**/c.png", ["@v1/data/images/more/c.png"]),
        ("*", ["data"]),
        ("nothing/*", []),
    ],
)
def test_wildcards_and_revisions_go_together(
    versions: Path, pattern: str, found: list[str]
) -> None:
    short = [f"data/images/{name}.png" if "/" not in name else name for name in found]
    assert at().glob(pattern) == (found if "data" in found or not found else short)


def test_info_has_size_type_and_id(versions: Path) -> None:
    fs = at()
    told = fs.info("data/raw.csv")
    assert (told["name"], told["size"], told["type"]) == ("data/raw.csv", len(NEW), "file")
    assert fs.ukey("data/raw.csv") == told["id"] == fs.ukey("data/raw.csv@HEAD")
    assert fs.checksum("data/raw.csv") != fs.checksum("data/raw.csv@v1")
    assert fs.info("data/images")["type"] == "directory"
    with pytest.raises(NotImplementedError):
        fs.created("data/raw.csv")


def test_links_are_followed_as_far_as_their_version_goes(versions: Path) -> None:
    fs = at()
    assert fs.cat("data/images/link.png") == b"more/c.png"
    assert fs.info("data/images/link.png")["type"] == "file"
    for name in ("out.png", "loop.png"):
        assert fs.info(f"data/images/{name}")["type"] == "link"
        with pytest.raises(FileNotFoundError, match="link to no file of this version"):
            fs.open(f"data/images/{name}")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nothing.csv", "'nothing.csv' is not versioned"),
        (".mlops.yaml", "is kept by git"),
        ("data/images/b.png", "no 'data/images/b.png' in this version of 'data/images'"),
        ("nothing.csv@v1", "'nothing.csv' is not versioned at 'v1'"),
        ("mlo://nothing.csv?rev=v1", "'nothing.csv' is not versioned at 'v1'"),
        ("data/raw.csv@v9", "'v9' is not a commit that git knows"),
        ("mlo://data/raw.csv?rev=--help", "'--help' is not a commit that git knows"),
        ("data/raw.csv/inside", "there is no 'data/raw.csv/inside'"),
        ("../secret", "leaves the project"),
        ("data/../../secret", "leaves the project"),
        ("mlo:///etc/passwd", "'etc/passwd' is not versioned"),
        ("data/images/../../.git/config", "leaves the project"),
    ],
)
def test_what_is_not_versioned_is_not_found(versions: Path, path: str, says: str) -> None:
    (versions.parent / "secret").write_text("secret")
    with pytest.raises(FileNotFoundError, match=says):
        at().open(path)
    assert not at().exists(path)


def test_a_pattern_of_an_unknown_revision_is_refused(versions: Path) -> None:
    with pytest.raises(FileNotFoundError, match="'v9' is not a commit"):
        at().glob("mlo://data/*?rev=v9")


def test_writing_is_refused(versions: Path) -> None:
    fs = at()
    with pytest.raises(io.UnsupportedOperation, match="read-only: write to a path of the work"):
        pd.DataFrame({"a": [1]}).to_csv("mlo://data/new.csv")
    for attempt in (
        lambda: fs.open("data/raw.csv", "wb"),
        lambda: fs.open("data/raw.csv", "ab"),
        lambda: fs.rm("data/raw.csv"),
        lambda: fs.mv("data/raw.csv", "data/x.csv"),
        lambda: fs.copy("data/raw.csv", "data/x.csv"),
        lambda: fs.mkdir("x"),
        lambda: fs.touch("x"),
        lambda: fs.pipe("x", b""),
        lambda: fs.put(str(versions / ".mlops.yaml"), "x"),
    ):
        with pytest.raises(io.UnsupportedOperation):
            attempt()


def test_a_file_seeks_and_reads_as_any_other(versions: Path, mlo_here: Mlo, tmp_path: Path) -> None:
    content = b"".join(b"%d,%d\n" % (i, i * i) for i in range(100_000))
    (versions / "data/big.csv").write_bytes(content)
    keep(versions, mlo_here, "data/big.csv")
    with at().open("data/big.csv") as file:
        assert file.size == len(content)
        assert file.read(10) == content[:10]
        assert file.seek(-5, 2) == len(content) - 5
        assert (file.read(), file.read(1)) == (content[-5:], b"")
        file.seek(500_000)
        assert file.readline() == content[500_000:].partition(b"\n")[0] + b"\n"
        again = pickle.loads(pickle.dumps(file))
        assert again.read() == content[file.tell() :]
        file.seek(0)
        assert file.read() == content
        with pytest.raises(ValueError, match="seek"):
            file.raw.seek(-1)
    with at().open("data/big.csv", "r") as text:
        assert sum(1 for _ in text) == 100_000
    assert at().cat_ranges(["data/big.csv"] * 3, [0, 600_000, -9], [4, 600_009, None]) == [
        content[:4],
        content[600_000:600_009],
        content[-9:],
    ]
    at().get("data/big.csv", str(tmp_path / "got.csv"))
    assert (tmp_path / "got.csv").read_bytes() == content


def test_training_code_opens_a_version_from_where_it_is(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone / "data")
    for file in (api.open("raw.csv", rev="v1"), api.open(Path("raw.csv@v1"))):
        with file:
            assert file.read() == OLD.encode()
    with api.open("raw.csv") as file:
        assert file.read() == NEW.encode()


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_it_goes_to_other_processes(clone: Path, method: str) -> None:
    fs = at(rev="v1", remote="origin")
    assert fs.cat("data/raw.csv") == OLD.encode()
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(fs.cat_file, ("data/raw.csv",)) == OLD.encode()
        assert pool.apply(fs.ls, ("data", False)) == ["data/images", "data/raw.csv"]


def test_where_the_project_is_not_no_other_one_is_taken_for_it(versions: Path) -> None:
    kept = pickle.dumps(at())
    for name in (".mlops.yaml", ".mlo"):
        (versions / name).rename(versions.parent / name)
    with pytest.raises(NotARepository, match=f"no mlo repository at '{versions}'"):
        pickle.loads(kept).cat("data/raw.csv")


def test_threads_may_share_it(clone: Path) -> None:
    fs = at()
    names = [f"data/images/{name}.png" for name in ("a", "icon@2x", "link")] * 20
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(fs.cat_file, names))
    assert got == [b"a.png", b"icon@2x.png", b"more/c.png"] * 20


def test_reading_a_remote_in_place_keeps_nothing_unless_told_to(clone: Path) -> None:
    objects = open_repository(clone).objects
    oid = at().ukey("data/raw.csv")
    assert at().cat("data/raw.csv") == NEW.encode()
    assert not objects.has(oid)
    assert at(keep=True).cat("data/raw.csv") == NEW.encode()
    assert objects.get(oid) == NEW.encode()


def test_what_is_nowhere_says_what_to_do(
    clone: Path, versions: Path, tmp_path: Path, mlo_here: Mlo
) -> None:
    shutil.rmtree(tmp_path / "remote/packs")
    with pytest.raises(FileNotFoundError, match="is not on the remote"):
        at().open("data/raw.csv")
    mlo_here("remote", "remove", "origin")
    with pytest.raises(FileNotFoundError, match=r"no remote \(try: mlo remote add origin URL\)"):
        at().open("data/raw.csv")


def test_damage_surfaces(versions: Path) -> None:
    repo = open_repository(versions)
    pack, entry = repo.objects.stored(at().ukey("data/raw.csv"))
    raw = bytearray(pack.path.read_bytes())
    raw[entry.offset + 2] ^= 1
    pack.path.write_bytes(raw)
    with pytest.raises(IntegrityError, match="damaged"):
        pd.read_csv("mlo://data/raw.csv")


def test_a_pointer_that_lies_about_the_size_is_refused(versions: Path) -> None:
    pointer = versions / "data/raw.csv.mlo"
    pointer.write_text(pointer.read_text().replace("size: 12", "size: 8"))
    with pytest.raises(IntegrityError, match="has 12 bytes, not the 8"):
        at().open("data/raw.csv")


def test_a_list_that_puts_right_chunks_in_wrong_order_is_found_at_the_end(
    versions: Path, mlo_here: Mlo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_cli.remotes.reader import Shape

    (versions / "data/noise").write_bytes(noise(600_000))
    keep(versions, mlo_here, "data/noise")
    plain = Shape.__init__

    def swapped(self: Shape, pieces: list[tuple[bytes, int]]) -> None:
        plain(self, pieces[::-1])

    monkeypatch.setattr(Shape, "__init__", swapped)
    with pytest.raises(IntegrityError, match="'data/noise' is damaged"):
        at().cat("data/noise")
