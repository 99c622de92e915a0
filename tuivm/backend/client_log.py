"""Has libvirt's client log to a file: libvirt reads its variables when it is first imported."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_state_path

from tuivm.core.clientlog import LIMIT, OUTPUTS, ClientLog, is_wanted, variables
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

KEPT = 4
"""Files of earlier runs that are kept."""
LOOK_SECONDS = 2.0
"""Between two looks at the file's size."""
_NAME = re.compile(r"libvirt-client-\d{8}-\d{6}-\d+\.log")


def hush() -> None:
    """Import libvirt without the warnings that it writes to standard error by itself.

    What fails is told in the program's own words there. Does nothing where the user has
    chosen a log, and when libvirt is in use already.
    """
    if is_wanted(os.environ) or "libvirt" in sys.modules:
        return
    os.environ[OUTPUTS] = f"4:file:{os.devnull}"
    try:
        import libvirt  # noqa: F401 - it opens its log now
    finally:
        # Programs that are run from here have their own ways.
        del os.environ[OUTPUTS]


def begin(*, asked: bool, folder: Path | None = None) -> ClientLog:
    """Import libvirt with its log on, if that is asked for here or in the environment.

    ``folder`` is where our file goes. Does not raise: what cannot be done is the value's
    ``reason``. Must come before anything that imports libvirt.
    """
    outer = os.environ
    chosen = is_wanted(outer)
    if not (asked or chosen):
        return ClientLog()
    if "libvirt" in sys.modules:
        return ClientLog(reason="libvirt reads its variables once, and is in use already")
    given = outer.get(OUTPUTS, "")
    path = Path()
    if not given:
        try:
            path = _new_file(folder or user_state_path("tuivm"))
        except OSError as error:
            return ClientLog(reason=sanitise(f"{error.strerror or error}: {error.filename}"))
    added = variables(outer, _word(path))
    outer.update(added)
    try:
        with _first_words(None if given else path):
            import libvirt  # noqa: F401 - it opens its log now
    finally:
        # Programs that are run from here have their own ways.
        for name in added:
            outer.pop(name, None)
    if given:
        return ClientLog(on=True, where=sanitise(given, 400), chosen=True)
    threading.Thread(target=_watch, args=(path,), name="tuivm-client-log", daemon=True).start()
    return ClientLog(on=True, where=str(path), ours=True, chosen=chosen)


def _new_file(folder: Path) -> Path:
    """Make an empty file for its user alone, and drop those of long ago."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = sorted(name for name in os.listdir(folder) if _NAME.fullmatch(name))
    for name in old[: -KEPT or None]:
        for one in (folder / name, folder / f"{name}.1"):
            one.unlink(missing_ok=True)
    path = folder / f"libvirt-client-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return path


def _word(path: Path) -> str:
    """The path as one word: libvirt splits its outputs at spaces."""
    if re.search(r"\s", str(path)) is None:
        return str(path)
    # Stays open: libvirt opens it by this name.
    return f"/proc/self/fd/{os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)}"


@contextlib.contextmanager
def _first_words(path: Path | None) -> Iterator[None]:
    """Keep off the terminal what libvirt prints until it has read where to log."""
    if path is None:
        yield
        return
    kept = os.dup(2)
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    os.dup2(log, 2)
    os.close(log)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _watch(path: Path) -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            trim(path)
        except OSError as error:
            logger.warning("cannot keep %s small: %s", path, error)
            return


def trim(path: Path, limit: int = LIMIT) -> bool:
    """Set a large log aside as ``NAME.1`` and let it begin anew; True when that was done.

    libvirt keeps the file open and appends: so it is copied and emptied, not renamed. Lines
    written between the two are lost. Raises ``OSError``.
    """
    if path.stat().st_size < limit:
        return False
    aside = path.with_name(f"{path.name}.1")
    aside.unlink(missing_ok=True)
    made = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(made, "wb") as to, open(path, "rb") as log:
        shutil.copyfileobj(log, to, 1 << 20)
    os.truncate(path, 0)
    return True
