"""Why a host did not let us in by ssh: its key, or ours."""

from __future__ import annotations

import re
import shlex

from tuivm.core.text import sanitise

_CHANGED = ("REMOTE HOST IDENTIFICATION HAS CHANGED", "differs from stored identity")
"""OpenSSH's words, and those of libvirt's libssh transport."""
_OPENSSH_KEY = re.compile(r"fingerprint for the (\S+) key sent by the remote host is\s+(\S+?)\.?\s")
_OPENSSH_STORED = re.compile(r"Offending \S+ key in (.+):(\d+)\r?$", re.MULTILINE)
_OPENSSH_NAME = re.compile(r"Host key for (\S+) has changed")
_LIBSSH = re.compile(
    r"Identity of host '([^']+)' differs.*new host key '([^']+)'.*stored in '([^']+)'", re.DOTALL
)
_UNKNOWN = ("Host key verification failed", "verify the session host key")
_PASSPHRASE = "retrieve private key passphrase"
_REFUSED = ("Permission denied (", "failed to authenticate", "Authentication callback not provided")


def explain_login(raw: str, host: str, by_hand: str) -> tuple[str, str] | None:
    """A cause and a next step for libvirt's text ``raw``; None where it is no refused login.

    Each of them needs a human: to try again by itself would lock accounts, or trust a
    stranger. ``host`` is the sanitised name in the URI, ``by_hand`` what ssh is given to
    reach it (``-p 2222 me@host``).
    """
    if any(words in raw for words in _CHANGED):
        return _changed(raw)
    if any(words in raw for words in _UNKNOWN):
        return (
            f"the ssh key of {host} is not known here",
            f"run ssh {by_hand} once by hand and check the key that it shows",
        )
    if _PASSPHRASE in raw:
        return f"your ssh key for {host} is locked by a passphrase", "unlock it with ssh-add"
    if any(words in raw for words in _REFUSED):
        return (
            f"ssh refused the login: {host} takes none of your keys, or wants a password",
            f"make ssh {by_hand} work without a question: ssh-add, ssh-copy-id {by_hand}",
        )
    return None


def _changed(raw: str) -> tuple[str, str]:
    key = stored = line = name = ""
    if match := _LIBSSH.search(raw):
        name, key, stored = match.groups()
        name = _as_stored(name)
    else:
        if match := _OPENSSH_KEY.search(raw):
            key = f"{match[1]} {match[2]}"
        if match := _OPENSSH_STORED.search(raw):
            stored, line = match.groups()
        if match := _OPENSSH_NAME.search(raw):
            name = match[1]
    shown = f" It now shows {sanitise(key, 160)}." if key else ""
    if stored:
        shown += f" The old one is in {sanitise(stored, 200)}{f', line {line}' if line else ''}."
    cause = (
        "the host's ssh key changed: it was installed anew, or somebody is in between."
        f"{shown} Nothing was sent"
    )
    if not (stored and name):
        return cause, "ask who runs it for the new fingerprint, then ssh-keygen -R HOST"
    command = shlex.join(["ssh-keygen", "-f", stored, "-R", name])
    return (
        cause,
        f"only if who runs it confirms that fingerprint: {sanitise(command, 300)}",
    )


def _as_stored(name: str) -> str:
    """A ``host:port`` of libssh as the file of known hosts has it."""
    host, _, port = name.rpartition(":")
    if not host:
        return name
    return host if port == "22" else f"[{host}]:{port}"
