"""What the command line decided about opening the program on the terminal."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from tuivm.core.clientlog import ClientLog
from tuivm.core.config import Config


class Origin(StrEnum):
    """Who decided which hosts are opened."""

    NAMED = "named"
    """The command line."""
    LIBVIRT = "libvirt"
    """libvirt's own settings: an environment variable, or ``uri_default``."""
    CONFIG = "config"
    """The configuration file."""
    FOUND = "found"
    """Nobody: they are what answers on this machine."""


class Launch(NamedTuple):
    """``cli`` fills it in, ``app.run`` carries it out."""

    uris: tuple[str, ...] = ()
    """Connections to open, in the order of the host list."""
    named: tuple[str, ...] = ()
    """Those of them that were named on the command line: they may ask for passwords."""
    origin: Origin = Origin.NAMED
    """Who decided on the connections."""
    demo: bool = False
    """Also open the embedded fleet."""
    readonly: bool = False
    filter: str = ""
    """The filter with which the list opens; empty takes the configuration's."""
    view: str = ""
    """The saved view with which the list opens; empty takes the configuration's."""
    ascii: bool = False
    low_bandwidth: bool = False
    theme: str = ""
    """A theme's name; empty takes the configuration's, or follows the terminal."""
    config: Config = Config()
    log_file: Path = Path("tuivm.log")
    """Where tracebacks and stray output of libraries go."""
    banner: str = ""
    """One line that explains how we got here, or empty."""
    debug: bool = False
    client_log: ClientLog = ClientLog()
    """How libvirt's client logs."""
