"""Keys and wheel notches as libghostty-vt encodes them.

What types a character is sent as it is; cursor, function and other named keys go through
the library's own encoder, which follows the guest's modes (application cursor keys, the
kitty protocol), unless another personality than xterm's is wanted.
"""

from __future__ import annotations

from typing import Any

from pyghostty import ffi, lib

from tuivm.core.keycodes import ALT, CTRL, SHIFT, Pressed, named, pressed, typed
from tuivm.core.terminal import Keyboard, Personality

MAX_KEY_BYTES = 128
MODIFIERS = ((SHIFT, 1), (CTRL, 2), (ALT, 4))
"""``GHOSTTY_MODS_*`` of each modifier."""
NAMED = {
    "up": "ARROW_UP",
    "down": "ARROW_DOWN",
    "left": "ARROW_LEFT",
    "right": "ARROW_RIGHT",
    "home": "HOME",
    "end": "END",
    "pageup": "PAGE_UP",
    "pagedown": "PAGE_DOWN",
    "insert": "INSERT",
    "delete": "DELETE",
    "enter": "ENTER",
    "tab": "TAB",
    "backspace": "BACKSPACE",
    "escape": "ESCAPE",
    "space": "SPACE",
    **{f"f{number}": f"F{number}" for number in range(1, 26)},
    **{letter: letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"},
    **{digit: f"DIGIT_{digit}" for digit in "0123456789"},
}


class KeyEncoder:
    """Encodes key presses for one terminal; not thread-safe."""

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        self._handles: list[tuple[Any, Any]] = []
        self._encoder = self._new("GhosttyKeyEncoder", "key_encoder")
        self._event = self._new("GhosttyKeyEvent", "key_event")
        self._mouse = self._new("GhosttyMouseEncoder", "mouse_encoder")
        self._mouse_event = self._new("GhosttyMouseEvent", "mouse_event")
        self._buffer = ffi.new("char[]", MAX_KEY_BYTES)
        self._written = ffi.new("size_t*")

    def _new(self, ctype: str, name: str) -> Any:
        handle = ffi.new(f"{ctype}*")
        if getattr(lib, f"ghostty_{name}_new")(ffi.NULL, handle):
            raise MemoryError(name)
        self._handles.append((getattr(lib, f"ghostty_{name}_free"), handle[0]))
        return handle[0]

    def close(self) -> None:
        """Free the native encoders; no other call may follow."""
        while self._handles:
            free, handle = self._handles.pop()
            free(handle)

    def encode(
        self, key: str, character: str | None, keyboard: Keyboard, *, application: bool
    ) -> bytes:
        """The bytes of a key press, named as Textual names it; empty when it has none."""
        press = pressed(key)
        name = NAMED.get(press.base)
        if name is not None and self._kitty():
            return self._native(name, press, character)
        data = typed(press, character, keyboard)
        if data is not None:
            return data
        if name is not None and keyboard.personality is Personality.XTERM:
            return self._native(name, press, character)
        return named(press, keyboard, application=application)

    def _kitty(self) -> bool:
        flags = ffi.new("uint8_t*")
        data = lib.GHOSTTY_TERMINAL_DATA_KITTY_KEYBOARD_FLAGS
        lib.ghostty_terminal_get(self._terminal, data, flags)
        return bool(flags[0])

    def _native(self, name: str, press: Pressed, character: str | None) -> bytes:
        base, held = press
        bits = sum(bit for ours, bit in MODIFIERS if held & ours)
        event = self._event
        lib.ghostty_key_event_set_action(event, lib.GHOSTTY_KEY_ACTION_PRESS)
        lib.ghostty_key_event_set_key(event, getattr(lib, f"GHOSTTY_KEY_{name}"))
        lib.ghostty_key_event_set_mods(event, bits)
        text = character if character is not None and character.isprintable() else ""
        raw = text.encode("utf-8", "replace")
        kept = ffi.new("char[]", raw)
        lib.ghostty_key_event_set_utf8(event, kept, len(raw))
        code = ord(base) if len(base) == 1 else 0x20 if base == "space" else 0
        lib.ghostty_key_event_set_unshifted_codepoint(event, code)
        lib.ghostty_key_encoder_setopt_from_terminal(self._encoder, self._terminal)
        failed = lib.ghostty_key_encoder_encode(
            self._encoder, event, self._buffer, MAX_KEY_BYTES, self._written
        )
        return b"" if failed else bytes(ffi.buffer(self._buffer, self._written[0]))

    def wheel(self, up: bool, x: int, y: int) -> bytes:
        """One notch of the wheel over a cell, in the mouse protocol that the guest chose."""
        event = self._mouse_event
        size = ffi.new("GhosttyMouseEncoderSize*")
        size.size = ffi.sizeof("GhosttyMouseEncoderSize")
        size.screen_width = size.screen_height = 1 << 15
        size.cell_width = size.cell_height = 1
        lib.ghostty_mouse_encoder_setopt_from_terminal(self._mouse, self._terminal)
        lib.ghostty_mouse_encoder_setopt(self._mouse, lib.GHOSTTY_MOUSE_ENCODER_OPT_SIZE, size)
        lib.ghostty_mouse_event_set_action(event, lib.GHOSTTY_MOUSE_ACTION_PRESS)
        button = lib.GHOSTTY_MOUSE_BUTTON_FOUR if up else lib.GHOSTTY_MOUSE_BUTTON_FIVE
        lib.ghostty_mouse_event_set_button(event, button)
        lib.ghostty_mouse_event_set_position(event, {"x": x + 0.5, "y": y + 0.5})
        failed = lib.ghostty_mouse_encoder_encode(
            self._mouse, event, self._buffer, MAX_KEY_BYTES, self._written
        )
        return b"" if failed else bytes(ffi.buffer(self._buffer, self._written[0]))
