from __future__ import annotations

import sys
from pathlib import Path

import pytest

from requires_auth import RequiresAuth
from requires_auth._core import TestIssuer

sys.path.insert(0, str(Path(__file__).parent))


pytest_plugins = ["requires_auth.testing"]


@pytest.fixture
def issuer() -> TestIssuer:
    return TestIssuer()


@pytest.fixture
def guard(issuer: TestIssuer) -> RequiresAuth:
    return RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)
