"""Tags: short words that people give to VMs and hosts, to find and group them by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tuivm.core.errors import TuivmError
from tuivm.core.text import natural_key, sanitise

NAMESPACE = "urn:tuivm:domain:1"
"""The XML namespace of what tuivm writes into a domain's ``<metadata>``."""
PREFIX = "tuivm"
"""The prefix that goes with it (``virsh metadata --key``)."""
ROOT, TAG = "domain", "tag"
"""Names of the one element in that namespace, and of each tag in it."""
MOST = 32
"""Tags of one VM that are kept; the rest is left alone and not shown."""
LONGEST = 40
"""Characters of a tag."""


def tags_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Make tags of anybody's texts: sanitised, each once whatever its case, in natural order."""
    found: dict[str, str] = {}
    for text in texts:
        tag = sanitise(text.strip(), LONGEST)
        if tag:
            found.setdefault(tag.casefold(), tag)
        if len(found) == MOST:
            break
    return tuple(sorted(found.values(), key=natural_key))


class TagChange(NamedTuple):
    """Tags to give and to take."""

    add: tuple[str, ...]
    remove: tuple[str, ...]

    def apply(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return the tags afterwards; case does not count. Raises ``TuivmError`` for too many."""
        gone = {tag.casefold() for tag in self.remove}
        wanted = [*(tag for tag in tags if tag.casefold() not in gone), *self.add]
        if len({tag.casefold() for tag in wanted}) > MOST:
            raise TuivmError(
                "Too many tags", f"a VM has {MOST} tags at most", hint="take some of them away"
            )
        return tags_of(wanted)


def parse_change(text: str) -> TagChange:
    """Read ``+web -old``; a word without a sign is given too. Raises ``TuivmError``."""
    add: list[str] = []
    remove: list[str] = []
    for word in text.replace(",", " ").split():
        tag = word[1:] if word[0] in "+-" else word
        if not is_tag(tag):
            raise TuivmError(
                "Wrong tag",
                f"{sanitise(word, 60)} cannot be a tag",
                hint=f"up to {LONGEST} letters, digits and . _ : / @ = -, none of them first "
                "but a letter or digit",
            )
        (remove if word[0] == "-" else add).append(tag)
    if not add and not remove:
        raise TuivmError("No tag", "nothing to give or take", hint="write +web -old")
    both = {tag.casefold() for tag in add} & {tag.casefold() for tag in remove}
    if both:
        raise TuivmError(
            "Wrong tags", f"{min(both)} is both given and taken", hint="leave one of them out"
        )
    return TagChange(tuple(add), tuple(remove))


_TAG = re.compile(rf"\w[\w.:/@=-]{{0,{LONGEST - 1}}}")


def is_tag(word: str) -> bool:
    """Tell whether a word can be a tag that people give."""
    return _TAG.fullmatch(word) is not None and sanitise(word) == word


def tags_xml(tags: Iterable[str]) -> str:
    """Write tags as libvirt wants to be given them: it adds the namespace by itself."""
    # Only who writes tags needs it, and it loads all of urllib.
    from xml.sax.saxutils import escape

    inside = "".join(f"<{TAG}>{escape(tag)}</{TAG}>" for tag in tags)
    return f"<{ROOT}>{inside}</{ROOT}>"
