"""What a host asks before it lets us in."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from tuivm.core.text import sanitise

TEXT_LIMIT = 2000
"""Characters of a question that are kept."""
_FINGERPRINT = r"\b(?:SHA256:[A-Za-z0-9+/=]{20,64}|MD5:[0-9a-f:]{32,64})"
_HASH = r"\bhash '([^']{8,128})'"


class QuestionKind(StrEnum):
    """What is asked for; the values complete "it asks for ..."."""

    HOST_KEY = "its host key to be trusted"
    """Whether to trust a host that ssh does not know; the answer is ``yes``."""
    PASSPHRASE = "a key's passphrase"
    PASSWORD = "a password"
    USER = "a user name"
    """What is typed may be seen."""
    CONFIRM = "a confirmation"
    """Yes or no, of ssh or its agent; the answer is ``yes``."""

    @property
    def secret(self) -> bool:
        """True when what is typed must not be shown."""
        return self in (QuestionKind.PASSPHRASE, QuestionKind.PASSWORD)


class Question(NamedTuple):
    """One question of one host; its answer is never part of it."""

    id: int
    host: str
    """The host's short name."""
    kind: QuestionKind
    text: str
    """As ssh, libssh or SASL put it, sanitised; may have several lines."""
    fingerprint: str = ""
    """Of the host's key, where one is asked about."""
    attempt: int = 1
    """More than 1 after answers that turned out to be wrong."""


def ssh_kind(text: str, hint: str = "") -> QuestionKind:
    """Tell what ssh asks its askpass program for.

    ``hint`` is ``SSH_ASKPASS_PROMPT``: ``confirm`` where only yes or no can be said
    (ssh(1)). The sentences are those of OpenSSH's sshconnect.c and sshconnect2.c, which are
    never translated.
    """
    lower = text.lower()
    if "authenticity of host" in lower or "(yes/no/[fingerprint])" in lower:
        return QuestionKind.HOST_KEY
    if hint == "confirm" or "(yes/no)" in lower:
        return QuestionKind.CONFIRM
    if "passphrase" in lower or lower.startswith("enter pin"):
        return QuestionKind.PASSPHRASE
    return QuestionKind.PASSWORD


def fingerprint(text: str) -> str:
    """The fingerprint that a question about a host's key shows, or an empty text."""
    match = re.search(_FINGERPRINT, text)
    if match is not None:
        return match[0]
    hashed = re.search(_HASH, text)
    return "" if hashed is None else sanitise(hashed[1], 128)


def clean(text: str) -> str:
    """A question's text, fit for the screen: its lines, each sanitised."""
    lines = (sanitise(line, 400).rstrip() for line in text[:TEXT_LIMIT].splitlines())
    return "\n".join(line for line in lines if line)
