"""What a domain may be called."""

from __future__ import annotations

from tuivm.core.text import REPLACEMENT, sanitise

LONGEST = 247
"""Bytes of UTF-8: libvirt writes NAME.xml.new, and a file's name has 255."""


def wrong_name(name: str) -> str:
    """Say why a domain cannot, or must not, be called so; empty where it can.

    Stricter than libvirt, whose QEMU driver takes a line break, and on ``..`` empties a
    folder that is not its own (seen with 9.0).
    """
    if not name.strip():
        return "a name is missing"
    if name != name.strip():
        return "a name cannot begin or end with a blank"
    if name in (".", ".."):
        return f"{name} is the name of a folder, for libvirt keeps files by this name"
    if "/" in name:
        return "a name cannot hold a /: libvirt keeps files by this name"
    if REPLACEMENT in name or sanitise(name, len(name)) != name:
        return "the name holds a character that does not show; type it afresh"
    if len(name.encode("utf-8", "replace")) > LONGEST:
        return f"the name is too long: libvirt takes {LONGEST} bytes"
    return ""
