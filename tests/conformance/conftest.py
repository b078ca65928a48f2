"""The backends that the suite runs against, each indexed once."""

from collections.abc import AsyncIterator

import pytest

from tests.conformance.backends import Backend, Explore, Pictures, engine_over_asgi, engine_over_http, save_crowd
from tests.pictures import save_set

ENGINES = [engine_over_asgi, engine_over_http]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    folder = tmp_path_factory.mktemp("pictures")
    save_crowd(folder / "crowd")
    return Pictures(mixed=folder / "mixed", truth=save_set(folder / "mixed"), crowd=folder / "crowd")


@pytest.fixture(scope="session", params=ENGINES, ids=lambda backend: backend.__name__)
async def explore(
    request: pytest.FixtureRequest,
    pictures: Pictures,
    tmp_path_factory: pytest.TempPathFactory,
    anyio_backend: str,  # noqa: ARG001 - what runs a fixture that is asynchronous
) -> AsyncIterator[Explore]:
    backend: Backend = request.param
    async with backend(pictures, tmp_path_factory.mktemp("work")) as explore:
        yield explore
