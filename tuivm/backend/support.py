"""What helps to find a fault: daemons' logs and bundles, on threads of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from tuivm.backend import admin, errors
from tuivm.backend.host import Host
from tuivm.backend.log import read_tail
from tuivm.core.daemonlog import AdminDoor, DaemonLogs, Setting
from tuivm.core.errors import TuivmError
from tuivm.core.support import Bundle, BundleOrder
from tuivm.core.text import sanitise

T = TypeVar("T")


class HostSupport:
    """Implements ``core.support.Support`` over a fleet's hosts."""

    def __init__(self, find: Callable[[str], Host | None], *, readonly: bool) -> None:
        """``find`` gives the host of an id: they come and go while the program runs."""
        self._find = find
        self._readonly = readonly
        self._found: dict[str, dict[Setting, str]] = {}
        """The settings of each host's daemon as they were first read."""

    def read_file(self, path: str) -> Future[str]:
        """Read the end of a log file of this machine, sanitised."""
        return in_thread(lambda: read_tail(Path(path)), "Cannot read the log")

    def daemons(self, host: str) -> Future[tuple[AdminDoor, ...]]:
        """Find the daemons of a host that can be asked, the one behind its URI first."""

        def look() -> tuple[AdminDoor, ...]:
            return tuple(AdminDoor(one.daemon, one.reason) for one in admin.doors(self._uri(host)))

        return in_thread(look, "Cannot ask libvirt's daemon")

    def daemon_logs(self, host: str, daemon: str) -> Future[DaemonLogs]:
        """Read how one of a host's daemons logs, and who is connected to it."""

        def read() -> DaemonLogs:
            where = admin.door(self._uri(host), daemon)
            return admin.read(where, self._found.setdefault(where.uri, {}))

        return in_thread(read, "Cannot ask libvirt's daemon")

    def set_daemon_log(self, host: str, daemon: str, what: Setting, value: str) -> Future[None]:
        """Set filters or outputs of a host's daemon."""

        def write() -> None:
            if self._readonly or self._is_readonly(host):
                raise errors.read_only(f"Cannot set the {what} of a daemon's log")
            admin.write(admin.door(self._uri(host), daemon), what, value)

        return in_thread(write, f"Cannot set the {what} of a daemon's log")

    def bundle(
        self,
        order: BundleOrder,
        path: Path,
        report: Callable[[str], None],
        *,
        replace: bool = False,
    ) -> Future[Bundle]:
        """Collect what a bug report needs and write it."""
        from tuivm.backend.bundle import write_bundle

        host = self._find(order.host)
        return in_thread(
            lambda: write_bundle(order, host, path, report, replace=replace),
            "Cannot make the bundle",
        )

    def _is_readonly(self, host: str) -> bool:
        found = self._find(host)
        return found is not None and found.status.readonly

    def _uri(self, host: str) -> str:
        found = self._find(host)
        if found is None:
            raise TuivmError("No such host", sanitise(host, 80))
        return found.uri


def in_thread(work: Callable[[], T], title: str) -> Future[T]:
    """Run something that blocks on a daemon thread; the future fails with ``TuivmError``."""
    future: Future[T] = Future()
    # Whoever waits may stop waiting; what was begun is done all the same.
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(errors.convert(error, title=title))

    threading.Thread(target=run, name="tuivm-support", daemon=True).start()
    return future
