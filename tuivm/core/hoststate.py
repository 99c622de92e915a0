"""How a host's connection stands, in words."""

from __future__ import annotations

from tuivm.core.model import HostState, HostStatus
from tuivm.core.question import QuestionKind

_WANTS = {
    QuestionKind.HOST_KEY: "needs you: host key",
    QuestionKind.PASSPHRASE: "needs a passphrase",
    QuestionKind.PASSWORD: "needs a password",
    QuestionKind.USER: "needs a user name",
    QuestionKind.CONFIRM: "needs you: yes or no",
}


def state_word(status: HostStatus) -> str:
    """The state; of a host that waits for somebody, what for."""
    if status.state is HostState.NEEDS_AUTH:
        return _WANTS[status.wants] if status.wants is not None else "needs you to log in"
    return status.state.value
