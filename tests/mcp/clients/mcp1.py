"""The client of `mcp` 1.x.

python mcp1.py URL
"""

import sys
from contextlib import asynccontextmanager

import anyio
import httpx
from browser import answer
from driver import CALLBACK, Driver, Store
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

url = sys.argv[1]
store = Store()


async def callback() -> tuple[str, str | None]:
    parameters = answer(driver.callback)
    return parameters["code"], parameters.get("state")


@asynccontextmanager
async def connect():
    metadata = OAuthClientMetadata(client_name="mcp 1", redirect_uris=[CALLBACK], token_endpoint_auth_method="none")
    auth = OAuthClientProvider(url, metadata, store, redirect_handler=driver.browse, callback_handler=callback)
    async with (
        httpx.AsyncClient(auth=auth, timeout=15) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        opened = await session.initialize()

        async def call(tool: str) -> str:
            result = await session.call_tool(tool, {})
            if result.isError:
                raise RuntimeError(result.content[0].text)
            return result.content[0].text

        yield str(opened.protocolVersion), call


driver = Driver(connect, store.get_tokens)
anyio.run(driver.run)
