"""libvirt's errors in a user's terms: each with its cause and the next step."""

from __future__ import annotations

import libvirt
import pytest

from tuivm.backend import errors
from tuivm.backend.refusals import connection_error
from tuivm.core.errors import TuivmError


def libvirt_error(code: int | None, domain: int, text: str) -> libvirt.libvirtError:
    """An error as the binding raises it."""
    error = libvirt.libvirtError(text)
    error.err = None if code is None else (code, domain, text, 2, "", "", "", -1, -1)
    error.args = (text,)
    return error


@pytest.mark.parametrize(
    ("code", "domain", "text", "message", "hint"),
    [
        (42, 10, "Domain not found: no domain with matching uuid 'x'", "no longer exists", "again"),
        (55, 10, "Requested operation is not valid: domain is not running", "domain is not", ""),
        (
            68,
            10,
            "Timed out during operation: cannot acquire state change lock "
            "(held by monitor=remoteDispatchDomainSuspend)",
            "monitor=remoteDispatchDomainSuspend is stuck on it",
            "try again later",
        ),
        (3, 12, "this function is not supported by the connection driver: x", "cannot do that", ""),
        (
            86,
            10,
            "Guest agent is not responding: QEMU guest agent is not connected",
            "agent",
            "qem",
        ),
        (
            29,
            0,
            "operation virDomainCreate forbidden for read only access",
            "forbidden",
            "leave out --readonly, or turn readonly off in the host's entry on the Hosts screen",
        ),
        (29, 0, "access denied", "denied", "ask who runs it"),
        (
            1,
            10,
            "internal error: qemu unexpectedly closed the monitor: "
            "2026-01-01T00:00:00.0Z qemu-system-x86_64: cannot set up guest memory "
            "'pc.ram': Cannot allocate memory",
            "cannot set up guest memory 'pc.ram': Cannot allocate memory",
            "log",
        ),
        (38, 18, "Cannot access storage file '/x.img': No such file or directory", "/x.img", "put"),
    ],
)
def test_operations(code: int, domain: int, text: str, message: str, hint: str) -> None:
    error = errors.convert(libvirt_error(code, domain, text), title="Cannot start web-01")
    assert error.title == "Cannot start web-01"
    assert message in error.message
    assert hint in error.hint
    assert (error.code, error.domain) == (code, domain)
    assert error.raw == text
    assert not error.is_connection_loss
    assert "internal error" not in error.message


def test_a_broken_link_is_told_by_its_domain_not_its_code() -> None:
    error = errors.convert(libvirt_error(1, 7, "internal error: client socket is closed"))
    assert error.is_connection_loss
    assert "broke" in error.message
    assert errors.lost(libvirt_error(1, 7, "x due to keepalive timeout")).message.endswith(
        "answers"
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "internal error: Too many domains '20000' for limit '16384'"),
        (1, "internal error: too many remote domains: 20000 > 16384"),
        (
            1,
            "internal error: Number of domain stats records is 20000, which exceeds max limit: "
            "16384",
        ),
        (1, "Interner Fehler: Zu viele Domains '20000' für Limit '16384'"),
        (39, "Unable to encode message payload"),
    ],
)
def test_too_long_an_answer_is_no_broken_link(code: int, text: str) -> None:
    error = libvirt_error(code, 7, text)
    assert errors.is_too_many(error)
    assert not errors.broken(error)
    assert not errors.convert(error).is_connection_loss


def test_a_process_without_files_left_has_no_long_answer() -> None:
    error = libvirt_error(38, 7, "Unable to create socket: Too many open files")
    assert not errors.is_too_many(error)
    assert errors.broken(error)


def test_errors_of_the_binding_itself_have_no_code() -> None:
    error = errors.convert(libvirt_error(None, 0, "virDomainCreate() failed"), title="Cannot")
    assert error.code is None
    assert error.message == "virDomainCreate() failed"


def test_hostile_text_is_made_harmless() -> None:
    error = errors.convert(libvirt_error(38, 18, "no '/\x1b]52;c;x\x07' [red]\n\u202e"))
    assert "\x1b" not in str(error)
    assert "\n" not in str(error)
    assert "\u202e" not in error.raw


def test_our_own_errors_pass_without_their_frames() -> None:
    def fail() -> None:
        try:
            raise libvirt_error(1, 7, "x")
        except libvirt.libvirtError as error:
            raise TuivmError("Cannot", "because") from error

    with pytest.raises(TuivmError) as caught:
        fail()
    error = errors.convert(caught.value)
    assert error is caught.value
    assert error.__traceback__ is None
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_bug_of_ours_is_named_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    error = errors.convert(KeyError("x"), title="Cannot read web-01", call="virDomainGetInfo")
    assert error.title == "Cannot read web-01"
    assert "KeyError" in error.message
    assert "virDomainGetInfo" in caplog.text


@pytest.mark.parametrize(
    ("uri", "code", "text", "message", "hint"),
    [
        (
            "qemu+ssh://me@kv1/system",
            38,
            "Cannot recv data: Host key verification failed.: Connection reset by peer",
            "ssh key of kv1 is not known",
            "ssh me@kv1 once",
        ),
        (
            "qemu+ssh://me@kv1/system",
            38,
            "Cannot recv data: me@kv1: Permission denied (publickey,password).: "
            "Connection reset by peer",
            "refused the login",
            "ssh-copy-id me@kv1",
        ),
        (
            "qemu+ssh://kv9/system",
            38,
            "Cannot recv data: ssh: Could not resolve hostname kv9: Name or service not known: "
            "Connection reset by peer",
            "name is not known",
            "spelling",
        ),
        (
            "qemu+tls://kv1/system",
            38,
            "Cannot read CA certificate '/etc/pki/CA/cacert.pem': No such file or directory",
            "CA certificate",
            "cacert.pem",
        ),
        (
            "qemu:///system",
            45,
            "authentication unavailable: no polkit agent available to authenticate action "
            "'org.libvirt.unix.manage'",
            "policy",
            "usermod -aG libvirt",
        ),
        (
            "qemu:///system",
            1,
            "internal error: Unable to get system bus connection: Could not connect: "
            "No such file or directory",
            "asks polkit about everybody but root, and no system bus runs here",
            'auth_unix_rw = "none"',
        ),
        (
            "qemu+ssh://me@kv1/system",
            94,
            "authentication unavailable: no polkit agent available to authenticate action "
            "'org.libvirt.unix.manage'",
            "the policy of kv1 (polkit) does not let me manage",
            "on kv1: sudo usermod -aG libvirt me, then connect again, or use /session",
        ),
        (
            "qemu+ssh://me@kv1/system",
            38,
            "End of file while reading data: virt-ssh-helper: cannot connect to "
            "'/run/libvirt/libvirt-sock': Failed to connect socket to "
            "'/run/libvirt/libvirt-sock': Permission denied: Input/output error",
            "me may not use /run/libvirt/libvirt-sock on kv1",
            "on kv1: sudo usermod -aG libvirt me",
        ),
        (
            "qemu+ssh://kv1/system?proxy=netcat",
            38,
            "End of file while reading data: nc: unix connect failed: No such file or directory "
            "nc: /run/libvirt/libvirt-sock: No such file or directory: Input/output error",
            "it has no socket /run/libvirt/libvirt-sock",
            "If virtqemud runs there instead, add mode=direct",
        ),
        (
            "qemu+ssh://kv1/system",
            38,
            "Cannot recv data: ssh: connect to host kv1 port 22: Connection timed out: "
            "Connection reset by peer",
            "kv1 does not answer at port 22",
            "firewall",
        ),
        (
            "qemu+unix:///system?socket=/x/libvirt-sock",
            1,
            "internal error: unexpected qemu URI path '/system', try qemu:///session",
            "serves qemu:///session, not /system",
            "write /session instead",
        ),
        (
            "qemu://kv1/system",
            38,
            "Cannot read CA certificate '/etc/pki/CA/cacert.pem': No such file or directory",
            "there is no CA certificate",
            "write qemu+ssh://kv1/system to go over ssh",
        ),
        (
            "qemu://system",
            38,
            "Unable to resolve address 'system' service '16514': Name or service not known",
            "system is taken for a host's name",
            "three slashes: qemu:///system",
        ),
        ("qemu+tcp://kv1/system", 45, "authentication failed: x", "password", "auth.conf"),
        (
            "qemu+tcp://kv1/system",
            38,
            "unable to connect to server at 'kv1:16509': No route to host",
            "no way to that host",
            "firewall",
        ),
        ("xen:///system", 5, "no connection driver available for xen:///system", "xen", "driver"),
    ],
)
def test_connections(uri: str, code: int, text: str, message: str, hint: str) -> None:
    error = connection_error(libvirt_error(code, 7, text), uri)
    assert error.title == f"Cannot connect to {uri}"
    assert message in error.message
    assert hint in error.hint


CHANGED = (
    "Cannot recv data: @@@\r\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n"
    "The fingerprint for the ED25519 key sent by the remote host is\n"
    "SHA256:b+Uhvu1ahRZoLIb2.\r\n"
    "Offending ED25519 key in /home/me/known hosts:1\r\n  remove with:\r\n"
    "Host key for [kv1]:2222 has changed and you have requested strict checking.\r\n"
    "Host key verification failed.: Connection reset by peer"
)
CHANGED_LIBSSH = (
    "authentication failed: !!! SSH HOST KEY VERIFICATION FAILED !!!: Identity of host "
    "'kv1:22' differs from stored identity. Please verify the new host key '6f:e5' to avoid "
    "possible man in the middle attack. The key is stored in '/home/me/kh'."
)


@pytest.mark.parametrize(
    ("text", "fingerprint", "remedy"),
    [
        (
            CHANGED,
            "ED25519 SHA256:b+Uhvu1ahRZoLIb2.",
            "ssh-keygen -f '/home/me/known hosts' -R '[kv1]:2222'",
        ),
        (CHANGED_LIBSSH, "6f:e5.", "ssh-keygen -f /home/me/kh -R kv1"),
    ],
)
def test_a_changed_host_key_is_told_with_its_fingerprint_and_the_remedy(
    text: str, fingerprint: str, remedy: str
) -> None:
    error = connection_error(libvirt_error(38, 7, text), "qemu+ssh://me@kv1:2222/system")
    assert "changed" in error.message
    assert fingerprint in error.message
    assert error.hint.endswith(remedy)
    assert error.code in errors.AUTH_CODES, "nobody is trusted by trying again"


@pytest.mark.parametrize(
    "text",
    [
        "Cannot recv data: Host key verification failed.: Connection reset by peer",
        "Cannot recv data: me@kv1: Permission denied (publickey,password).: Connection reset",
        "libssh transport error: No user interaction callback provided: "
        "Can't verify the session host key",
        "libssh transport error: No user interaction callback provided: "
        "Can't retrieve private key passphrase",
        "libssh transport error: failed to authenticate: Access denied for 'publickey'. "
        "Authentication that can continue: publickey,password",
        "libssh transport error: Can't perform authentication: "
        "Authentication callback not provided",
    ],
)
def test_a_refused_ssh_login_waits_for_a_human(text: str) -> None:
    for scheme in ("qemu+ssh", "qemu+libssh"):
        error = connection_error(libvirt_error(98, 66, text), f"{scheme}://me@kv1/system")
        assert error.code in errors.AUTH_CODES
        assert "kv1" in error.message
        assert error.hint


def test_what_to_run_by_hand_has_the_user_and_the_port_of_the_uri() -> None:
    text = "Cannot recv data: Host key verification failed.: Connection reset by peer"
    error = connection_error(libvirt_error(38, 7, text), "qemu+ssh://me@kv1:2222/system?x=1")
    assert "ssh -p 2222 me@kv1 once" in error.hint


def test_a_host_that_is_away_is_tried_again() -> None:
    text = "Cannot recv data: ssh: connect to host kv1 port 22: Connection refused: Connection"
    error = connection_error(libvirt_error(38, 7, text), "qemu+ssh://kv1/system")
    assert error.code not in errors.AUTH_CODES


def test_an_unknown_refusal_keeps_libvirts_words() -> None:
    error = connection_error(libvirt_error(99, 7, "something else"), "qemu:///system")
    assert error.message == "something else"
    assert error.hint
