"""The client of fastmcp, which opens a browser and listens for the callback itself.

python fastmcp_client.py URL
"""

import os
import sys
import warnings
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from driver import Driver

os.environ["BROWSER"] = f"{sys.executable} {Path(__file__).with_name('browser.py')} %s &"
warnings.simplefilter("ignore")  # that tokens in memory are lost

from fastmcp import Client
from fastmcp.client.auth import OAuth

url = sys.argv[1]


class CountedOAuth(OAuth):
    """Counts the logins; all else is as it comes."""

    async def redirect_handler(self, authorization_url: str) -> None:
        driver.logins += 1
        await super().redirect_handler(authorization_url)


oauth = CountedOAuth(callback_host="127.0.0.1", callback_timeout=20)


@asynccontextmanager
async def connect():
    async with Client(url, auth=oauth) as client:

        async def call(tool: str) -> str:
            return (await client.call_tool(tool, {})).content[0].text

        yield "", call


async def stored():
    adapter = getattr(oauth, "token_storage_adapter", None)
    return await adapter.get_tokens() if adapter else None


driver = Driver(connect, stored)
anyio.run(driver.run)
