"""The command line's grammar: what ``tuivm`` and its commands take, and their help."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuivm import __version__

_EPILOG = """\
examples:
  tuivm                                   what answers on this machine
  tuivm -c qemu+ssh://root@kv1/system     a host over SSH; -c may be repeated
  tuivm --demo                            an example fleet that is safe to play with
  tuivm list 'state:running mem>4G'       VMs on standard output
  tuivm console web-01                    this terminal becomes its serial console
  tuivm check                             can this machine run VMs, and what is missing
"""

CONSOLE_HELP = """\
This terminal becomes a VM's serial console, byte by byte.

ctrl+] or ctrl+5 leaves, or what console.leave in the configuration names if a terminal
sends a single control character for it (ctrl+a to ctrl+z, ctrl+\\, ctrl+^, ctrl+_); it
is said at the start. What was typed before it is still sent.

Standard input and output may be pipes. The end of the input does not end the console:
output goes on until the guest stops or it is left or killed, so that
    tuivm console web </dev/null | tee boot.log
keeps all that the guest prints. `timeout 60 tuivm console ...` ends it by the clock.

Exit codes: 0 left, or the guest stopped; 1 cannot attach, taken over, or broken;
128 + N ended by signal N."""


CHECK_HELP = """\
Looks at this machine (processor, KVM, QEMU, daemons, sockets, listeners, networks, disk,
clock) and at the connection: what it can run, its networks and storage pools. Of other
machines only the connection is seen. Nothing is changed.

Exit codes: 0 fine, warnings included; 1 a problem; 2 a wrong command line."""


LIST_HELP = """\
Prints the VMs of the hosts that `tuivm` opens. Standard output has nothing but VMs; hosts
that failed, and those that were not asked as their autoconnect is false, are named on
standard error.

Exit codes: 0; 1 when a host could not be listed, or none was asked; 2 a wrong command line."""


BUNDLE_HELP = """\
Versions, the VM's definition and log, the host check, events, libvirt's client log (with
--debug); a README in it lists all of it, and what is missing. Without a DOMAIN it is about
the host. Prints the file's path; only you can read it, and nothing is sent anywhere."""


def build_parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument(
        "--ascii", action="store_true", help="draw with ASCII alone, for plain terminals"
    )
    common.add_argument("--config", metavar="FILE", type=Path, help="read this configuration")
    common.add_argument(
        "--debug",
        action="store_true",
        help="tracebacks of errors; libvirt's client log to a file, which is told",
    )
    connect = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    connect.add_argument(
        "-c", "--connect", metavar="URI", action="append", help="a libvirt connection"
    )
    connect.add_argument("--demo", action="store_true", help="the embedded example fleet")
    parser = argparse.ArgumentParser(
        prog="tuivm",
        description="Virtual machines from the keyboard, over SSH, on libvirt.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[connect, common],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tuivm {__version__}")
    parser.add_argument("--readonly", action="store_true", help="refuse all that changes something")
    parser.add_argument("--filter", metavar="QUERY", default="", help="open the list filtered")
    parser.add_argument(
        "--view", metavar="NAME", default="", help="open the list as this saved view"
    )
    parser.add_argument("--theme", metavar="NAME", default="", help="a theme's name")
    parser.add_argument(
        "--low-bandwidth",
        action="store_true",
        help="for slow lines: numbers every 5 s, no sparklines, no animation",
    )
    parser.add_argument("--log-file", metavar="FILE", type=Path, help="where tracebacks go")
    _add_commands(parser, common)
    parser.set_defaults(command="")
    return parser


def _add_commands(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    _fill_list(
        commands.add_parser(
            "list",
            parents=[common],
            help="print the VMs, one a line",
            description=LIST_HELP,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
    )
    consoles = commands.add_parser(
        "console",
        parents=[common],
        help="turn this terminal into a VM's serial console; ctrl+] leaves",
        description=CONSOLE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _take_connection(consoles, demo=True)
    consoles.add_argument("--force", action="store_true", help="take it from whoever has it")
    consoles.add_argument(
        "domain", metavar="DOMAIN", help="name or UUID; after -- if it begins with -"
    )
    consoles.set_defaults(command="console")
    checks = commands.add_parser(
        "check",
        parents=[common],
        help="say whether the host can run VMs, what is missing and how to get it",
        description=CHECK_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _take_connection(checks, demo=False)
    checks.add_argument("--json", action="store_true", help="a JSON object with every finding")
    checks.set_defaults(command="check")
    _fill_bundle(
        commands.add_parser(
            "bundle",
            parents=[common],
            help="write all that a bug report needs to one file, without secrets",
            description=BUNDLE_HELP,
            allow_abbrev=False,
        )
    )
    keys = commands.add_parser(
        "keys", parents=[common], help="print the cheat sheet", allow_abbrev=False
    )
    keys.add_argument("--markdown", action="store_true", help="as Markdown tables")
    keys.set_defaults(command="keys")


def _fill_bundle(bundles: argparse.ArgumentParser) -> None:
    _take_connection(bundles, demo=True)
    bundles.add_argument("-o", "--output", metavar="FILE", type=Path, help="a name in .tar.gz")
    bundles.add_argument("domain", metavar="DOMAIN", nargs="?", default="", help="name or UUID")
    bundles.set_defaults(command="bundle")


def _fill_list(lists: argparse.ArgumentParser) -> None:
    _take_connection(lists, demo=True)
    lists.add_argument(
        "--all-hosts",
        action="store_true",
        help="every host of the configuration, those with autoconnect = false too",
    )
    form = lists.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON array with all that is known")
    form.add_argument("--csv", action="store_true", help="CSV with a header, for a spreadsheet")
    lists.add_argument(
        "--columns", metavar="IDS", default="", help="these, in this order: name,host,state,mem"
    )
    lists.add_argument("--sort", metavar="COLUMN", default="", help="by a column: mem, name:desc")
    lists.add_argument(
        "--view",
        metavar="NAME",
        dest="view_of_list",
        default="",
        help="as this saved view: its filter, order and columns; the table is grouped as it is,"
        " --json and --csv are not",
    )
    lists.add_argument("query", nargs="*", metavar="QUERY", help="as the / filter: state:running")
    lists.set_defaults(command="list")


def _take_connection(command: argparse.ArgumentParser, *, demo: bool) -> None:
    # An option after the command must not wipe out the same one before it: the parents
    # leave no defaults behind, and ``_uris`` puts both lists together.
    command.add_argument(
        "-c",
        "--connect",
        metavar="URI",
        action="append",
        dest="connect_after",
        default=argparse.SUPPRESS,
        help="a libvirt connection",
    )
    if demo:
        command.add_argument(
            "--demo",
            action="store_true",
            default=argparse.SUPPRESS,
            help="the embedded example fleet",
        )
