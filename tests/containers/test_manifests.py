"""The files for containers hold against the schemas of Kubernetes and of compose, and are as documented."""

import copy
import json
import os
import subprocess
from pathlib import Path

import check_jsonschema
import jsonschema
import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(os.environ.get("REQUIRES_AUTH_BIN", ROOT / "target" / "debug" / "requires-auth")).resolve()
CONTAINERS = ROOT / "packaging" / "containers"
KUBERNETES = ROOT / "packaging" / "kubernetes"
OLDEST, NEWEST = "1.30", "1.34"
COMPOSE_SCHEMA = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"


def manifest(name: str) -> dict:
    return yaml.safe_load((KUBERNETES / f"{name}.yaml").read_text())


def pod() -> dict:
    return manifest("deployment")["spec"]["template"]["spec"]


def gateway() -> dict:
    (container,) = pod()["containers"]
    return container


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("path", sorted(KUBERNETES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_manifest_is_one_of_kubernetes(path, version):
    for document in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(document, version, strict=True)


def test_a_manifest_with_a_misspelt_name_is_not():
    wrong = manifest("deployment")
    context = wrong["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    context["readOnlyRootFileSystem"] = context.pop("readOnlyRootFilesystem")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_the_pod_may_do_nothing_that_it_need_not():
    context = gateway()["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["runAsUser"] == 65532
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False
    assert {"cpu", "memory"} <= gateway()["resources"]["requests"].keys()


def test_the_manifests_fit_together(tmp_path):
    labels = manifest("deployment")["spec"]["template"]["metadata"]["labels"]
    assert manifest("deployment")["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert manifest("service")["spec"]["selector"].items() <= labels.items()
    (allowed,) = manifest("networkpolicy")["spec"]["ingress"]
    assert allowed["from"][0]["podSelector"]["matchLabels"].items() <= labels.items()
    ports = {port["name"]: port["containerPort"] for port in gateway()["ports"]}
    assert manifest("service")["spec"]["ports"][0]["targetPort"] == "http"
    for probe, path in {"readinessProbe": "/readyz", "livenessProbe": "/healthz", "startupProbe": "/healthz"}.items():
        assert gateway()[probe]["httpGet"] == {"path": path, "port": "admin"}
    configuration = manifest("configmap")["data"]["gateway.toml"]
    assert f'listen = "0.0.0.0:{ports["http"]}"' in configuration
    assert f'admin = "0.0.0.0:{ports["admin"]}"' in configuration
    check(configuration, tmp_path)
    volume = next(volume for volume in pod()["volumes"] if "configMap" in volume)
    assert volume["configMap"]["name"] == manifest("configmap")["metadata"]["name"]


def check(configuration: str, folder: Path) -> None:
    """`requires-auth check`, which runs the tests in the file."""
    file = folder / "gateway.toml"
    file.write_text(configuration)
    said = subprocess.run([COMMAND, "check", file], capture_output=True, text=True)
    assert said.returncode == 0, said
    assert " 0 failed" in said.stdout
    assert " 0 tests" not in said.stdout


def compose() -> dict:
    return yaml.safe_load((CONTAINERS / "compose.yaml").read_text())


def test_the_compose_file_is_one():
    schema = json.loads(COMPOSE_SCHEMA.read_text())
    jsonschema.validate(compose(), schema)
    wrong = copy.deepcopy(compose())
    wrong["services"]["gateway"]["readonly"] = True
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_the_services_of_the_image_may_do_nothing_that_they_need_not():
    for name in ("gateway", "issuer"):
        service = compose()["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_this_machine_reaches_the_services():
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_gateway_of_compose_takes_only_questions_of_its_network(tmp_path):
    configuration = (CONTAINERS / "gateway.toml").read_text()
    check(configuration, tmp_path)
    (network,) = compose()["networks"]["default"]["ipam"]["config"]
    assert f'trusted_peers = ["{network["subnet"]}"]' in configuration


def test_nginx_asks_as_the_command_prints_it():
    printed = subprocess.run(
        [COMMAND, "config", "emit", "nginx", CONTAINERS / "gateway.toml", "--listen", "8000", "--upstream", "api:8080"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "server 127.0.0.1:9180;" in printed
    expected = printed.replace("server 127.0.0.1:9180;", "server gateway:9180;")
    assert (CONTAINERS / "nginx.conf").read_text() == expected
