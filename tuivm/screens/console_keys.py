"""Keys that only the host can press, and whose keyboard the console has: two small menus."""

from __future__ import annotations

from collections.abc import Sequence

from tuivm.core.terminal import Keyboard, Personality
from tuivm.screens.menu import Choice

SYSRQ = (
    ("s", "sync the disks"),
    ("u", "remount all disks read-only"),
    ("b", "reboot at once, without sync"),
    ("o", "power off at once"),
    ("e", "SIGTERM to all processes but init"),
    ("i", "SIGKILL to all processes but init"),
    ("f", "let the OOM killer run"),
    ("t", "list the tasks"),
    ("w", "list the tasks that are blocked"),
    ("m", "say how memory is used"),
    ("l", "show what all CPUs do"),
    ("c", "crash, for a dump"),
    ("k", "kill what is on this console"),
    ("r", "take the keyboard from raw mode"),
    ("h", "help, in the kernel's log"),
)
"""Letters of Linux's magic key, and what they do (its ``admin-guide/sysrq``)."""
HARMFUL = frozenset("uboeifck")
"""Letters that are asked about first."""
CTRL_ALT_DEL = "ctrl-alt-del"
ERASE = {b"": "as your terminal sends it", b"\x7f": "DEL (^?)", b"\x08": "^H"}
NAMES = {
    Personality.XTERM: "most guests; TERM=xterm-256color",
    Personality.VT220: "what a getty on a serial line assumes",
    Personality.LINUX: "the kernel's own console",
}


def sysrq_choices() -> Sequence[Choice]:
    """The magic key's letters."""
    return [Choice(letter, words, f"sysrq-{letter}") for letter, words in SYSRQ]


def keyboard_choices(keyboard: Keyboard) -> Sequence[Choice]:
    """Whose function keys are sent, and what Backspace sends."""
    lines = [
        Choice(
            kind.value[0],
            f"keys of {kind.value}",
            f"keys:{kind.value}",
            detail=NAMES[kind] + ("  (now)" if keyboard.personality is kind else ""),
        )
        for kind in Personality
    ]
    for key, (erase, words) in zip("bdh", ERASE.items(), strict=True):
        now = "(now)" if keyboard.erase == erase else ""
        lines.append(Choice(key, f"Backspace {words}", f"erase:{erase.hex()}", detail=now))
    return lines


def changed(keyboard: Keyboard, value: str) -> Keyboard:
    """The keyboard after one of ``keyboard_choices`` was chosen."""
    what, _, how = value.partition(":")
    if what == "keys":
        return keyboard._replace(personality=Personality(how))
    return keyboard._replace(erase=bytes.fromhex(how))


def names(preset: str) -> tuple[str, ...]:
    """A preset's keys as ``virsh send-key`` names them."""
    if preset.startswith("sysrq-"):
        return "KEY_LEFTALT", "KEY_SYSRQ", f"KEY_{preset[-1].upper()}"
    return "KEY_LEFTCTRL", "KEY_LEFTALT", "KEY_DELETE"
