"""nginx, and the gateway in front of a bare server."""

import os
import shutil
from pathlib import Path

from programs import ROOT, Program, Server, free_port

COMMAND = Path(os.environ.get("REQUIRES_AUTH_BIN", ROOT / "target/debug/requires-auth"))
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or "nginx"

SETTINGS = """\
[issuers.main]
issuer = "{issuer}"

[server]
listen = "127.0.0.1:{port}"

[reverse_proxy]
upstream = "http://127.0.0.1:{upstream}"

[[resources]]
resource = "{resource}"
issuers = ["main"]
scopes = ["read:orders"]
mcp = true
tools = {{ create_order = ["write:orders"], "*" = [] }}
"""

NGINX_CONF = """\
daemon off;
pid {folder}/nginx-{port}.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{to};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout 1h;
        }}
    }}
}}
"""


class Gateway(Program):
    """`requires-auth serve` as a reverse proxy."""

    def __init__(self, server: Server, issuer: str, folder: Path, *, port: int, resource: str) -> None:
        self.port = port
        file = folder / f"gateway-{port}.toml"
        file.write_text(SETTINGS.format(issuer=issuer, port=port, upstream=server.port, resource=resource))
        super().__init__([str(COMMAND), "serve", str(file)], folder, f"gateway-{port}")

    def start(self) -> None:
        super().start(self.port)


class Nginx(Program):
    """nginx that passes everything on."""

    def __init__(self, to: int, folder: Path, *, port: int) -> None:
        self.port = port
        file = folder / f"nginx-{port}.conf"
        file.write_text(NGINX_CONF.format(folder=folder, port=port, to=to))
        super().__init__([NGINX, "-p", str(folder), "-e", "stderr", "-c", str(file)], folder, f"nginx-{port}")

    def start(self) -> None:
        super().start(self.port)


class Front:
    """What clients see of a bare server: the gateway, or nginx before the gateway. It starts and stops as a server."""

    def __init__(self, server: Server, issuer: str, folder: Path, *, nginx: bool, bare: bool) -> None:
        port = free_port()
        public = free_port() if nginx else port
        self.url = f"http://127.0.0.1:{public}/mcp"
        self.resource = self.url.removesuffix("/mcp") if bare else self.url
        self.gateway = Gateway(server, issuer, folder, port=port, resource=self.resource)
        self.nginx = Nginx(port, folder, port=public) if nginx else None

    def start(self) -> None:
        self.gateway.start()
        if self.nginx:
            self.nginx.start()

    def stop(self) -> None:
        if self.nginx:
            self.nginx.stop()
        self.gateway.stop()
