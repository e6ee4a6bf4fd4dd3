"""`mlo deploy`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.canary import stop_if_refused
from mlops_cli.cli.commands.promote import drifted
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.registry.deploy.plan import Plan
    from mlops_cli.registry.deploy.write import Written

_NEXT = {
    "kubernetes": "kubectl apply -f {}",
    "kserve": "kubectl apply -f {}/1-stable.yaml",
    "compose": "docker compose -f {}/compose.yaml up --detach --wait",
}


def deploy(
    model: Annotated[str, typer.Argument(metavar="MODEL[@REF]", help="Stage, version or alias")],
    to: Annotated[str, typer.Option("--to", metavar="WHERE", help="kubernetes, kserve or compose")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder (default: deploy/WHERE)"),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image", metavar="IMAGE", help="Image, tagged vN if it has no tag (default: MODEL)"
        ),
    ] = None,
    replicas: Annotated[
        int | None,
        typer.Option(
            "--replicas",
            min=1,
            max=1000,
            help="How many run at least (default: 2; compose runs 1 where there is no canary)",
        ),
    ] = None,
    canary: Annotated[
        str | None,
        typer.Option("--canary", metavar="REF:SHARE", help="Version to try, as in v4:10%"),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage", metavar="STAGE", help="Whose rules hold (default: MODEL's, or production)"
        ),
    ] = None,
    gateway: Annotated[
        str, typer.Option("--gateway", help="On Kubernetes: the Gateway that shares out requests")
    ] = "gateway",
    tokens: Annotated[
        str | None,
        typer.Option("--tokens", metavar="SECRET", help="Secret whose key tokens has them"),
    ] = None,
    cpu: Annotated[str, typer.Option("--cpu", help="Processors that each is given")] = "250m",
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="Memory that each may take (default: by the model's size)"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Give up what was changed by hand in these files")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write the manifests that run a packaged model version.

    They have probes, resources, an autoscaler, a disruption budget, a read-only container of no
    privileges, annotations for Prometheus, and weights for a canary. Nothing is applied. Run it
    again for another version: what was changed by hand is kept, unless --force is said.

    What answers has to pass the gates and approvals of the stage, as by `mlo promote` and
    `mlo canary`, unless it stands or stood there. When one refuses, nothing is written and the
    exit code is 1.
    """
    from mlops_cli.errors import RequestError
    from mlops_cli.registry import meant, models
    from mlops_cli.registry.deploy import allowed
    from mlops_cli.registry.deploy.manifests import Target, manifests
    from mlops_cli.registry.deploy.plan import plan
    from mlops_cli.registry.deploy.write import write
    from mlops_cli.registry.routes import share_of

    targets: dict[str, Target] = {
        "kubernetes": "kubernetes",
        "kserve": "kserve",
        "compose": "compose",
    }
    if to not in targets:
        raise RequestError(f"there is no '{to}' to deploy to", hint=f"--to {' | '.join(targets)}")
    repo = repository()
    reference = model if "@" in model else meant.live(repo, model)[0]
    version = models.resolve(repo, reference)
    other, share = None, 0.0
    if canary is not None:
        ref, _, text = canary.rpartition(":")
        if not ref:
            raise RequestError(f"'{canary}' names no share", hint=f"--canary {canary}:10%")
        other = models.resolve(repo, ref if "@" in ref else f"{version.model}@{ref}")
        share = share_of(text)
    planned = plan(
        version,
        image=image,
        canary=other,
        share=share,
        replicas=replicas or 2,
        cpu=cpu,
        memory=memory,
        gateway=gateway,
        tokens=tokens,
    )
    ruling = allowed.stage_of(repo, reference, version, stage)
    told = allowed.refusal(repo, version, other, share=share, stage=ruling, drifted=drifted(repo))
    if told is not None:
        stop_if_refused(told, as_json=as_json)
    if tokens is None and repo.settings.serving.tokens_file is not None:
        show.note("this project asks for tokens, and these manifests do not: --tokens SECRET")
    limits = repo.settings.serving.limits
    if limits.requests_per_second is not None and limits.by == "client" and tokens is None:
        show.note(
            "serving.limits goes by address, and behind a proxy all clients have one:"
            " say --tokens SECRET, or serving.limits.by: header:X-Forwarded-For"
        )
    if to == "compose" and canary is None and (replicas or 1) > 1:
        show.note("compose runs 1: only a canary puts nginx in front, which shares requests out")
    folder = output or Path("deploy") / to
    written = write(folder, manifests(planned, targets[to]), force=force)
    show.emit(
        _result(planned, written), as_json=as_json, text=lambda _: _tell(planned, written, to)
    )


def _result(planned: "Plan", written: "Written") -> dict[str, Any]:
    parts = [one for one in (planned.stable, planned.canary) if one is not None]
    return {
        "folder": written.folder,
        "name": planned.name,
        "parts": [
            {
                "model": one.version.model,
                "version": one.version.number,
                "version_id": one.version.id,
                "image": one.image,
                "share": one.share,
            }
            for one in parts
        ],
        "written": written.written,
        "unchanged": written.unchanged,
        "removed": written.removed,
    }


def _tell(planned: "Plan", written: "Written", to: str) -> None:
    for part in (planned.stable, planned.canary):
        if part is not None:
            share = f"{100 * part.share:.4g}% of the requests"
            show.line(
                f"{part.version.model} v{part.version.number}: {part.image}, {share}", rest="  "
            )
    for what, names in (
        ("written", written.written),
        ("unchanged", written.unchanged),
        ("removed", written.removed),
    ):
        if names:
            show.line(f"  {what}: {', '.join(names)}", rest="    ")
    show.line(f"  next: {_NEXT[to].format(written.folder)}", rest="    ")
    if to == "kserve" and planned.canary is not None:
        show.line(f"        once that is ready: kubectl apply -f {written.folder}/2-canary.yaml")
