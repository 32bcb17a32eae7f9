"""The guards that are judged: what each is, how it is started, and by which profile it is asked."""

import json
import pathlib
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MCP = ROOT / "tests" / "mcp"


@dataclass
class Guard:
    """An API behind a guard, and how it is started: in its command stand {port}, {issuer} and {audience}."""

    name: str
    folder: pathlib.Path
    command: list[str]
    versions: list[str]
    is_ours: bool = False
    profile: str = "bearer"
    path: str = "/api/items"
    scope: str = "read:items"
    environment: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    note: str = ""

    def is_installed(self) -> bool:
        return pathlib.Path(self.command[0]).exists() or self.command[0] == "node"

    def asked(self) -> list[str]:
        """The flags by which the command asks it."""
        profile = [] if self.profile == "bearer" else ["--profile", self.profile]
        return [*profile, "--scope", self.scope, *self.flags]


def guards(folder: pathlib.Path) -> list[Guard]:
    """All of them; FOLDER has the environments that scripts/conformance.sh makes."""
    return [*ours(folder), *bearer(folder), *dpop(folder), *mcp(folder)]


def ours(folder: pathlib.Path) -> list[Guard]:
    def example(name: str) -> Guard:
        example = str(ROOT / "python" / "examples" / f"{name}_app.py")
        return Guard(f"requires-auth in {name}", ROOT, [python(folder, "ours"), example], ["ours"], is_ours=True)

    actix = Guard(
        "requires-auth in actix", ROOT, [str(folder / "actix")], ["ours"], True, path="/orders", scope="read:orders"
    )
    return [*map(example, ("flask", "fastapi", "django")), actix]


def bearer(folder: pathlib.Path) -> list[Guard]:
    express, fastapi, flask, axum = (
        HERE / name for name in ("express", "fastapi-pyjwt", "flask-guide", "axum-jsonwebtoken")
    )
    uvicorn = ["-m", "uvicorn", "main:app", "--log-level", "warning", "--port", "{port}"]
    waitress = ["-m", "waitress", "--listen", "127.0.0.1:{port}", "app:app"]
    return [
        Guard(
            "express-oauth2-jwt-bearer in Express",
            express,
            ["node", "server.mjs"],
            of_npm(express, "express-oauth2-jwt-bearer", "express"),
        ),
        Guard(
            "PyJWT in FastAPI, after its tutorial",
            fastapi,
            [python(folder, "fastapi-pyjwt"), *uvicorn],
            of_pip(fastapi / "requirements.txt", "PyJWT", "fastapi"),
        ),
        Guard(
            "python-jose in Flask, after Logto's guide",
            flask,
            [python(folder, "flask-guide"), *waitress],
            of_pip(flask / "requirements.txt", "python-jose", "flask"),
            flags=["--alg", "ES384"],
        ),
        Guard(
            "jsonwebtoken in axum, after its README",
            axum,
            [str(folder / "axum-jsonwebtoken")],
            of_cargo(axum, "jsonwebtoken", "axum"),
            note="Its `Validation` can do more: `validate_nbf` and `set_required_spec_claims` mend some of these rows. "
            "Here are its defaults, with algorithm, audience and issuer.",
        ),
    ]


def dpop(folder: pathlib.Path) -> list[Guard]:
    express = HERE / "express"
    return [
        Guard(
            "express-oauth2-jwt-bearer in Express, with `dpop`",
            express,
            ["node", "server.mjs"],
            of_npm(express, "express-oauth2-jwt-bearer", "express"),
            profile="dpop",
            environment={"DPOP": "required"},
        ),
    ]


def mcp(folder: pathlib.Path) -> list[Guard]:
    typescript, versions = HERE / "mcp-typescript", MCP / "requirements" / "mcp2.txt"
    fastmcp = ["servers/fastmcp_server.py", "--port", "{port}", "--issuer", "{issuer}", "--resource", "{audience}"]
    return [
        Guard(
            "MCP's Python SDK, with PyJWT",
            HERE / "mcp-python",
            [python(folder, "mcp"), "server.py"],
            of_pip(versions, "mcp", "PyJWT"),
            profile="mcp",
            path="/mcp",
            note="The verifier hands `exp` on as it stands, as that of the SDK's example does; "
            "the SDK takes whole seconds alone.",
        ),
        Guard(
            "FastMCP, with its JWTVerifier",
            MCP,
            [python(folder, "mcp"), *fastmcp, "--guard", "own"],
            of_pip(versions, "fastmcp"),
            profile="mcp",
            path="/mcp",
            scope="read:orders",
            flags=["--alg", "ES384"],
            note="Its scopes are part of what makes a token valid, so that a missing one is an invalid token.",
        ),
        Guard(
            "MCP's TypeScript SDK in Express, with jose",
            typescript,
            ["node", "server.mjs"],
            of_npm(typescript, "@modelcontextprotocol/express", "@modelcontextprotocol/server", "jose"),
            profile="mcp",
            path="/mcp",
        ),
    ]


def python(folder: pathlib.Path, name: str) -> str:
    return str(folder / name / "bin" / "python")


def of_npm(folder: pathlib.Path, *names: str) -> list[str]:
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    return [f"{name} {wanted[name]}" for name in names]


def of_pip(file: pathlib.Path, *names: str) -> list[str]:
    lines = file.read_text().splitlines()
    versions = {line.split("==")[0].split("[")[0]: line.split("==")[1] for line in lines if "==" in line}
    return [f"{name} {versions[name]}" for name in names]


def of_cargo(folder: pathlib.Path, *names: str) -> list[str]:
    packages = (folder / "Cargo.lock").read_text().split("[[package]]")
    versions = {}
    for package in packages:
        lines = dict(line.split(" = ", 1) for line in package.splitlines() if " = " in line)
        if "name" in lines and "version" in lines:
            versions[lines["name"].strip('"')] = lines["version"].strip('"')
    return [f"{name} {versions[name]}" for name in names]
