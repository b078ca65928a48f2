"""The backends that the suite runs against, each started once, and what is known to differ on them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conformance.backends import Backend, Explore, Pictures, save_crowd
from tests.conformance.known_differences import DIFFERS, KNOWN_DIFFERENCES, without_backend
from tests.pictures import save_set


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    folder = tmp_path_factory.mktemp("pictures")
    save_crowd(folder / "crowd")
    return Pictures(mixed=folder / "mixed", truth=save_set(folder / "mixed"), crowd=folder / "crowd")


@pytest.fixture(scope="session")
async def explore(
    request: pytest.FixtureRequest,
    pictures: Pictures,
    tmp_path_factory: pytest.TempPathFactory,
    anyio_backend: str,  # noqa: ARG001 - what runs a fixture that is asynchronous
) -> AsyncIterator[Explore]:
    backend: Backend = request.param
    async with backend(pictures, tmp_path_factory.mktemp("work")) as explore:
        yield explore


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test of the contract that is known to differ on its backend runs all the same, and must fail."""
    if not isinstance(item, pytest.Function) or item.path.name != "test_explore_contract.py":
        return
    served_by: Any = item.callspec.params["explore"]
    backend = served_by.__name__
    for name in (item.originalname, without_backend(item.name, backend)):
        reason = KNOWN_DIFFERENCES.get(backend, {}).get(name)
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=DIFFERS))
