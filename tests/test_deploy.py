"""The deployment files: valid by the schemas of their kinds, and as hardened as is said."""

import json
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import kubernetes_validate
import pytest
import yaml

from assistant.adapters.model_files import known_model
from assistant.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
USER = 10001
SERVICES = ("assistant", "chroma", "llm")
# Those of the server of Chroma are read by its store, whatever the release's settings have.
CHROMA = {f"ASSISTANT_CHROMA_{name}" for name in ("URL", "TOKEN", "TENANT", "DATABASE")}

services = pytest.mark.parametrize("name", COMPOSE["services"])


def _compose_schema() -> dict[str, Any]:
    path = files(check_jsonschema) / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _id(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


def _pods() -> dict[str, dict[str, Any]]:
    """Return the pod's spec of each workload, by name."""
    return {
        manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]
        for manifest in MANIFESTS
        if manifest["kind"] in ("Deployment", "StatefulSet")
    }


def _containers() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield name, pod and container of all, those that prepare included."""
    for pod in _pods().values():
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            yield container["name"], pod, container


def test_compose_file_is_valid() -> None:
    jsonschema.validate(COMPOSE, _compose_schema())


@pytest.mark.parametrize("wrong", [{"services": {"a": {"red_only": True}}}, {"service": {}}])
def test_the_schema_sees_what_is_wrong(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, _compose_schema())


@pytest.mark.parametrize("manifest", MANIFESTS, ids=_id)
def test_manifest_is_valid(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_a_manifest_with_a_wrong_word_is_not() -> None:
    wrong = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a"},
        "spec": {"prots": []},
    }
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_compose_has_the_services() -> None:
    assert set(COMPOSE["services"]) == {"models", *SERVICES}


@services
def test_service_is_hardened(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["user"] == f"{USER}:{USER}"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= set(limits)


@pytest.mark.parametrize("name", SERVICES)
def test_service_says_whether_it_is_healthy(name: str) -> None:
    check = COMPOSE["services"][name]["healthcheck"]
    paths = {"assistant": "/readyz", "chroma": "/api/v2/heartbeat", "llm": "/health"}
    assert paths[name] in " ".join(check["test"])
    assert check["test"][0] == "CMD"


@services
def test_every_volume_and_network_is_declared(name: str) -> None:
    service = COMPOSE["services"][name]
    volumes = {volume.split(":")[0] for volume in service["volumes"]}
    assert volumes <= set(COMPOSE["volumes"])
    assert set(service["networks"]) <= set(COMPOSE["networks"])


def test_only_the_assistant_is_reached_and_from_this_machine_only() -> None:
    published = {name: one["ports"] for name, one in COMPOSE["services"].items() if "ports" in one}
    assert set(published) == {"assistant"}
    assert all(port.startswith("127.0.0.1:") for port in published["assistant"])
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("chroma", "llm"):
        assert COMPOSE["services"][name]["networks"] == ["inside"]


def test_what_must_last_is_in_volumes() -> None:
    mounts = {name: set(one["volumes"]) for name, one in COMPOSE["services"].items()}
    assert "state:/state" in mounts["assistant"]
    assert "vectors:/data" in mounts["chroma"]
    assert "models:/models:ro" in mounts["llm"]
    assert re.search(r"^\s+ASSISTANT_HOME=/state", DOCKERFILE, re.MULTILINE)


def test_no_secret_is_written_down() -> None:
    for name in ("ASSISTANT_TOKEN", "OPENAI_API_KEY", "ASSISTANT_CHROMA_TOKEN"):
        assert COMPOSE["services"]["assistant"]["environment"][name].startswith("${")
        assert name not in _config()
    assert not [one for one in MANIFESTS if one["kind"] == "Secret"]


def _config() -> dict[str, str]:
    found: dict[str, str] = next(one["data"] for one in MANIFESTS if one["kind"] == "ConfigMap")
    return found


@pytest.mark.parametrize("source", ["compose", "kubernetes"])
def test_every_setting_is_known(source: str, tmp_path: Path) -> None:
    """Each variable is one that README's table lists, and the values have a meaning."""
    values = COMPOSE["services"]["assistant"]["environment"] if source == "compose" else _config()
    listed = set(re.findall(r"\b(?:ASSISTANT|OPENAI)_[A-Z_]+", (ROOT / "README.md").read_text()))
    assert set(values) <= listed | CHROMA
    plain = {name: re.sub(r"\$\{\w+(?::[-?](.*))?\}", r"\1", text) for name, text in values.items()}
    settings = Settings.load(plain | {"ASSISTANT_HOME": str(tmp_path)}, tmp_path / "none")
    assert settings.chat_model == "openai"
    assert settings.openai_base_url == "http://llm:8080/v1"
    assert settings.offline


@pytest.mark.parametrize(("name", "pod", "container"), list(_containers()))
def test_container_is_hardened(name: str, pod: dict[str, Any], container: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == USER
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert {"cpu", "memory"} <= set(container["resources"]["limits"])
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])


def _volumes(name: str) -> set[str]:
    """Return the volumes that a workload's pod may mount."""
    workload = next(
        one
        for one in MANIFESTS
        if one["kind"] in ("Deployment", "StatefulSet") and one["metadata"]["name"] == name
    )
    claims = workload["spec"].get("volumeClaimTemplates", ())
    own = {claim["metadata"]["name"] for claim in claims}
    return own | {one["name"] for one in _pods()[name].get("volumes", ())}


@pytest.mark.parametrize("name", SERVICES)
def test_pod_is_probed_and_keeps_its_state(name: str) -> None:
    pod = _pods()[name]
    container = next(one for one in pod["containers"] if one["name"] == name)
    health, ready = {
        "assistant": ("/healthz", "/readyz"),
        "chroma": ("/api/v2/heartbeat",) * 2,
        "llm": ("/health",) * 2,
    }[name]
    assert container["startupProbe"]["httpGet"]["path"] == health
    assert container["livenessProbe"]["httpGet"]["path"] == health
    assert container["readinessProbe"]["httpGet"]["path"] == ready
    for one in [*pod.get("initContainers", ()), container]:
        assert {mount["name"] for mount in one["volumeMounts"]} <= _volumes(name)


@pytest.mark.parametrize("name", SERVICES)
def test_service_finds_its_pod(name: str) -> None:
    service = next(
        one for one in MANIFESTS if one["kind"] == "Service" and one["metadata"]["name"] == name
    )
    labels = {"app.kubernetes.io/name": name}
    assert service["spec"]["selector"] == labels
    ports = {port["name"] for one in _pods()[name]["containers"] for port in one["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_claims_of_the_deployment_exist() -> None:
    claims = {
        one["metadata"]["name"] for one in MANIFESTS if one["kind"] == "PersistentVolumeClaim"
    }
    asked = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in _pods()["assistant"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert asked == claims


def test_chroma_and_the_model_are_reached_by_the_assistant_alone() -> None:
    policies = {
        one["metadata"]["name"]: one["spec"] for one in MANIFESTS if one["kind"] == "NetworkPolicy"
    }
    assert policies["nothing-in"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    inner = policies["from-the-assistant"]
    assert inner["podSelector"]["matchExpressions"][0]["values"] == ["chroma", "llm"]
    assert [one["from"] for one in inner["ingress"]] == [
        [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "assistant"}}}]
    ]


def test_the_model_that_is_fetched_is_the_one_that_is_served() -> None:
    model = known_model("chat")
    path = model.path(Path("/models"))
    assert str(path) in COMPOSE["services"]["llm"]["command"]
    assert str(path) in _pods()["llm"]["containers"][0]["args"]


def test_the_image_runs_as_nobody_and_installs_what_is_locked() -> None:
    stages = DOCKERFILE.split("\nFROM ")
    assert f"USER {USER}:{USER}" in stages[-1]
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    assert "HEALTHCHECK" in stages[-1]
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    names = [name.removeprefix("./") for line in copied for name in line.split()]
    assert all((ROOT / name).exists() for name in names)
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert ignore.index("*") < min(ignore.index(f"!{name}") for name in names)


def test_the_manifests_name_the_version_there_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    images = {one["image"] for _, _, one in _containers() if one["name"] != "llm"}
    assert images == {f"abstract-assistant:{project['version']}"}
