"""libvirt's errors in a user's terms: what failed, why, and what to do next.

For what is done over a connection; ``refusals`` has the ways in which opening one fails.
An exception is built here without raising it: a raised one would carry frames, and with
them libvirt handles, to whichever thread drops it last.
"""

from __future__ import annotations

import logging
import re

import libvirt

from tuivm.core.errors import RPC_DOMAIN, TuivmError
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

AUTH_CODES = frozenset(
    {
        libvirt.VIR_ERR_AUTH_FAILED,
        libvirt.VIR_ERR_AUTH_CANCELLED,
        libvirt.VIR_ERR_AUTH_UNAVAILABLE,
    }
)
"""A human has to do something first; retrying by itself would lock accounts."""

PERMANENT_CODES = frozenset({libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_ARG})
"""A URI that is wrong stays wrong: connecting is not tried again by itself."""

READ_ONLY = "leave out --readonly, or readonly = true in the configuration"
"""What lets things be changed again."""
_OWN_READ_ONLY = (
    "tuivm opened it read-only: leave out --readonly, or turn readonly off in the host's entry "
    "on the Hosts screen"
)

BUSY_HINT = "something else is working on this VM; look at its log, or try again later"

OPERATION_HINTS: dict[int, tuple[str, str]] = {
    libvirt.VIR_ERR_NO_SUPPORT: ("this host's driver cannot do that", ""),
    libvirt.VIR_ERR_OPERATION_DENIED: (
        "",
        "the host's policy forbids it: ask who runs it for the right to manage VMs",
    ),
    libvirt.VIR_ERR_ACCESS_DENIED: ("", "the host's access policy forbids it; ask who runs it"),
    libvirt.VIR_ERR_NO_DOMAIN: ("the VM no longer exists", "the list is read again"),
    libvirt.VIR_ERR_OPERATION_TIMEOUT: ("", BUSY_HINT),
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE: (
        "the guest agent does not answer",
        "check that qemu-guest-agent runs in the guest, or use another mode",
    ),
    libvirt.VIR_ERR_AGENT_UNSYNCED: ("the guest agent does not answer in time", "try again"),
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED: ("", "use another mode"),
    libvirt.VIR_ERR_OPERATION_ABORTED: ("it was cancelled", ""),
    libvirt.VIR_ERR_OPERATION_INVALID: ("", "the list is read again"),
    libvirt.VIR_ERR_MIGRATE_UNSAFE: ("", "migrate unsafely only if the disks are shared"),
}
"""By code: a cause that replaces libvirt's text (empty keeps it), and the next step."""

# Patterns are compiled when there is the first failure: none of them is needed for a start.
_PREFIXES = (
    r"(?i)^(?:internal error|Cannot recv data|End of file while reading data|"
    r"operation failed|Requested operation is not valid|invalid argument|"
    r"Timed out during operation|XML error|unsupported configuration|argument unsupported|"
    r"authentication (?:failed|unavailable)|Guest agent is not responding)\s*:\s*"
)
_SSH_TAIL = r"\s*: (?:Connection reset by peer|Input/output error|Broken pipe)\s*$"
_TOO_MANY = r"(?i)\bToo many \w|exceeds max limit|\b16384\b|Unable to encode message payload"
"""What libvirt's remote driver says of an answer that its protocol does not carry: by list,
by statistics, by the number in any other language, and by the size in bytes (code RPC)."""
_QEMU_LINE = r"qemu[^:]*: (?!.*terminating on signal)(.+)"


def plain(text: str) -> str:
    """One line of libvirt's text without its generic prefixes, sanitised."""
    text = re.sub(_SSH_TAIL, "", text.strip())
    while (shorter := re.sub(_PREFIXES, "", text)) != text:
        text = shorter
    return sanitise(text)


def convert(error: BaseException, *, title: str = "", call: str = "") -> TuivmError:
    """Turn whatever a call raised into a ``TuivmError`` that holds no frames.

    ``title`` says what failed (``Cannot start web-01``), ``call`` names libvirt's function.
    An exception that is a bug of ours is logged with its traceback.
    """
    if isinstance(error, TuivmError):
        error.__traceback__ = error.__cause__ = error.__context__ = None
        error.call = error.call or call
        return error
    if not isinstance(error, libvirt.libvirtError):
        logger.error("unexpected failure in %s", call or title, exc_info=error)
        name = type(error).__name__
        return TuivmError(
            title or "Something went wrong",
            sanitise(f"{name}: {error}"),
            hint="this is a fault in tuivm; --debug --log-file FILE records it",
            call=call,
        )
    raw = error.get_error_message() or str(error)
    code, domain = error.get_error_code(), error.get_error_domain()
    if broken(error):
        message, hint = "the connection to the host broke", "it is connected again by itself"
    else:
        message, hint = _cause(code, domain, raw)
    if is_too_many(error):
        domain = None  # the link holds
    return TuivmError(
        title or "The host refused",
        message,
        hint=hint,
        code=code,
        domain=domain,
        call=call,
        raw=sanitise(raw, 4096),
    )


def broken(error: BaseException) -> bool:
    """True when the link to the daemon broke, rather than what was asked of it."""
    return (
        isinstance(error, libvirt.libvirtError)
        and error.get_error_domain() == RPC_DOMAIN
        and error.get_error_code() in (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_SYSTEM_ERROR)
        and not is_too_many(error)
    )


def is_unsupported(error: BaseException) -> bool:
    """True when the driver lacks a function: a capability, not a failure."""
    return isinstance(error, libvirt.libvirtError) and error.get_error_code() in (
        libvirt.VIR_ERR_NO_SUPPORT,
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
    )


def is_too_many(error: BaseException) -> bool:
    """True when an answer is longer than libvirt's protocol carries (16,384 domains)."""
    return isinstance(error, libvirt.libvirtError) and _too_many(
        error.get_error_code(), error.get_error_domain(), error.get_error_message() or ""
    )


def late(title: str, seconds: float, *, call: str = "") -> TuivmError:
    """The failure of a call that did not come back by its deadline; it may still be done."""
    return TuivmError(
        title or "The host does not answer",
        f"no answer within {seconds:.0f} s",
        hint="it may still happen; ctrl+r connects afresh",
        code=libvirt.VIR_ERR_OPERATION_TIMEOUT,
        call=call,
    )


def not_connected(host: str, cause: TuivmError | None = None, *, title: str = "") -> TuivmError:
    """The failure of everything asked of a host that is not there."""
    message = f"{host} is not connected"
    if cause is not None:
        message += f": {cause.message or cause.title}"
    return TuivmError(
        title or "Not connected",
        message,
        hint="ctrl+r connects now",
        code=libvirt.VIR_ERR_INTERNAL_ERROR,
        domain=RPC_DOMAIN,
    )


def read_only(title: str) -> TuivmError:
    """The refusal of a change while nothing may be changed."""
    return TuivmError(
        title,
        "nothing may be changed here",
        hint=READ_ONLY,
        code=libvirt.VIR_ERR_OPERATION_DENIED,
    )


def slow(seconds: float) -> TuivmError:
    """The state of a host that is connected but keeps us waiting."""
    return TuivmError(
        "The host answers late",
        f"no answer for {seconds:.0f} s",
        hint="what is shown may be old; ctrl+r connects afresh",
    )


_CLOSE_REASONS = {
    libvirt.VIR_CONNECT_CLOSE_REASON_ERROR: "the connection failed",
    libvirt.VIR_CONNECT_CLOSE_REASON_EOF: "the daemon closed the connection",
    libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "the daemon no longer answers",
}


def closed(reason: int) -> TuivmError:
    """The end of a connection as libvirt's close callback tells it."""
    return _lost(_CLOSE_REASONS.get(reason, "the connection ended"))


def lost(error: BaseException) -> TuivmError:
    """The end of a connection as a call over it found out."""
    raw = str(error)
    if "keepalive" in raw:
        return _lost(_CLOSE_REASONS[libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE])
    if "closed" in raw or "End of file" in raw:
        return _lost(_CLOSE_REASONS[libvirt.VIR_CONNECT_CLOSE_REASON_EOF])
    return _lost(plain(raw))


def _lost(cause: str) -> TuivmError:
    return TuivmError(
        "Connection lost",
        cause,
        hint="it is connected again by itself; ctrl+r tries now",
        code=libvirt.VIR_ERR_INTERNAL_ERROR,
        domain=RPC_DOMAIN,
    )


def _too_many(code: int | None, domain: int | None, text: str) -> bool:
    return (
        domain == RPC_DOMAIN
        and code in (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_RPC)
        and re.search(_TOO_MANY, text) is not None
    )


def _cause(code: int | None, domain: int | None, raw: str) -> tuple[str, str]:
    """A cause in plain words and the next step, for an operation that failed."""
    text = plain(raw)
    if _too_many(code, domain, raw):
        return text, "one answer of libvirt's protocol carries no more; ask for fewer at a time"
    if code == libvirt.VIR_ERR_OPERATION_TIMEOUT and (held := re.search(r"held by ([^)]+)\)", raw)):
        return f"the VM is busy: {sanitise(held[1], 80)} is stuck on it", BUSY_HINT
    if code == libvirt.VIR_ERR_OPERATION_TIMEOUT:
        return f"the VM is busy: {text}", BUSY_HINT
    if code == libvirt.VIR_ERR_INTERNAL_ERROR and "monitor" in raw:
        lines = re.findall(_QEMU_LINE, raw)
        said = sanitise(lines[-1]) if lines else text
        return f"QEMU died at once: {said}", "its log (l) has the rest"
    if code == libvirt.VIR_ERR_SYSTEM_ERROR:
        return text, _file_hint(raw)
    if code == libvirt.VIR_ERR_OPERATION_DENIED and "read only access" in raw:
        return text, _OWN_READ_ONLY
    if code is not None and code in OPERATION_HINTS:
        message, hint = OPERATION_HINTS[code]
        return message or text, hint
    return text, ""


def _file_hint(raw: str) -> str:
    if "No such file" in raw:
        return "put the file there, or change the VM's XML"
    if "Permission denied" in raw:
        return "let the user that QEMU runs as read that path"
    if "No space left" in raw:
        return "make room on that file system"
    return ""
