"""Why a host did not let us in, from what it asked and what was answered."""

from __future__ import annotations

from tuivm.backend.desk import Talk
from tuivm.backend.errors import AUTH_CODES
from tuivm.core.question import QuestionKind

AGAIN = "ctrl+r on the Hosts screen asks"
AUTH_FILE = "~/.config/libvirt/auth.conf (libvirt.org/auth.html)"
_NAMES = {QuestionKind.PASSWORD: "password", QuestionKind.PASSPHRASE: "passphrase"}


def explain_talk(code: int | None, raw: str, uri: str, talk: Talk) -> tuple[str, str] | None:
    """A cause and a next step; None where nothing was asked, or that is not what failed.

    Each of them needs a human. ``code`` and ``raw`` are libvirt's.
    """
    if talk.declined is not None:
        return f"{talk.declined.value} was asked for and not given", f"{AGAIN} again"
    if talk.refused is not None:
        password = " and a password" if talk.refused is QuestionKind.USER else ""
        hint = AGAIN if "ssh" in uri.partition(":")[0] else f"{AGAIN}, {AUTH_FILE} answers"
        return f"needs {talk.refused.value}{password}", hint
    secrets = wrong_answers(code, raw, talk)
    if not secrets:
        return None
    wrong = " or ".join(_NAMES[kind] for kind in secrets)
    if QuestionKind.USER in talk.answered:
        wrong = f"user name or {wrong}"
    return f"wrong {wrong}", f"{AGAIN} again; it is never tried again by itself"


def wrong_answers(code: int | None, raw: str, talk: Talk) -> list[QuestionKind]:
    """Which secrets were answered and let nobody in; none where something else failed."""
    if talk.declined is not None or talk.refused is not None:
        return []
    refused = code in AUTH_CODES or "Permission denied (" in raw or "authentic" in raw.lower()
    return list(dict.fromkeys(kind for kind in talk.answered if kind.secret and refused))
