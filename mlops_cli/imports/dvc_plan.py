"""What of a DVC project becomes what: steps, pointers, and the files that these stand for."""

from collections.abc import Sequence
from pathlib import Path

from mlops_cli.core import config, git
from mlops_cli.core.files import read_regular
from mlops_cli.core.layout import SETTINGS
from mlops_cli.data import dvc_files
from mlops_cli.data.dvc_files import Digest, Out
from mlops_cli.errors import MloError
from mlops_cli.imports import dvc_pipeline
from mlops_cli.imports.dvc_pipeline import PARAMS, Pipeline, written_as
from mlops_cli.imports.dvc_survey import Survey
from mlops_cli.runs.param_files import ParamFiles

PIPELINE = "dvc.yaml"


def pipeline(root: Path, found: Survey) -> Pipeline:
    """Return the steps that the stages become, without those that the settings cannot hold."""
    data = read(root / PIPELINE)
    others = [file for file in git.list_files(root, f"*/{PIPELINE}") if (root / file).is_file()]
    notes = [f"{file}: only the {PIPELINE} in the project's root becomes steps" for file in others]
    if data is None:
        return Pipeline(unmapped=notes)
    settings = read(root / SETTINGS) or b""
    present = config.read(settings, where=SETTINGS, beside=root)
    params, why = _params(root)
    made = dvc_pipeline.read(PIPELINE, data, params, ParamFiles(root))
    made.unmapped.extend(notes)
    if why is not None:
        made.unmapped.append(why)
    owned = {out.path for file, outs in found.current.items() for out in outs if _is_data(file)}
    for name, step in list(made.steps.items()):
        both = owned & set(written(step))
        if both:
            made.unmapped.append(f"stage '{name}' writes '{min(both)}', which has a .dvc file too")
            for stage in [one for one, own in made.stages.items() if written_as(own) == name]:
                del made.stages[stage]
            del made.steps[name]
    if present.steps:
        return _as_written(made, present)
    return dvc_pipeline.tried(
        made,
        lambda text: config.read(settings + text, where=SETTINGS, beside=root),
        params=made.needs_params,
    )


def _as_written(made: Pipeline, present: config.Settings) -> Pipeline:
    """Return those steps that the settings have already, from an earlier call."""
    stages = {stage: name for stage, name in made.stages.items() if name in present.steps}
    left = [
        f"stage '{stage}': {SETTINGS} has other steps already"
        for stage in made.stages
        if stage not in stages
    ]
    steps = {written_as(name): made.steps[written_as(name)] for name in stages.values()}
    return Pipeline(steps, stages, [*made.unmapped, *left], made.needs_params, written=True)


def _params(root: Path) -> tuple[dict[str, object] | None, str | None]:
    """Return what `params.yaml` holds, or why mlo cannot read it."""
    if not (root / PARAMS).is_file():
        return None, None
    try:
        text = f"params: {PARAMS}\n".encode()
        return dict(config.read(text, where=SETTINGS, beside=root).params), None
    except MloError as error:
        return None, f"{PARAMS} stays a dependency as a whole: {error.message}"


def _is_data(file: str) -> bool:
    return file.endswith(dvc_files.SUFFIX)


def data_outs(found: Survey, pipeline: Pipeline) -> list[Out]:
    """Return what is to have a pointer: what no step writes."""
    return [
        out
        for outs in found.current.values()
        for out in outs
        if out.cached and (out.stage is None or out.stage not in pipeline.stages)
    ]


def replaced(found: Survey, kept: set[Digest], pipeline: Pipeline) -> list[str]:
    """Return the files of DVC's that nobody needs any more: what they say, mlo says now."""
    done: list[str] = []
    for file, outs in found.current.items():
        whole = all(
            out.digest in kept for out in outs if out.cached and out.stage not in pipeline.stages
        )
        if _is_data(file):
            if outs and whole and all(out.cached and out.digest for out in outs):
                done.append(file)
        elif file == dvc_files.LOCKFILE and whole and not pipeline.unmapped:
            done += [file, PIPELINE]
    return done


def written(step: dict[str, object]) -> list[str]:
    """Return the paths that a step writes."""
    found: list[str] = []
    for key in ("outs", "metrics", "plots"):
        value = step.get(key, [])
        assert isinstance(value, Sequence)
        found += (next(iter(one)) if isinstance(one, dict) else one for one in value)
    return found


def read(path: Path) -> bytes | None:
    """Return the bytes of a file; None when it is not there or cannot be read."""
    try:
        return read_regular(path)
    except OSError:
        return None
