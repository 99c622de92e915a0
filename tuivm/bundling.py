"""``tuivm bundle``: all that a bug report needs in one file, without the terminal program."""

from __future__ import annotations

import sys
from pathlib import Path

from tuivm.core import files
from tuivm.core.api import Backend
from tuivm.core.clientlog import ClientLog
from tuivm.core.commands import resolve
from tuivm.core.errors import TuivmError
from tuivm.core.journal import Journal, entries_text, journal_path, of_host
from tuivm.core.model import DomainKey
from tuivm.core.support import ENDING, BundleOrder
from tuivm.core.text import bytes_text, sanitise
from tuivm.core.words import Word
from tuivm.listing import Listing

SECONDS = 300.0
"""How long all of it may take; each part has its own limit."""


def run_bundle(backend: Backend, domain: str, output: Path | None, log: ClientLog) -> int:
    """Connect, collect and write; prints the file's path. Returns the exit code.

    ``domain`` is a name or UUID, empty for a bundle about the first host. Raises
    ``TuivmError`` where the VM is not there, or the file cannot be written.
    """
    listing = Listing(backend)
    try:
        listing.collect(wait_rates=False)
        key = _find(listing, domain) if domain else None
        host = key.host if key is not None else next(iter(listing.store.hosts), "")
        name = listing.store.rows[key].domain.name if key is not None else ""
        order = BundleOrder(host, key, name, _events(host, key), log.path)
        path = output or files.save_folder() / files.file_name(name or host, ENDING)
        if not path.name.endswith(ENDING):
            raise TuivmError("Cannot write the bundle", f"the name has to end in {ENDING}")
        made = backend.support.bundle(order, path.absolute(), _report).result(SECONDS)
    finally:
        backend.stop(1.0)
    for text in made.missing:
        print(f"tuivm: not in it: {text}", file=sys.stderr)
    print(f"tuivm: {len(made.parts)} files, {bytes_text(made.size)}", file=sys.stderr)
    print(made.path, flush=True)
    return 0


def _find(listing: Listing, domain: str) -> DomainKey:
    # As it stands: a name is no pattern here.
    word = Word(domain, 0, len(domain), quoted=True, closed=True)
    try:
        return resolve([word], listing.store.rows)[0]
    except TuivmError as error:
        error.hint = error.hint.replace("tab lists", "`tuivm list` prints")
        lost = [status for status in listing.store.hosts.values() if status.error is not None]
        if lost:
            error.message += f"; {lost[0].id} cannot be listed: {lost[0].error}"
        raise


def _events(host: str, key: DomainKey | None) -> str:
    try:
        return entries_text(of_host(Journal(journal_path()).read(), host, key))
    except OSError as error:
        return f"cannot be read: {sanitise(error.strerror or str(error))}\n"


def _report(what: str) -> None:
    if sys.stderr.isatty():
        print(f"tuivm: reading {what}", file=sys.stderr)
