"""Images are such as other programs read, and the same version gives the same digest."""

import json
import subprocess
import tarfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from mlops_cli.errors import Conflict, IntegrityError, RequestError, StateError
from mlops_cli.registry.models import Version
from mlops_cli.registry.packaging import description, image, layers
from mlops_cli.registry.packaging.layers import File
from tests.registry.conftest import Workshop
from tests.servers.programs import free_port, program

INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def blob(layout: Path, digest: str) -> Any:
    return json.loads((layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes())


def manifest_of(layout: Path) -> Any:
    return blob(layout, json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"])


def put(layout: Path, value: Any) -> dict[str, Any]:
    data = json.dumps(value).encode()
    digest = sha256(data).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


class Base:
    """A base image of one file, which its tests may spoil before it is written."""

    def __init__(self, folder: Path) -> None:
        import platform

        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        self.layer = layers.write([File("etc/base", b"base")], folder / "blobs/sha256")
        self.config: dict[str, Any] = {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
            "os": "linux",
            "config": {
                "Env": ["PATH=/usr/local/bin", f"PYTHON_VERSION={platform.python_version()}"],
                "Cmd": ["python3"],
            },
            "rootfs": {"type": "layers", "diff_ids": [self.layer.diff_id]},
            "history": [{"created_by": "somebody"}],
        }

    def manifest(self, media_type: str = DOCKER_LAYER) -> dict[str, Any]:
        held = {"mediaType": media_type, "digest": self.layer.digest, "size": self.layer.size}
        return put(self.folder, {"config": put(self.folder, self.config), "layers": [held]})

    def write(self, *manifests: dict[str, Any]) -> str:
        listed = list(manifests or [self.manifest()])
        (self.folder / "index.json").write_text(json.dumps({"manifests": listed}))
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        return str(self.folder)


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base(tmp_path / "base")


@pytest.fixture
def small(made: Path) -> Path:
    """Return a package that needs no package but one that is small."""
    told = dict(description.read(made).told)
    kept = {"h11": told["packages"]["h11"]}
    (made / description.FILE).write_bytes(description.encode({**told, "packages": kept}))
    return made


def test_the_same_version_gives_the_same_digest(
    shop: Workshop, version: Version, tmp_path: Path
) -> None:
    one = image.of_version(shop.repo, version, tmp_path / "one", tag="v1", base=None)
    other = image.of_version(shop.repo, version, tmp_path / "other.tar", tag="v1", base=None)
    assert (one.digest, one.layers, one.complete) == (other.digest, 1, False)
    again = image.of_version(shop.repo, version, tmp_path / "again.tar", tag="v1", base=None)
    assert again.digest == one.digest
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()


def test_what_is_there_is_replaced_only_by_force_and_only_an_image(
    shop: Workshop, version: Version, original: Path, tmp_path: Path
) -> None:
    image.write(original, version, tmp_path / "image", tag="v1", base=None)
    with pytest.raises(Conflict, match="there is an image"):
        image.of_version(shop.repo, version, tmp_path / "image", tag="v1", base=None)
    image.of_version(shop.repo, version, tmp_path / "image", tag="v2", base=None, force=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").touch()
    with pytest.raises(Conflict, match="is no image"):
        image.of_version(shop.repo, version, tmp_path / "mine", tag="v1", base=None, force=True)
    with pytest.raises(RequestError, match="cannot be a tag"):
        image.of_version(shop.repo, version, tmp_path / "new", tag="a b", base=None)


def test_a_base_with_python_gives_an_image_that_starts(
    version: Version, small: Path, base: Base, tmp_path: Path
) -> None:
    image.write(small, version, tmp_path / "alone", tag="v1", base=None)
    made = image.write(small, version, tmp_path / "image", tag="v1", base=base.write())
    manifest = manifest_of(tmp_path / "image")
    assert (made.layers, made.complete, made.notes) == (3, True, ())
    assert manifest["layers"][0]["digest"] == base.layer.digest
    assert {one["mediaType"] for one in manifest["layers"]} == {layers.MEDIA_TYPE}
    assert manifest["layers"][2] == manifest_of(tmp_path / "alone")["layers"][0]
    config = blob(tmp_path / "image", manifest["config"]["digest"])
    assert config["config"]["Entrypoint"] == ["/models/entrypoint"]
    assert config["config"]["User"] == "65532:65532"
    assert "Cmd" not in config["config"]
    assert {"PATH=/usr/local/bin", "PYTHONPATH=/opt/mlo/site"} < set(config["config"]["Env"])
    assert config["rootfs"]["diff_ids"][0] == base.layer.diff_id
    assert len(config["rootfs"]["diff_ids"]) == 3
    name = manifest["layers"][1]["digest"].removeprefix("sha256:")
    with tarfile.open(tmp_path / "image/blobs/sha256" / name) as archive:
        names = archive.getnames()
        assert {one.mtime for one in archive.getmembers()} == {0}
    assert {"opt/mlo/site/h11/__init__.py", "opt/mlo/site/mlops_cli/errors.py"} < set(names)
    assert not any("__pycache__" in one or "/bin/" in one for one in names)


def refusal(small: Path, version: Version, base: str) -> str:
    with pytest.raises(RequestError) as caught:
        image.write(small, version, small.parent / "made-of-base", tag="v1", base=base)
    assert not (small.parent / "made-of-base").exists()
    return caught.value.message


def test_a_base_for_another_python_or_machine_is_refused(
    version: Version, small: Path, base: Base
) -> None:
    base.config["config"]["Env"] = ["PYTHON_VERSION=3.9.1"]
    assert "the base has Python 3.9.1" in refusal(small, version, base.write())
    base.config["architecture"] = "s390x"
    assert "is for s390x" in refusal(small, version, base.write())
    base.config["config"] = {}
    base.config["architecture"] = None
    assert "is for None" in refusal(small, version, base.write())


def test_one_of_several_images_is_named(
    version: Version, small: Path, base: Base, tmp_path: Path
) -> None:
    ref = "org.opencontainers.image.ref.name"
    named = [{**base.manifest(), "annotations": {ref: tag}} for tag in ("a", "b")]
    assert "has 2 images" in refusal(small, version, base.write(*named))
    assert "has no image" in refusal(small, version, base.write(*named) + ":c")
    image.write(small, version, tmp_path / "image", tag="v1", base=f"{base.folder}:a")


def test_of_an_index_that_of_this_machine_is_taken(
    version: Version, small: Path, base: Base, tmp_path: Path
) -> None:
    here = {"os": "linux", "architecture": base.config["architecture"]}
    inner = [
        {**base.manifest(), "platform": here},
        {"digest": "sha256:" + "0" * 64, "platform": {"os": "linux", "architecture": "z80"}},
    ]
    index = {**put(base.folder, {"manifests": inner}), "mediaType": INDEX}
    image.write(small, version, tmp_path / "image", tag="v1", base=base.write(index))


def test_an_archive_is_a_base_too(
    version: Version, small: Path, base: Base, tmp_path: Path
) -> None:
    base.write()
    layers.pack(base.folder, tmp_path / "base.tar")
    made = image.write(
        small, version, tmp_path / "image", tag="v1", base=str(tmp_path / "base.tar")
    )
    other = image.write(small, version, tmp_path / "other", tag="v1", base=str(base.folder))
    assert made.digest == other.digest


def test_what_is_no_base_is_told(version: Version, small: Path, base: Base) -> None:
    assert "there is no image at" in refusal(small, version, str(small / "nothing"))
    assert "is no OCI layout: it has no 'index.json'" in refusal(small, version, str(base.folder))
    assert "is no archive of an image" in refusal(small, version, str(small / "package.json"))
    (base.folder / "index.json").write_text('{"manifests": [{"digest": "sha256:../../x"}]}')
    assert "which is no SHA-256" in refusal(small, version, str(base.folder))
    (base.folder / "index.json").write_text('{"manifests": 3}')
    assert "is malformed" in refusal(small, version, str(base.folder))


def test_a_damaged_blob_of_the_base_is_refused(
    version: Version, small: Path, base: Base, tmp_path: Path
) -> None:
    text = base.write()
    (base.folder / "blobs/sha256" / base.layer.digest.removeprefix("sha256:")).write_bytes(b"x")
    with pytest.raises(IntegrityError, match="is damaged"):
        image.write(small, version, tmp_path / "image", tag="v1", base=text)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_other_packages_than_the_version_s_are_not_taken(
    version: Version, small: Path, base: Base, tmp_path: Path
) -> None:
    told = dict(description.read(small).told)
    for packages, why in (({"h11": ["0.1", ""]}, "and not 0.1"), ({"gone": ["1", ""]}, "missing")):
        (small / description.FILE).write_bytes(description.encode({**told, "packages": packages}))
        with pytest.raises(StateError, match=why):
            image.write(small, version, tmp_path / "image", tag="v1", base=base.write())


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Run Debian's registry for images, and yield its address."""
    port = free_port()
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "log": {"level": "error"},
    }
    (tmp_path / "registry.yml").write_text(json.dumps(settings))
    served = subprocess.Popen([program("docker-registry"), "serve", tmp_path / "registry.yml"])
    try:
        for _ in range(100):
            try:
                urlopen(f"http://127.0.0.1:{port}/v2/").close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait()


def skopeo(*words: str) -> str:
    line = [program("skopeo"), "--insecure-policy", *words]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def test_skopeo_sends_it_to_a_registry_and_brings_it_back_the_same(
    version: Version, original: Path, tmp_path: Path, registry: str
) -> None:
    made = image.write(original, version, tmp_path / "made.tar", tag="v1", base=None)
    there = f"docker://{registry}/churn:v1"
    skopeo("copy", "--dest-tls-verify=false", f"oci-archive:{tmp_path}/made.tar:v1", there)
    told = json.loads(skopeo("inspect", "--tls-verify=false", there))
    assert told["Digest"] == made.digest
    assert told["Labels"]["mlo.version-id"] == version.id
    skopeo("copy", "--src-tls-verify=false", there, f"oci:{tmp_path}/back:v1")
    index = json.loads((tmp_path / "back/index.json").read_bytes())
    assert index["manifests"][0]["digest"] == made.digest


def test_umoci_unpacks_it_to_the_package(version: Version, original: Path, tmp_path: Path) -> None:
    image.write(original, version, tmp_path / "image", tag="v1", base=None)
    line = [program("umoci"), "unpack", "--rootless", "--image", f"{tmp_path}/image:v1"]
    subprocess.run([*line, tmp_path / "bundle"], check=True, capture_output=True)
    unpacked = tmp_path / "bundle/rootfs/models"
    for path in (one for one in original.rglob("*") if one.is_file()):
        other = unpacked / path.relative_to(original)
        assert other.read_bytes() == path.read_bytes()
        assert other.stat().st_mode & 0o111 == path.stat().st_mode & 0o111
