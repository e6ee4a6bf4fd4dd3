"""The files that run a plan, by name: templates with its values filled in."""

from collections.abc import Callable
from string import Template
from typing import Literal

from mlops_cli.core import templates
from mlops_cli.registry.deploy.plan import MIB, PORT, Part, Plan

Target = Literal["kubernetes", "kserve", "compose"]
_FROM_THE_SHELL = "      MLO_SERVE_TOKENS: ${MLO_SERVE_TOKENS:?is to hold the tokens}\n"
_WEIGHTS = 1000
"""Shares of requests are told in thousandths."""


def manifests(plan: Plan, target: Target) -> dict[str, str]:
    """Return the text of each file by its name, in the order in which they are to be applied."""
    return _MAKERS[target](plan)


def _kubernetes(plan: Plan) -> dict[str, str]:
    found: dict[str, str] = {}
    for track, part in _tracks(plan):
        values = _values(plan, part, track)
        values["tokens"] = _secret(plan, indent=12)
        end = values["suffix"]
        for kind in ("deployment", "service", "autoscaler", "disruption"):
            found[f"{kind}{end}.yaml"] = _filled(f"kubernetes/{kind}.yaml", values)
    if plan.canary is not None:
        found["route.yaml"] = _filled("kubernetes/route.yaml", _shares(plan))
    return found


def _kserve(plan: Plan) -> dict[str, str]:
    """Return the service, then the one with the canary, which KServe rolls out beside it."""
    found = {}
    for number, (track, part) in enumerate(_tracks(plan), 1):
        values = _values(plan, part, track)
        values["tokens"] = _secret(plan, indent=10)
        percent = f"    canaryTrafficPercent: {_percent(part.share)}\n"
        values["canary"] = percent if track == "canary" else ""
        found[f"{number}-{track}.yaml"] = _filled("kserve/inferenceservice.yaml", values)
    return found


def _compose(plan: Plan) -> dict[str, str]:
    services, more = [], {}
    for track, part in _tracks(plan):
        values = _values(plan, part, track)
        alone = plan.canary is None
        values["service"] = plan.name if alone else f"{plan.name}-{track}"
        values["ports"] = f'    ports: ["{PORT}:{PORT}"]\n' if alone else ""
        if plan.tokens is not None:
            values["tokens"] = _FROM_THE_SHELL
        services.append(_filled("compose/service.yaml", values))
    configs = ""
    if plan.canary is not None:
        services.append(_filled("compose/canary.yaml", _shares(plan)))
        configs = "configs:\n  shares: {file: ./shares.conf}\n"
        more["shares.conf"] = _filled("compose/shares.conf", _weights_of_each(plan))
    text = f"name: {plan.name}\nservices:\n{''.join(services)}volumes:\n  predictions: {{}}\n"
    return {"compose.yaml": text + configs, **more}


_MAKERS: dict[Target, Callable[[Plan], dict[str, str]]] = {
    "kubernetes": _kubernetes,
    "kserve": _kserve,
    "compose": _compose,
}


def _tracks(plan: Plan) -> list[tuple[str, Part]]:
    canary = [] if plan.canary is None else [("canary", plan.canary)]
    return [("stable", plan.stable), *canary]


def _values(plan: Plan, part: Part, track: str) -> dict[str, object]:
    version = part.version
    least = plan.least_of(part)
    # where a package is opened the model lies once more in /tmp, as it is loaded
    tmp_mib = max(64, 2 * -(-version.size // MIB))
    return {
        "name": plan.name,
        "suffix": "" if track == "stable" else f"-{track}",
        "track": track,
        "model": version.model,
        "version": version.number,
        "version_id": version.id,
        "image": part.image,
        "port": PORT,
        "cpu": f'"{plan.cpu}"',
        "memory": f"{plan.memory_mib}Mi",
        "memory_bytes": plan.memory_mib * MIB,
        "tmp": f"{tmp_mib}Mi",
        "tmp_bytes": tmp_mib * MIB,
        "least": least,
        "replicas": least if plan.canary is not None else 1,
        "most": max(plan.most, least),
        "tokens": "",
    }


def _secret(plan: Plan, *, indent: int) -> str:
    """Return the variable with tokens, from a Secret, as lines of a list."""
    if plan.tokens is None:
        return ""
    lines = (
        "- name: MLO_SERVE_TOKENS",
        "  valueFrom:",
        f"    secretKeyRef: {{name: {plan.tokens}, key: tokens}}",
    )
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def _shares(plan: Plan) -> dict[str, object]:
    assert plan.canary is not None
    weight = max(1, round(plan.canary.share * _WEIGHTS))
    return {
        "name": plan.name,
        "gateway": plan.gateway,
        "port": PORT,
        "canary_version": plan.canary.version.number,
        "canary_percent": f"{100 * plan.canary.share:.4g}",
        "canary_weight": weight,
        "stable_weight": max(1, _WEIGHTS - weight),
    }


def _weights_of_each(plan: Plan) -> dict[str, object]:
    """Return the weight of each container, as nginx takes every address of a name for a server."""
    assert plan.canary is not None
    weights = {
        f"{track}_weight": max(1, round(_WEIGHTS * part.share / plan.least_of(part)))
        for track, part in _tracks(plan)
    }
    return {**_shares(plan), **weights}


def _percent(share: float) -> int:
    return min(99, max(1, round(100 * share)))


def _filled(template: str, values: dict[str, object]) -> str:
    return Template(templates.text(template)).substitute(values)
