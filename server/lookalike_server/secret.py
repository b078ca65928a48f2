"""A secret that was given as it is, or as the file that holds it."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from lookalike_server.settings import SettingsError
from lookalike_tools.untrusted import quoted

_LONGEST = 64 * 1024
"""Bytes. Keys and tokens are far shorter; a file this large is some other file."""


@dataclass(frozen=True)
class Secret:
    """Exactly one of ``value`` and ``file``; ``where`` names the setting, as messages do."""

    where: str
    value: SecretStr | None = None
    file: Path | None = None

    def read(self) -> str:
        """The secret as it is now, without line breaks at its end.

        Raises:
            SettingsError: a file that is missing, empty, too large, unreadable or no text.
        """
        if self.file is None:
            assert self.value is not None  # noqa: S101 — one of the two
            return self.value.get_secret_value()
        shown = f"{self.where}: the file {quoted(str(self.file))}"
        try:
            with self.file.open("rb") as opened:
                content = opened.read(_LONGEST + 1)
            text = content.decode("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            raise SettingsError(f"{shown} cannot be read ({error.strerror}). Correct the path or its rights.") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{shown} is not text. Put the secret into it, and nothing else.") from None
        if not text or len(content) > _LONGEST:
            state = "is empty" if not text else "is too large to be a secret"
            raise SettingsError(f"{shown} {state}. Put the secret into it, and nothing else.")
        return text


def read_by_others(file: Path) -> bool:
    """Whether other users of this machine may read ``file``; False where that cannot be told."""
    if os.name != "posix":
        return False
    try:
        return bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False
