"""The authorization server, servers and clients, started when a test asks for them."""

import pytest
from programs import CLIENTS, SERVERS, Client, Provider, Server, missing, started_once
from tokens import write_keys


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mcp")


@pytest.fixture(scope="session")
def providers(folder):
    """Authorization servers, by whom they give refresh tokens to."""

    def make(refresh):
        provider = Provider(folder, refresh=refresh)
        if lacks := missing(provider.command):
            pytest.skip(f"the authorization server needs {lacks}")
        write_keys(provider.keys)
        return provider

    with started_once(make) as start:
        yield start


@pytest.fixture(scope="session")
def provider(providers):
    return providers("offline_access")


@pytest.fixture(scope="session")
def server(provider, folder):
    """A server by name and guard, started once."""

    def make(name, guard):
        if lacks := missing(SERVERS[name]):
            pytest.skip(f"a server of {name} needs {lacks}")
        return Server(name, guard, provider.issuer, folder)

    with started_once(make) as start:
        yield start


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
