"""TLS with certificates of the test's own: it connects, or says whose certificate is wrong."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.backend.certificates import OVER, Authority
from tests.backend.netdaemon import PASSWORD, USER, NetDaemon, need, need_passwords
from tests.backend.watcher import PATIENT, Watcher, watch
from tests.lab.paths import ROOT
from tuivm.backend.fleet import Fleet
from tuivm.core.errors import TuivmError
from tuivm.core.model import HostState
from tuivm.core.question import QuestionKind

DN = "O=Test,CN=alice"


@dataclass
class Site:
    """An authority, a daemon that it signed, and clients' folders."""

    pki: Authority
    daemon: NetDaemon
    clients: Path
    taken: socket.socket
    """Keeps a port."""

    def uri(self, client: Path | None = None, host: str = "127.0.0.1", port: int = 0) -> str:
        """The daemon over TLS, with the certificates of a folder."""
        folder = self.clients / "alice" if client is None else client
        return f"test+tls://{host}:{port or self.daemon.tls}/default?pkipath={folder}"

    def folder(self, name: str, certificate: str = "") -> Path:
        """A client's folder, made when it is first wanted."""
        folder = self.clients / name
        return folder if folder.exists() else self.pki.client(folder, certificate)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A daemon with a certificate for 127.0.0.1, and a client with one of the same CA."""
    need("libvirtd", "openssl")
    folder = tmp_path_factory.mktemp("tls")
    pki = Authority(folder / "pki")
    pki.sign("server", "/CN=127.0.0.1", alt="IP:127.0.0.1")
    pki.sign("alice", "/O=Test/CN=alice")
    (folder / "clients").mkdir()
    pki.client(folder / "clients/alice", "alice")
    one = Site(pki, NetDaemon(pki), folder / "clients", socket.socket())
    try:
        one.daemon.start()
        yield one
    finally:
        one.taken.close()
        one.daemon.close()


def refused(uri: str) -> TuivmError:
    """Why a host is not there; no certificate is a matter of passwords."""
    with watch(uri) as one:
        one.wait(lambda: one.state() in (HostState.LOST, HostState.NEEDS_AUTH))
        (host,) = one.hosts.values()
        assert host.error is not None
        assert host.state is HostState.LOST, host.error
        assert not any(one.questions.values())
        return host.error


def test_tls_and_plain_tcp_list_what_is_there(site: Site) -> None:
    tcp = f"test+tcp://127.0.0.1:{site.daemon.tcp}/default"
    with watch([site.uri(), tcp]) as one:
        one.up().wait(lambda: len(one.domains) == 2)
        assert one.names() == {"test"}
        # Numbers come over connections of their own.
        one.wait(lambda: len(one.stats) == 2)


def test_a_password_on_top_of_a_certificate(site: Site) -> None:
    need_passwords()
    daemon = NetDaemon(site.pki, sasl=True, allowed=DN)
    try:
        daemon.start()
        uri = site.uri(port=daemon.tls)
        with Watcher(Fleet([uri], timing=PATIENT, asking_uris=[uri])) as one:
            one.reply(USER, QuestionKind.USER)
            one.reply(PASSWORD, QuestionKind.PASSWORD)
            one.up()
            one.wait(lambda: one.samples)
            assert len(one.questions) == 2
        site.pki.sign("mallory", "/O=Test/CN=mallory")
        error = refused(site.uri(site.folder("mallory", "mallory"), port=daemon.tls))
        assert "refuses the certificate of O=Test,CN=mallory" in error.message
        assert '"O=Test,CN=mallory"' in error.hint
        assert "tls_allowed_dn_list" in error.hint
    finally:
        daemon.close()


def _no_folder(site: Site) -> str:
    return site.uri(site.clients / "none")


def _no_certificate(site: Site) -> str:
    return site.uri(site.folder("bare"))


def _no_key(site: Site) -> str:
    folder = site.folder("keyless", "alice")
    (folder / "clientkey.pem").unlink(missing_ok=True)
    return site.uri(folder)


def _expired(site: Site) -> str:
    site.pki.sign("old", "/O=Test/CN=old", valid=OVER)
    return site.uri(site.folder("old", "old"))


def _another_key(site: Site) -> str:
    folder = site.folder("mixed", "alice")
    shutil.copy(site.pki.folder / "server.key", folder / "clientkey.pem")
    return site.uri(folder)


def _another_ca(site: Site) -> str:
    stranger = Authority(site.clients / "stranger", "Other CA")
    folder = stranger.client(site.clients / "trusting")
    return site.uri(folder)


def _both(site: Site) -> str:
    folder = site.folder("torn", "alice")
    stranger = Authority(site.clients / "stranger-2", "Other CA")
    shutil.copy(stranger.folder / "ca.pem", folder / "cacert.pem")
    return site.uri(folder)


def _another_name(site: Site) -> str:
    return site.uri(host="localhost")


def _no_tls(site: Site) -> str:
    return site.uri(port=site.daemon.tcp)


def _nobody(site: Site) -> str:
    # Bound, and so nobody else's, but nobody listens.
    site.taken.bind(("127.0.0.1", 0))
    return site.uri(port=site.taken.getsockname()[1])


@pytest.mark.parametrize(
    ("uri", "cause", "cure"),
    [
        (_no_folder, "there is no CA certificate: {}/none/cacert.pem", "cacert.pem of the CA of"),
        (_no_certificate, "certificate is missing: {}/bare/clientcert.pem", "have one signed"),
        (_no_key, "key is missing: {}/keyless/clientkey.pem", "have one signed"),
        (_expired, "{}/old/clientcert.pem expired on Feb  1 ", "signed anew"),
        (_another_key, "clientkey.pem is not the key of clientcert.pem", "as they were made"),
        (_another_ca, "not signed by the CA in {}/trusting/cacert.pem", "?pkipath=DIR"),
        (_both, "{}/torn/cacert.pem do not belong together", "the CA of 127.0.0.1"),
        (_another_name, "not for the name localhost: it is for 127.0.0.1", "write 127.0.0.1"),
        (_no_tls, "does not speak TLS", "qemu+tcp://"),
        (_nobody, "takes no tls connections at port", "libvirtd-tls.socket"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_wrong_certificate_is_named_with_its_cure(
    site: Site, uri: Callable[[Site], str], cause: str, cure: str
) -> None:
    error = refused(uri(site))
    assert cause.format(site.clients) in error.message
    assert cure in error.hint
    assert "password" not in str(error)


def test_the_list_on_standard_error_has_our_words_alone(site: Site) -> None:
    uri = _another_name(site)
    command = [sys.executable, "-m", "tuivm", "list", "-c", uri]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("tuivm: localhost (")
    assert "it is for 127.0.0.1 (write 127.0.0.1 in the URI" in line


def test_a_host_whose_certificate_ran_out_says_so(site: Site) -> None:
    old = site.pki.sign("served", "/CN=127.0.0.1", alt="IP:127.0.0.1", valid=OVER)
    with served(old) as port:
        error = refused(site.uri(port=port))
    assert "the certificate of 127.0.0.1 has expired" in error.message
    assert "clock" in error.hint


@contextmanager
def served(certificate: Path) -> Iterator[int]:
    """Somebody who shows a certificate to all who come: libvirtd starts with no such one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with suppress(OSError), line:
                    line.settimeout(5)
                    context.wrap_socket(line, server_side=True).close()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        # A listener that somebody waits on is not ended by closing it.
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
