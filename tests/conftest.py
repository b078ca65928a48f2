"""What every test may rely on."""

import os
from collections.abc import Iterator

import pytest
import stamina
from hypothesis import settings

# The same cases every time in make test, fresh ones and more of them in make test-slow; no time limits anywhere.
settings.register_profile("sample", derandomize=True, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("sample")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The server and its libraries run on asyncio."""
    return "asyncio"


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """What is asked again is asked again at once, and as often as ever."""
    with stamina.set_testing(testing=True, attempts=100, cap=True):
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A developer's own LOOKALIKE_* variables and configuration file must not reach the servers under test."""
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("no-configuration"))
    for name in [name for name in os.environ if name.startswith("LOOKALIKE_")]:
        del os.environ[name]
