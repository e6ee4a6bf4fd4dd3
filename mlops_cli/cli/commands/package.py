"""`mlo package`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.registry.packaging.image import Image
    from mlops_cli.registry.packaging.make import Packaged


def package(
    model: Annotated[str, typer.Argument(metavar="MODEL[@REF]", help="Stage, version or alias")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Where it is written (default: MODEL-vN)"
        ),
    ] = None,
    oci: Annotated[
        bool,
        typer.Option("--oci", help="Write an OCI image layout; a tar archive if DIR ends in .tar"),
    ] = False,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="IMAGE",
            help="With --oci: an OCI layout with Python to build on, DIR[:TAG] or an archive",
        ),
    ] = None,
    image_tag: Annotated[
        str | None,
        typer.Option("--image-tag", metavar="TAG", help="With --oci: its tag (default: vN)"),
    ] = None,
    runtime: Annotated[
        str,
        typer.Option(
            "--runtime", help="What is in it: auto (both), native or onnx, which is smaller"
        ),
    ] = "auto",
    more: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME", help="A further package that the model needs"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a package or image that is there")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write a model as a folder or image that serves anywhere.

    The folder has the model, its record, a lock of exact packages, this mlo, a Dockerfile, an
    entry point and checksums; it serves without mlo's store and without git. Without --base an
    image has the folder alone, in /models, to be mounted; with one it starts by itself.
    """
    from mlops_cli.registry import meant, models
    from mlops_cli.registry.packaging import make

    runtimes: dict[str, make.Runtime] = {"auto": "auto", "native": "native", "onnx": "onnx"}
    _check_options(runtime, list(runtimes), oci=oci, base=base, image_tag=image_tag)
    repo = repository()
    version = models.resolve(repo, meant.live(repo, model)[0] if "@" not in model else model)
    target = output or Path(f"{version.model}-v{version.number}" + (".oci" if oci else ""))
    if oci:
        from mlops_cli.registry.packaging import image

        made = image.of_version(
            repo,
            version,
            target,
            tag=image_tag or f"v{version.number}",
            base=base,
            runtime=runtimes[runtime],
            more=more or (),
            force=force,
        )
        show.emit(made, as_json=as_json, text=_tell_image)
        return
    found = make.package(
        repo, version, target, runtime=runtimes[runtime], more=more or (), force=force
    )
    show.emit(found, as_json=as_json, text=_tell)


def _check_options(
    runtime: str, runtimes: list[str], *, oci: bool, base: str | None, image_tag: str | None
) -> None:
    from mlops_cli.errors import RequestError

    if runtime not in runtimes:
        raise RequestError(f"there is no runtime '{runtime}'", hint=f"one of {', '.join(runtimes)}")
    for option, value in (("--base", base), ("--image-tag", image_tag)):
        if value is not None and not oci:
            raise RequestError(f"{option} is for an image", hint=f"--oci {option} {value}")


def _tell(made: "Packaged") -> None:
    show.line(
        f"{made.folder}: {made.model} v{made.version}, {show.number(made.files, 'file')},"
        f" {show.size(made.size)}, {show.number(made.packages, 'package')} locked"
        f"{' with hashes' if made.hashed else ''}"
    )
    for one in made.notes:
        show.note(f"  {one}")
    show.line(f"  build: docker build -t {made.model.lower()}:v{made.version} {made.folder}")
    show.line(f"  serve: mlo serve --package {made.folder}")


def _tell_image(made: "Image") -> None:
    what = "a complete image" if made.complete else "an image of the model alone, to be mounted"
    show.line(f"{made.place}: {what}, {show.number(made.layers, 'layer')}, {show.size(made.size)}")
    show.line(f"  {made.digest}  {made.tag}")
    for one in made.notes:
        show.note(f"  {one}")
    kind = "oci-archive" if made.place.endswith(".tar") else "oci"
    show.line(
        f"  send: skopeo copy {kind}:{made.place}:{made.tag} docker://REGISTRY/NAME:{made.tag}"
    )
