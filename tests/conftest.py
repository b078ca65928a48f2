"""What every test may rely on."""

import os

import pytest
from hypothesis import settings

settings.register_profile("thorough", max_examples=1000, deadline=None)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The server and its libraries run on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    """A developer's own LOOKALIKE_* variables must not reach the servers under test."""
    for name in [name for name in os.environ if name.startswith("LOOKALIKE_")]:
        del os.environ[name]
