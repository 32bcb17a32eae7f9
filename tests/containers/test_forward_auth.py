"""The manifests with which an ingress asks the gateway, against the schemas of Kubernetes and of three others."""

import copy
import json
import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from test_manifests import KUBERNETES, NEWEST, OLDEST, check, manifest

FOLDER = KUBERNETES / "forward-auth"
SCHEMAS = Path(__file__).parent / "schemas"
OWN = ("v1", "networking.k8s.io/v1")
"""What Kubernetes itself has; the schemas of the others are packages of npm."""
INGRESSES = ("gateway-api", "envoy-gateway", "traefik", "ingress-nginx")


def documents(name: str) -> list[dict]:
    return list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()))


ALL = [document for file in sorted(FOLDER.glob("*.yaml")) for document in documents(file.stem)]
OTHERS = [document for document in ALL if document["apiVersion"] not in OWN]


def problems(found: list[dict]) -> list[list[str]]:
    """What the schema of each says of it, as the places with mistakes."""
    if not shutil.which("node") or not (SCHEMAS / "node_modules").is_dir():
        pytest.skip("the schemas need Node, and `npm ci` in tests/containers/schemas")
    lines = "".join(json.dumps(document) + "\n" for document in found)
    command = ["node", "validate.mjs"]
    said = subprocess.run(command, cwd=SCHEMAS, input=lines, capture_output=True, text=True, check=True).stdout
    answers = [json.loads(line) for line in said.splitlines()]
    assert len(answers) == len(found)
    return [[error["instancePath"] for error in errors if not is_new(error)] for errors in answers]


def is_new(error: dict) -> bool:
    """The package has the filter `ExternalAuth` with all of its fields, but not its name among the types of filters."""
    types = error["params"].get("allowedValues", [])
    return error["instancePath"].endswith("/filters/0/type") and "ExtensionRef" in types and "ExternalAuth" not in types


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_those_of_kubernetes_are_what_they_say(version):
    own = [document for document in ALL if document["apiVersion"] in OWN]
    assert {document["kind"] for document in own} == {"ConfigMap", "Ingress", "NetworkPolicy"}
    for document in own:
        kubernetes_validate.validate(document, version, strict=True)


def test_those_of_others_are_what_they_say():
    assert sorted(document["kind"] for document in OTHERS) == ["HTTPRoute", "HTTPRoute", "Middleware", "SecurityPolicy"]
    assert problems(OTHERS) == [[]] * len(OTHERS)


def test_one_with_a_mistake_is_not():
    (route,), (policy,), (middleware, _) = (documents(name) for name in ("gateway-api", "envoy-gateway", "traefik"))
    route, policy, middleware = (copy.deepcopy(one) for one in (route, policy, middleware))
    del route["spec"]["rules"][0]["filters"][0]["externalAuth"]["protocol"]
    policy["spec"]["extAuth"]["failOpen"] = "no"
    middleware["spec"]["forwardAuth"]["trustForwardHeader"] = "no"
    assert all(problems([route, policy, middleware]))


def test_nothing_passes_while_the_gateway_is_out_of_reach():
    (policy,) = documents("envoy-gateway")
    assert policy["spec"]["extAuth"]["failOpen"] is False


def test_each_asks_the_service_in_a_dialect_that_is_answered(tmp_path):
    (configuration,) = documents("configmap")
    assert configuration["metadata"]["name"] == manifest("configmap")["metadata"]["name"]
    text = configuration["data"]["gateway.toml"]
    check(text, tmp_path)
    for name in INGRESSES:
        asked = (FOLDER / f"{name}.yaml").read_text()
        assert manifest("service")["metadata"]["name"] in asked
        dialect = re.search(r"/forward-auth/([a-z]+)", asked)
        assert f'"{dialect[1] if dialect else "envoy-grpc"}"' in text


def test_each_identity_header_is_the_gateway_s():
    (configuration,) = documents("configmap")
    section = configuration["data"]["gateway.toml"].split("[headers]")[1].split("[[")[0]
    names = re.findall(r'^"(.+?)" =', section, re.MULTILINE)
    assert names
    middleware, _ = documents("traefik")
    ingress, question = documents("ingress-nginx")
    annotations = ingress["metadata"]["annotations"]
    prefix = "nginx.ingress.kubernetes.io/"
    assert middleware["spec"]["forwardAuth"]["authResponseHeaders"] == names
    assert middleware["spec"]["forwardAuth"]["trustForwardHeader"] is False
    assert annotations[f"{prefix}auth-response-headers"].split(",") == names
    assert annotations[f"{prefix}auth-proxy-set-headers"].endswith(f"/{question['metadata']['name']}")
    # A snippet is forbidden where ingress-nginx is installed as it comes.
    assert not [name for name in annotations if "snippet" in name]
