"""One browser and one stage for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from programs import Browser, Missing, Stage, stage


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        started = Browser()
    except Missing as missing:
        pytest.skip(str(missing))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("inspector")) as started:
        yield started
