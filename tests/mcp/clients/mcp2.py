"""The client of `mcp` 2.x.

python mcp2.py URL [auto|legacy]      the newest wire, or the handshake that came before it
"""

import sys
from contextlib import asynccontextmanager

import anyio
import httpx2
from browser import answer
from driver import CALLBACK, Driver, Store
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

url, mode = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "auto"
store = Store()


async def callback() -> AuthorizationCodeResult:
    return AuthorizationCodeResult(**answer(driver.callback))


@asynccontextmanager
async def connect():
    metadata = OAuthClientMetadata(client_name="mcp 2", redirect_uris=[CALLBACK], token_endpoint_auth_method="none")
    auth = OAuthClientProvider(url, metadata, store, redirect_handler=driver.browse, callback_handler=callback)
    async with (
        httpx2.AsyncClient(auth=auth, timeout=15) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):

        async def call(tool: str) -> str:
            result = await client.call_tool(tool, {})
            if result.is_error:
                raise RuntimeError(result.content[0].text)
            return result.content[0].text

        yield str(client.protocol_version), call


driver = Driver(connect, store.get_tokens)
anyio.run(driver.run)
