"""A Python environment for each peer, made once below a folder outside the repository and used again."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_MARK: Final = ".installed"
_USUAL: Final = ("python3.11", "python3.12", "python3.13")


class NoEnvironmentError(Exception):
    """There is none, and this is why; it becomes the peer's row."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a peer is installed with."""

    name: str
    packages: tuple[str, ...]
    oldest: tuple[int, int] = (3, 11)
    newest: tuple[int, int] = (3, 13)


class Environments:
    """Those below one folder."""

    def __init__(self, folder: Path, interpreters: Iterable[str] = ()) -> None:
        """Interpreters are looked at in turn, then this one and the usual names."""
        self._folder = folder
        self._interpreters = (*interpreters, sys.executable, *_USUAL)

    def python_of(self, environment: Environment) -> str:
        """The environment's interpreter, installed now if need be. Raises `NoEnvironmentError`."""
        place = self._folder / environment.name
        python = place / "bin" / "python"
        mark = place / _MARK
        wanted = "\n".join(environment.packages)
        if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
            return str(python)
        interpreter = self._suitable(environment)
        print(f"installing {' '.join(environment.packages)} below {place}", file=sys.stderr)
        _run((interpreter, "-m", "venv", str(place)))
        _run((str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *environment.packages))
        mark.write_text(wanted, encoding="utf-8")
        return str(python)

    def _suitable(self, environment: Environment) -> str:
        for interpreter in self._interpreters:
            version = _version(interpreter)
            if version is not None and environment.oldest <= version <= environment.newest:
                return interpreter
        oldest = ".".join(map(str, environment.oldest))
        raise NoEnvironmentError(f"needs Python {oldest} or later, and none was found: name one with --python")


def _version(interpreter: str) -> tuple[int, int] | None:
    if which(interpreter) is None:
        return None
    said = subprocess.run(
        (interpreter, "-c", "import sys; print(*sys.version_info[:2])"), capture_output=True, text=True, check=False
    )
    if said.returncode != 0:
        return None
    major, minor = said.stdout.split()
    return int(major), int(minor)


def _run(command: tuple[str, ...]) -> None:
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        lines = [line for line in said.stderr.splitlines() if "ERROR" in line] or said.stderr.splitlines() or ["failed"]
        raise NoEnvironmentError(f"does not install: {lines[-1].strip()}")
