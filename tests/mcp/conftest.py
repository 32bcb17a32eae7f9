"""The authorization server, servers and clients, started when a test asks for them."""

import pytest
from programs import CLIENTS, SERVERS, Client, Provider, Server, missing
from tokens import write_keys


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mcp")


@pytest.fixture(scope="session")
def providers(folder):
    """Authorization servers, by whom they give refresh tokens to."""
    running = {}

    def start(refresh="offline_access"):
        if refresh not in running:
            provider = Provider(folder, refresh=refresh)
            if lacks := missing(provider.command):
                pytest.skip(f"the authorization server needs {lacks}")
            write_keys(provider.keys)
            provider.start()
            running[refresh] = provider
        return running[refresh]

    yield start
    for provider in running.values():
        provider.stop()


@pytest.fixture(scope="session")
def provider(providers):
    return providers()


@pytest.fixture(scope="session")
def server(provider, folder):
    """A server by name and guard, started once."""
    running = {}

    def start(name, guard):
        if lacks := missing(SERVERS[name]):
            pytest.skip(f"a server of {name} needs {lacks}")
        if (name, guard) not in running:
            started = Server(name, guard, provider.issuer, folder)
            started.start()
            running[name, guard] = started
        return running[name, guard]

    yield start
    for program in running.values():
        program.stop()


@pytest.fixture
def client(folder):
    """A client by name, which has not logged in yet."""
    running = []

    def start(name, url):
        if lacks := missing(CLIENTS[name]):
            pytest.skip(f"the client of {name} needs {lacks}")
        running.append(Client(name, url, folder))
        return running[-1]

    yield start
    for started in running:
        started.kill()
