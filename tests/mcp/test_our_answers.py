"""The checks of the table against our guard: each answer is what is asked."""

import pytest
from checks import CHECKS, Target
from guarded import GUARDED, lacks
from programs import Provider
from tokens import Mint, write_keys


@pytest.fixture(scope="module", params=GUARDED)
def asked(request, folder):
    """The verdicts of all checks at one of our guards."""
    if lack := lacks(request.param):
        pytest.skip(f"{request.param} needs {lack}")
    provider = Provider(folder)
    write_keys(provider.keys)
    provider.start()
    make = GUARDED[request.param]
    # One that gets tokens, one whose resource is a bare host, and one that has never got any keys.
    servers = [make(provider.issuer, folder), make(provider.issuer, folder, bare=True), make(provider.issuer, folder)]
    targets = [Target(one.url, provider.issuer, Mint(provider.keys, provider.issuer, one.resource)) for one in servers]
    usual, bare, keyless = targets
    try:
        for server in servers[:2]:
            server.start()
        verdicts = {
            check.name: check.measure(bare if check.of_bare_host else usual)
            for check in CHECKS
            if not check.without_provider
        }
        provider.stop()
        # Only now: the gateway fetches keys as soon as it starts.
        servers[2].start()
        return verdicts | {check.name: check.measure(keyless) for check in CHECKS if check.without_provider}
    finally:
        for program in (*servers, provider):
            program.stop()


@pytest.mark.parametrize("name", [check.name for check in CHECKS])
def test_the_answer_is_right(asked, name):
    assert asked[name].right, asked[name].text
