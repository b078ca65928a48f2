"""A secret that was given as it is, or as the file that holds it."""

import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import SecretStr

from lookalike_server.settings import SettingsError
from lookalike_tools.untrusted import quoted

_LONGEST = 64 * 1024
"""Bytes. Keys and tokens are far shorter; a file this large is some other file."""


@dataclass(frozen=True)
class Secret:
    """Exactly one of ``value`` and ``file``; ``where`` names the variable or key that is set, as messages do.

    No message shows ``file``: it may be a secret that was pasted where its file should have been named.
    """

    where: str
    value: SecretStr | None = None
    file: Path | None = None

    def read(self) -> str:
        """The secret, without line breaks at its end.

        Raises:
            SettingsError: a file that is missing, empty, too large, unreadable or no text.
        """
        return self._kept.get_secret_value()

    @cached_property
    def _kept(self) -> SecretStr:
        """Kept, because a pipe gives what is in it only once."""
        if self.file is None:
            assert self.value is not None  # noqa: S101 — one of the two
            return self.value
        shown = f"{self.where}: the file"
        try:
            with self.file.open("rb") as opened:
                content = opened.read(_LONGEST + 1)
            text = content.decode("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            todo = "Give the path of a file that holds the secret, or change its rights"
            raise SettingsError(f"{shown} cannot be read ({error.strerror}). {todo}.") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{shown} is not text. Put the secret into it, and nothing else.") from None
        if not text or len(content) > _LONGEST:
            state = "is empty" if not text else "is too large to be a secret"
            raise SettingsError(f"{shown} {state}. Put the secret into it, and nothing else.")
        return SecretStr(text)


def shown_path(file: Path) -> str:
    """The path where a file is there; any other may be a secret."""
    # os.path, because pathlib raises for a name that is too long to be one.
    is_there = os.path.exists(file)  # noqa: PTH110 — see above
    return quoted(str(file)) if is_there else "names no file that is there, not shown"


def read_by_others(file: Path) -> bool:
    """Whether the rights of ``file`` let other users read it; False where rights are no bits."""
    if os.name != "posix":
        return False
    try:
        return bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False
