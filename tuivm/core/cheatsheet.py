"""The cheat sheet: every key and command, printed from the registry."""

from __future__ import annotations

from collections.abc import Iterable

from tuivm.core.action import Action
from tuivm.core.actions import ACTIONS
from tuivm.core.fields import FIELDS
from tuivm.core.keymap import Keymap
from tuivm.core.logfilter import LOG_FIELDS
from tuivm.core.text import fit
from tuivm.core.verbs import COMMANDS

_LEVELS = {0: "", 1: "asks y/N", 2: "asks in a dialog", 3: "asks for the name"}


def groups() -> dict[str, list[Action]]:
    """Return the registry's actions under their headings, in order."""
    found: dict[str, list[Action]] = {}
    for action in ACTIONS.values():
        found.setdefault(action.group, []).append(action)
    return found


def command_of(action: Action) -> str:
    """Return the ``:`` command that does an action, with its option; empty when none does."""
    for command in COMMANDS.values():
        if command.action_id == action.id:
            return f":{command.name}"
        for option in command.options:
            if option.action_id == action.id:
                return f":{command.name} --{option.name}"
    return ""


def _note(action: Action) -> str:
    level = _LEVELS[action.level]
    return f"{action.help} ({level})" if level else action.help


def plain(keymap: Keymap) -> str:
    """Write the sheet for a terminal; in brackets the names for the configuration's ``[keys]``."""
    lines: list[str] = []
    for group, actions in groups().items():
        lines += ["", group]
        for action in actions:
            lines.append(
                f"  {fit(keymap.labels(action.id), 13)} {fit(command_of(action), 20)} "
                f"{fit(action.title, 22)} {_note(action)} [{action.id}]"
            )
    lines += ["", "Filter"]
    lines += [f"  {fit(name, 14)} {field.help}" for name, field in FIELDS.items()]
    lines += ["", "Filter of the event log"]
    lines += [f"  {fit(name, 14)} {field.help}" for name, field in LOG_FIELDS.items()]
    lines += [_clash(*clash) for clash in keymap.clashes]
    return "\n".join(line.rstrip() for line in lines[1:])


def _clash(key: str, scope: str, actions: Iterable[str]) -> str:
    return f"\nTwo actions want {key} ({scope}): {', '.join(actions)}; the first has it."


def markdown(keymap: Keymap) -> str:
    """Write the sheet as Markdown tables, for the documentation."""
    lines: list[str] = []
    for group, actions in groups().items():
        lines += ["", f"## {group}", ""]
        lines += ["| key | command | what | name in `[keys]` |", "|---|---|---|---|"]
        for action in actions:
            keys = " ".join(_code(key) for key in keymap.labels(action.id).split())
            command = command_of(action)
            shown = _code(command) if command else ""
            what = f"**{action.title}**: {_note(action)}"
            lines.append(f"| {keys} | {shown} | {what} | {_code(action.id)} |")
    lines += ["", "## Filter", "", "| field | what |", "|---|---|"]
    lines += [f"| {_code(name)} | {field.help} |" for name, field in FIELDS.items()]
    lines += ["", "## Filter of the event log", "", "| field | what |", "|---|---|"]
    lines += [f"| {_code(name)} | {field.help} |" for name, field in LOG_FIELDS.items()]
    return "\n".join(lines[1:])


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")
