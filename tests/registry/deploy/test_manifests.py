"""Manifests are such as the schemas of those who read them allow, and say what was asked for."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

from mlops_cli.registry.deploy.manifests import Target, manifests
from mlops_cli.registry.deploy.plan import Plan, plan
from mlops_cli.registry.models import Version

_SCHEMAS = Path(__file__).parent / "schemas"
_KUBERNETES = "1.37"
_EARLIEST = "1.32"


@pytest.fixture
def alone(version: Version) -> Plan:
    return plan(version, image="registry.example.org/team/churn", replicas=3)


@pytest.fixture
def both(version: Version, newer: Version) -> Plan:
    return plan(version, canary=newer, share=0.1, replicas=3, gateway="edge")


def documents(plan: Plan, target: Target) -> dict[str, Any]:
    return {
        name: yaml.safe_load(text)
        for name, text in manifests(plan, target).items()
        if name.endswith(".yaml")
    }


def schema(name: str) -> Any:
    return json.loads((_SCHEMAS / name).read_bytes())


def check_kubernetes(document: Any) -> None:
    """Check a manifest against the schemas of Kubernetes, or of the Gateway API."""
    if document["kind"] == "HTTPRoute":
        jsonschema.validate(document, schema("httproute.json"))
        return
    for kubernetes in (_EARLIEST, _KUBERNETES):
        kubernetes_validate.validate(document, kubernetes, strict=True)


def test_a_schema_refuses_what_is_wrong(both: Plan) -> None:
    found = documents(both, "kubernetes")
    found["deployment.yaml"]["spec"]["template"]["spec"]["containers"][0]["probe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        check_kubernetes(found["deployment.yaml"])
    found["route.yaml"]["spec"]["rules"][0]["backendRefs"][0]["weight"] = "half"
    with pytest.raises(jsonschema.ValidationError):
        check_kubernetes(found["route.yaml"])


def test_kubernetes_accepts_each_manifest(alone: Plan, both: Plan) -> None:
    assert list(documents(alone, "kubernetes")) == [
        "deployment.yaml", "service.yaml", "autoscaler.yaml", "disruption.yaml",
    ]  # fmt: skip
    found = documents(both, "kubernetes")
    assert len(found) == 9
    for document in (*documents(alone, "kubernetes").values(), *found.values()):
        check_kubernetes(document)


def test_a_pod_runs_with_no_privileges_and_is_asked_how_it_is(alone: Plan) -> None:
    pod = documents(alone, "kubernetes")["deployment.yaml"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["image"] == "registry.example.org/team/churn:v3"
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"
    assert container["resources"]["limits"] == {"memory": "512Mi"}
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == "8000"
    assert pod["metadata"]["annotations"]["mlo/version-id"] == "3" * 64


def test_services_and_scalers_find_their_pods(both: Plan) -> None:
    found = documents(both, "kubernetes")
    for end in ("", "-canary"):
        labels = found[f"deployment{end}.yaml"]["spec"]["template"]["metadata"]["labels"]
        selected = found[f"deployment{end}.yaml"]["spec"]["selector"]["matchLabels"]
        assert selected.items() <= labels.items()
        assert found[f"service{end}.yaml"]["spec"]["selector"] == selected
        assert found[f"disruption{end}.yaml"]["spec"]["selector"]["matchLabels"] == selected
        scaler = found[f"autoscaler{end}.yaml"]["spec"]
        name = found[f"deployment{end}.yaml"]["metadata"]["name"]
        assert scaler["scaleTargetRef"]["name"] == name == f"churn-model{end}"
        assert scaler["minReplicas"] == (1 if end else 3)
        assert "replicas" not in found[f"deployment{end}.yaml"]["spec"]


def test_a_canary_gets_its_share(both: Plan) -> None:
    route = documents(both, "kubernetes")["route.yaml"]
    assert route["spec"]["parentRefs"] == [{"name": "edge"}]
    refs = route["spec"]["rules"][0]["backendRefs"]
    assert [(one["name"], one["weight"]) for one in refs] == [
        ("churn-model", 900), ("churn-model-canary", 100),
    ]  # fmt: skip


def test_kserve_accepts_each_service(alone: Plan, both: Plan) -> None:
    own = schema("inferenceservice.json")
    known = own["properties"]["spec"]["properties"]["predictor"]["properties"]
    for document in (*documents(alone, "kserve").values(), *documents(both, "kserve").values()):
        predictor = document["spec"]["predictor"]
        theirs = {key: value for key, value in predictor.items() if key in known}
        jsonschema.validate({**document, "spec": {"predictor": theirs}}, own)
        pod = {key: value for key, value in predictor.items() if key not in known}
        check_kubernetes(
            {"apiVersion": "v1", "kind": "Pod", "metadata": document["metadata"], "spec": pod}
        )


def test_kserve_rolls_a_canary_out_beside_what_answers(both: Plan) -> None:
    found = documents(both, "kserve")
    assert list(found) == ["1-stable.yaml", "2-canary.yaml"]
    stable, canary = found.values()
    assert stable["metadata"]["name"] == canary["metadata"]["name"]
    assert "canaryTrafficPercent" not in stable["spec"]["predictor"]
    assert canary["spec"]["predictor"]["canaryTrafficPercent"] == 10
    assert canary["spec"]["predictor"]["containers"][0]["image"] == "churn-model:v4"


def test_compose_accepts_the_file(alone: Plan, both: Plan) -> None:
    for planned in (alone, both):
        PyCompose.from_yaml(manifests(planned, "compose")["compose.yaml"])
    with pytest.raises(Exception, match="bogus"):
        PyCompose.from_yaml(
            manifests(alone, "compose")["compose.yaml"].replace("read_only:", "bogus:")
        )


def test_compose_shares_requests_out_by_weight(alone: Plan, both: Plan) -> None:
    assert list(manifests(alone, "compose")) == ["compose.yaml"]
    found = documents(both, "compose")["compose.yaml"]
    assert list(found["services"]) == ["churn-model-stable", "churn-model-canary", "churn-model"]
    assert "ports" not in found["services"]["churn-model-stable"]
    shares = manifests(both, "compose")["shares.conf"]
    assert found["services"]["churn-model-stable"]["deploy"]["replicas"] == 3
    assert "server churn-model-stable:8000 weight=300;" in shares  # of each of the three
    assert "server churn-model-canary:8000 weight=100;" in shares
    assert "proxy_set_header Host $host;" in shares


def test_tokens_come_from_a_secret_and_not_from_a_file(version: Version) -> None:
    planned = plan(version, tokens="churn-tokens")
    wanted = {"secretKeyRef": {"name": "churn-tokens", "key": "tokens"}}
    deployment = documents(planned, "kubernetes")["deployment.yaml"]
    check_kubernetes(deployment)
    pods = [deployment["spec"]["template"]["spec"]]
    pods.append(documents(planned, "kserve")["1-stable.yaml"]["spec"]["predictor"])
    for pod in pods:
        variables = {one["name"]: one.get("valueFrom") for one in pod["containers"][0]["env"]}
        assert variables["MLO_SERVE_TOKENS"] == wanted
    text = manifests(planned, "compose")["compose.yaml"]
    PyCompose.from_yaml(text)
    assert "${MLO_SERVE_TOKENS:?" in text


def test_the_same_plan_gives_the_same_bytes(both: Plan) -> None:
    for target in ("kubernetes", "kserve", "compose"):
        assert manifests(both, target) == manifests(both, target)
