"""What every test may rely on."""

import os

import pytest
from hypothesis import settings

# The same cases every time in make test, fresh ones and more of them in make test-slow; no time limits anywhere.
settings.register_profile("sample", derandomize=True, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("sample")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The server and its libraries run on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    """A developer's own LOOKALIKE_* variables must not reach the servers under test."""
    for name in [name for name in os.environ if name.startswith("LOOKALIKE_")]:
        del os.environ[name]
