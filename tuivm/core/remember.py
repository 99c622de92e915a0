"""What was entered last, offered next time: user names only, never passwords.

The file is ours alone and small; a broken or unwritable one is as good as none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_state_path

logger = logging.getLogger(__name__)

FILE_NAME = "users.json"
MOST = 500
"""User names that are kept, the newest."""
LONGEST = 64
"""Characters of a user name that is kept."""


class Remembered:
    """User names by what they are for: a domain's UUID, or a word. UI thread."""

    def __init__(self, path: Path | None = None) -> None:
        """``path``: the file; by default ``$XDG_STATE_HOME/tuivm/users.json``."""
        self._path = path
        self._users: dict[str, str] | None = None
        self.command = ""
        """The last command that was run on consoles; forgotten with the program."""

    @property
    def path(self) -> Path:
        """Where they are kept."""
        return self._path or user_state_path("tuivm") / FILE_NAME

    def user(self, what: str, default: str = "") -> str:
        """The name used last for something, else the one used last at all."""
        users = self._read()
        return users.get(what) or next(reversed(users.values()), default)

    def use(self, what: str, user: str) -> None:
        """Remember a name; a file that cannot be written costs nothing but the memory."""
        user = user.strip()
        if not user or len(user) > LONGEST:
            return
        users = self._read()
        if users.get(what) == user and next(reversed(users)) == what:
            return
        users.pop(what, None)
        users[what] = user
        while len(users) > MOST:
            del users[next(iter(users))]
        try:
            self._write(users)
        except OSError as error:
            logger.info("cannot remember user names: %s", error)

    def _read(self) -> dict[str, str]:
        if self._users is None:
            import json  # late, as below: a start needs neither

            try:
                self._users = _names(json.loads(self.path.read_bytes()))
            except (OSError, ValueError, RecursionError):
                self._users = {}
        return self._users

    def _write(self, users: Mapping[str, str]) -> None:
        import json

        from tuivm.core.files import save_text

        save_text(self.path, json.dumps(users, ensure_ascii=True), replace=True)


def _names(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        return {}
    return {
        what: user
        for what, user in raw.items()
        if isinstance(what, str)
        and isinstance(user, str)
        and 0 < len(user) <= LONGEST
        and user.isprintable()
    }
