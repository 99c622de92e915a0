"""The ``tuivm`` command: reads the command line and opens what it asks for.

Nothing heavy is imported before it is needed: ``--help``, ``keys``, ``list`` and ``check``
never load Textual. Exit codes: 0, 1 for a failure, 2 for a wrong command line or configuration;
errors go to standard error with their cause and the next step.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tuivm.core.clientlog import ClientLog, is_wanted
from tuivm.core.errors import TuivmError
from tuivm.grammar import build_parser

if TYPE_CHECKING:
    from tuivm.core.config import Config
    from tuivm.core.savedview import SavedView

INTERRUPTED = 130
"""128 + SIGINT, as a shell has it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        return _run(args, parser)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; a second complaint at exit must not follow.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except TuivmError as error:
        if args.debug:
            raise
        from tuivm.exits import report

        return report(error)


def _run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    for name, default in (("ascii", False), ("debug", False), ("demo", False), ("config", None)):
        args.__dict__.setdefault(name, default)
    from tuivm.core.config import load

    config = load(args.config)
    args.ascii = args.ascii or config.ascii or not _draws_unicode()
    client_log = _client_log(args)
    match args.command:
        case "keys":
            return _keys(args, config)
        case "list":
            return _list(args, config, parser)
        case "console":
            return _console(args, config, parser)
        case "check":
            return _check(args, config)
        case "bundle":
            return _bundle(args, config, client_log)
        case _:
            return _open(args, config, client_log)


def _client_log(args: argparse.Namespace) -> ClientLog:
    """Turn libvirt's client log on, where it is wanted, before anything imports libvirt."""
    screen = not args.command
    if args.command == "keys" or not (args.debug or (screen and is_wanted(os.environ))):
        if args.command in ("list", "check", "console"):
            from tuivm.backend.client_log import hush

            hush()
        return ClientLog()
    from tuivm.backend.client_log import begin

    log = begin(asked=args.debug)
    if not screen:
        told = f"is in {log.where}" if log.on else f"is off: {log.reason}"
        print(f"tuivm: libvirt's client log {told}", file=sys.stderr)
    return log


def _draws_unicode() -> bool:
    """Tell whether the locale can write the signs; what cannot be written must not crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    return (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"


def _explicit(args: argparse.Namespace) -> list[str]:
    return [*getattr(args, "connect", ()), *getattr(args, "connect_after", ())]


def _uris(args: argparse.Namespace, config: Config) -> list[str]:
    """Return the connections to open; none when only the demo was asked for."""
    explicit = _explicit(args)
    if args.demo and not explicit:
        return []
    from tuivm.backend.defaults import default_uris

    return default_uris(explicit, config.uris)


NO_DAEMON = "no libvirt daemon answers on this machine"


def _keys(args: argparse.Namespace, config: Config) -> int:
    from tuivm.core import cheatsheet
    from tuivm.core.keymap import Keymap

    keymap = Keymap.load(config)
    print(cheatsheet.markdown(keymap) if args.markdown else cheatsheet.plain(keymap), flush=True)
    return 0


def _list(args: argparse.Namespace, config: Config, parser: argparse.ArgumentParser) -> int:
    from tuivm.core.export import column_ids, sort_order
    from tuivm.core.query import parse
    from tuivm.listing import ListOptions, run_list

    query = " ".join(args.query)
    parse(query)
    if args.json and args.columns:
        parser.error("--columns goes with --csv or with the table; --json has all that is known")
    try:
        columns = column_ids(args.columns) if args.columns else ()
        sort = sort_order(args.sort) if args.sort else None
    except TuivmError as error:
        parser.error(str(error))
    base = _saved_view(args.view_of_list or args.view)
    every = config.uris if args.all_hosts else ()
    uris = list(dict.fromkeys((*_explicit(args), *every))) or _uris(args, config)
    if not uris and not args.demo:
        raise TuivmError(
            "Nothing to list",
            NO_DAEMON,
            hint="name a connection with -c URI, start libvirtd, or try --demo",
        )
    from tuivm.opening import open_fleet

    width = os.get_terminal_size(1).columns if sys.stdout.isatty() else None
    options = ListOptions(query, args.json, args.csv, columns, sort, args.ascii, width, base)
    named = (*_explicit(args), *every)
    fleet = open_fleet(uris, config, readonly=True, demo=args.demo, named=named)
    return run_list(fleet, options)


def _saved_view(name: str) -> SavedView | None:
    """Return a saved view with its columns filled in; None for no name."""
    if not name:
        return None
    from tuivm.core.query import parse
    from tuivm.core.views import Views

    views = Views()
    if views.problem is not None:
        print(f"tuivm: {views.problem}", file=sys.stderr)
    found = views.find(name)
    parse(found.filter)
    return found._replace(columns=views.arrangement(found))


def _check(args: argparse.Namespace, config: Config) -> int:
    from tuivm.checking import run_check

    return run_check(_uris(args, config), named=bool(_explicit(args)), json=args.json)


def _bundle(args: argparse.Namespace, config: Config, client_log: ClientLog) -> int:
    uris = _uris(args, config)
    if not uris and not args.demo:
        from tuivm.checking import usual_uris

        # That nothing answers is what the report will be about.
        uris = list(usual_uris())
    from tuivm.bundling import run_bundle
    from tuivm.opening import open_fleet

    fleet = open_fleet(uris, config, readonly=True, demo=args.demo)
    return run_bundle(fleet, args.domain, args.output, client_log)


def _console(args: argparse.Namespace, config: Config, parser: argparse.ArgumentParser) -> int:
    uris = _uris(args, config)
    if len(_explicit(args)) > 1:
        parser.error("console takes one -c URI")
    if not uris and not args.demo:
        raise TuivmError(
            "No console", NO_DAEMON, hint="name a connection with -c URI, or start libvirtd"
        )
    from tuivm.backend import passthrough
    from tuivm.core.keymap import Keymap

    leave = Keymap.load(config).keys_for("console.leave")
    return int(passthrough.run(uris, args.domain, force=args.force, demo=args.demo, leave=leave))


def _open(args: argparse.Namespace, config: Config, client_log: ClientLog) -> int:
    from tuivm.core.launch import Launch, Origin

    if args.filter:
        from tuivm.core.query import parse

        parse(args.filter)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise TuivmError(
            "Cannot open the screen",
            "standard input and output are not a terminal",
            hint="`tuivm list` prints the VMs; over ssh use ssh -t",
        )
    from tuivm.backend.defaults import decide

    named = _explicit(args)
    only_demo = args.demo and not named
    uris, origin = ([], Origin.NAMED) if only_demo else decide(named, config.uris)
    nothing = not uris and not args.demo
    launch = Launch(
        uris=tuple(uris),
        named=tuple(named),
        origin=origin,
        demo=args.demo or nothing,
        readonly=args.readonly or config.readonly,
        filter=args.filter,
        view=args.view,
        ascii=args.ascii,
        low_bandwidth=args.low_bandwidth or config.low_bandwidth,
        theme=args.theme,
        config=config,
        log_file=args.log_file or default_log(),
        banner=f"{NO_DAEMON}: this is the embedded demo fleet" if nothing else "",
        debug=args.debug,
        client_log=client_log,
    )
    # Garbage collection costs a tenth of the start, imports included; the app turns it on.
    gc.disable()
    try:
        from tuivm.opening import run

        return run(launch)
    finally:
        gc.enable()


def default_log() -> Path:
    """Return where tracebacks go when nothing else is said: the user's state folder."""
    from platformdirs import user_state_path

    return user_state_path("tuivm") / "tuivm.log"
