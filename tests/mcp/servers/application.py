"""The two tools that every server here has, and how it is started.

    python SERVER.py --port N --issuer URL --resource URL --guard NAME

Without a guard (`none`) it is a bare server, as the gateway protects one. When it listens, it prints a line on stdout.
"""

import argparse

import uvicorn

BASE = "read:orders"
TOOLS = {"create_order": "write:orders", "*": ""}


def list_orders() -> str:
    """Lists the orders."""
    return "orders: 1, 2"


def create_order() -> str:
    """Creates an order."""
    return "created: 3"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--issuer", default="")
    parser.add_argument("--resource", default="")
    parser.add_argument("--guard", default="none")
    return parser.parse_args()


def guarded(app, options: argparse.Namespace):
    """Our guard around an ASGI application, if it is to be (`protect`)."""
    if options.guard != "protect":
        return app
    from requires_auth.mcp import protect

    return protect(app, options.issuer, options.resource, scope=BASE, tools=TOOLS)


def serve(app, port: int) -> None:
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run()
