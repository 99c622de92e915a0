"""Files of the user's own: names for them, and writing them so that nobody else can read them."""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path

from platformdirs import user_downloads_path, user_state_path

from tuivm.core.text import sanitise


def file_name(name: str, ending: str, at: float | None = None) -> str:
    """A file's name for something of a VM at a time: ``web-01-20260130-175959.txt``."""
    plain = re.sub(r"[^\w.+-]+", "_", name).strip("._-")[:80] or "vm"
    return f"{plain}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(at))}{ending}"


def save_folder() -> Path:
    """Where to save by default: here, or where one may write: downloads, or our own state."""
    here = Path.cwd()
    for folder in (here, user_downloads_path()):
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return user_state_path("tuivm")


def recordings_folder() -> Path:
    """``$XDG_STATE_HOME/tuivm/recordings``."""
    return user_state_path("tuivm") / "recordings"


def full_path(text: str) -> Path:
    """What somebody typed as a path; ``~`` is their home, what is relative is from here."""
    return Path(os.path.expanduser(text.strip())).absolute()


def exists(path: Path) -> bool:
    """Whether something has this path; a name that no file can have is no error here."""
    return os.path.exists(path)


def short_path(path: Path, width: int = 40) -> str:
    """A path for a line of text: ``~`` for the home, without its beginning where it is long."""
    text = str(path)
    home = os.path.expanduser("~")
    if text.startswith(home + os.sep):
        text = "~" + text[len(home) :]
    text = sanitise(text)
    return text if len(text) <= width else "…" + text[1 - width :]


def make_folder(path: Path) -> None:
    """Make the folder of a file, for the user alone where it is new. Raises ``OSError``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def save_text(path: Path, text: str, *, replace: bool = False) -> int:
    """Write a text as ``save_bytes`` does."""
    return save_bytes(path, text.encode("utf-8", "replace"), replace=replace)


def save_bytes(path: Path, data: bytes, *, replace: bool = False) -> int:
    """Write a file that only the user can read; returns its bytes.

    Raises ``FileExistsError`` unless it may ``replace`` a file, and ``OSError``. Whoever
    reads it sees the old text or the new one, never a part.
    """
    make_folder(path)
    if path.exists() and not path.is_file():
        raise OSError(0, "it is not a regular file")
    if replace:
        descriptor, name = tempfile.mkstemp(prefix=".tuivm-", dir=path.parent)
    else:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor, name = os.open(path, flags, 0o600), str(path)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        if replace:
            os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
    return len(data)


def cannot(what: str, path: Path, error: OSError) -> str:
    """Why a file was not written, in a few words; ``what`` is a verb."""
    return f"cannot {what}: {sanitise(error.strerror or str(error))}: {sanitise(path.name, 60)}"
