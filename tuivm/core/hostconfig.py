"""What the configuration says of one host: its address and how it is shown."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from tuivm.core.errors import TuivmError
from tuivm.core.tags import LONGEST, is_tag
from tuivm.core.text import sanitise

COLOURS = ("red", "green", "yellow", "blue", "magenta", "cyan")
"""What ``colour`` may be: the terminal's own colours, so that they suit its background."""
NAME_LENGTH = 40
"""Characters of a host's name."""


class HostConfig(NamedTuple):
    """One ``[[hosts]]`` table."""

    uri: str
    """A libvirt connection URI."""
    name: str = ""
    """The short name on screen; empty takes it from the URI."""
    readonly: bool = False
    """True refuses every verb that changes something."""
    colour: str = ""
    """One of ``COLOURS`` for its name, or empty."""
    tags: tuple[str, ...] = ()
    """Its VMs are found by them, as by their own."""
    autoconnect: bool = True
    """False: it is connected only when somebody asks for it."""


def same_uri(one: str, other: str) -> bool:
    """Tell whether two URIs lead to the same connection: letter case of the host is no matter."""
    return _plain(one) == _plain(other)


def _plain(uri: str) -> tuple[str, ...]:
    uri = uri.strip()
    try:
        parts = urlsplit(uri)
        user, _, place = parts.netloc.rpartition("@")
    except ValueError:
        return (uri,)
    return (parts.scheme, user, place.lower(), parts.path, parts.query, parts.fragment)


def read_tags(text: str) -> tuple[str, ...]:
    """Read words with blanks or commas between them as tags. Raises ``TuivmError``."""
    tags: dict[str, str] = {}
    for word in text.replace(",", " ").split():
        if not is_tag(word):
            raise TuivmError(
                "Wrong tag",
                f"{sanitise(word, 60)} cannot be a tag",
                hint=f"up to {LONGEST} letters, digits and . _ : / @ = -, a letter or digit first",
            )
        tags.setdefault(word.casefold(), word)
    return tuple(tags.values())
