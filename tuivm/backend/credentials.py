"""How libvirt itself asks: the callback of ``virConnectOpenAuth``, for SASL and libssh."""

from __future__ import annotations

from typing import Any

import libvirt

from tuivm.backend.desk import Talk
from tuivm.core.question import QuestionKind

_KINDS = {
    libvirt.VIR_CRED_AUTHNAME: QuestionKind.USER,
    libvirt.VIR_CRED_PASSPHRASE: QuestionKind.PASSWORD,
    libvirt.VIR_CRED_NOECHOPROMPT: QuestionKind.PASSWORD,
    libvirt.VIR_CRED_ECHOPROMPT: QuestionKind.USER,
}
_TYPE, _PROMPT, _RESULT = 0, 1, 4
"""Where libvirt's binding puts them in a credential, which is a list of five."""


def credentials(talk: Talk | None) -> list[Any]:
    """What ``libvirt.openAuth`` takes: who is asked through ``talk``, on the opening thread.

    libvirt looks into auth.conf first. The same thing asked for a second time means that the
    first answer was wrong: that is the end of the attempt, else libssh would go on for ever.
    """
    asked: set[tuple[int, str]] = set()

    def ask(wanted: list[list[Any]], _data: object) -> int:
        for credential in wanted:
            kind, prompt = credential[_TYPE], str(credential[_PROMPT] or "")
            if talk is None or (kind, prompt) in asked:
                return -1
            asked.add((kind, prompt))
            answer = _ask(talk, kind, prompt)
            if answer is None:
                return -1
            credential[_RESULT] = answer
        return 0

    return [[*_KINDS, libvirt.VIR_CRED_USERNAME], ask, None]


def _ask(talk: Talk, kind: int, prompt: str) -> str | None:
    if kind == libvirt.VIR_CRED_USERNAME:
        # Whom to act as: whoever the login name is.
        return ""
    what = _KINDS[kind]
    if kind == libvirt.VIR_CRED_ECHOPROMPT and "hash" in prompt.lower():
        # libssh's driver takes exactly this letter for a yes.
        return "y" if talk.ask(QuestionKind.HOST_KEY, prompt) == "yes" else None
    if "passphrase" in prompt.lower():
        what = QuestionKind.PASSPHRASE
    return talk.ask(what, prompt)
