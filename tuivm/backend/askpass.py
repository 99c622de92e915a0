"""How ssh asks: through a wrapper and an askpass program that come back to this process.

libvirt runs ``ssh`` with an environment of its own making, in which ``SSH_ASKPASS`` alone
does nothing as long as there is a terminal. So it is given a wrapper instead, by the URI's
``command=``: a generated script that forces askpass, and knows where we listen. Neither ssh
nor what it starts ever has a reason to open the terminal.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import select
import shlex
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from platformdirs import user_cache_dir

from tuivm.backend.desk import Talk
from tuivm.core.question import QuestionKind, ssh_kind

logger = logging.getLogger(__name__)

SSH_OPTIONS = (
    "ConnectTimeout=8",
    "ServerAliveInterval=5",
    # A wrong password ends the attempt; whether to try again is the user's to say.
    "NumberOfPasswordPrompts=1",
    "ControlMaster=auto",
    "ControlPersist=no",
)
PREFIX = "tuivm-ask-"
"""How the folders' names begin."""
MESSAGE_LIMIT = 65536
"""Bytes of a question, at most."""
PAUSE = 0.2
"""Seconds until a question is taken that could not be."""
# ``+`` and the answer, ``-`` for none; else ssh is ended, which is the program's parent.
_HELPER = """\
import json, os, signal, socket, sys
if os.environ.get("SSH_ASKPASS_PROMPT") == "none":
    sys.exit(0)
line = socket.socket(socket.AF_UNIX)
line.connect({socket!r})
line.sendall(json.dumps({{
    "token": os.environ.get("TUIVM_ASKPASS", ""),
    "prompt": " ".join(sys.argv[1:]),
    "hint": os.environ.get("SSH_ASKPASS_PROMPT", ""),
}}).encode() + b"\\n")
answer = b""
while piece := line.recv(4096):
    answer += piece
if not answer.startswith(b"+"):
    if answer != b"-":
        os.kill(os.getppid(), signal.SIGTERM)
    sys.exit(1)
sys.stdout.buffer.write(answer[1:] + b"\\n")
"""

_ASK = """\
#!/bin/sh
name=${{0##*/ssh-}}
SSH_ASKPASS={folder}/ask SSH_ASKPASS_REQUIRE=force TUIVM_ASKPASS=${{name#*-}}
export SSH_ASKPASS SSH_ASKPASS_REQUIRE TUIVM_ASKPASS
"""
# Run as ``ssh-NUMBER-TOKEN``. The first connection of a number lets the others of it in, which
# need no answers of their own: only those that end when it does.
_WRAPPER = f"""\
{_ASK}exec ssh {{options}} -o ControlPath={{folder}}/m"${{{{name%%-*}}}}" "$@"
"""
# For a program that the URI names: what it wants, it gets from libvirt alone. Nobody knows how
# it asks, so it has no terminal to open.
_OWN_WRAPPER = f"""\
{_ASK}own=$(cat {{folder}}/own-"$name")
command -v setsid >/dev/null 2>&1 && exec setsid "$own" "$@"
exec "$own" "$@"
"""
_COMMAND = re.compile(r"(?<=[?&])command=([^&#]*)")


class Askpass:
    """A private folder with a socket and scripts, and the thread that listens.

    The folder is its owner's alone, and so is all in it.
    """

    def __init__(self) -> None:
        above = _folder_for_scripts()
        _sweep(above)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above))
        self._lock = threading.Lock()
        self._talks: dict[str, Talk] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        path, new = self.folder / "socket", self.folder / "new"
        self._listener.bind(str(new))
        new.chmod(0o600)
        self._listener.listen(64)
        # Who finds it finds somebody who listens: else it would be swept away.
        new.rename(path)
        self._write("ask.py", _HELPER.format(socket=str(path)), 0o600)
        # -I and -S: it starts in a tenth of the time, and nobody's modules are loaded.
        run = shlex.join([sys.executable, "-I", "-S", str(self.folder / "ask.py")])
        self._write("ask", f'#!/bin/sh\nexec {run} "$@"\n', 0o700)
        options = " ".join(f"-o {option}" for option in SSH_OPTIONS)
        folder = shlex.quote(str(self.folder))
        self._write("wrapper", _WRAPPER.format(folder=folder, options=options), 0o700)
        self._write("own-wrapper", _OWN_WRAPPER.format(folder=folder), 0o700)
        self._closed = threading.Event()
        self.thread = threading.Thread(target=self._listen, name="tuivm-askpass", daemon=True)
        """Ends soon after ``close``."""
        self.thread.start()

    @contextlib.contextmanager
    def command(self, talk: Talk, own: str = "") -> Iterator[str]:
        """The path of a wrapper of ssh, as long as the connection is being opened.

        Its questions go to ``talk``. ``own`` is a program to run instead of ssh.
        """
        import secrets

        token = secrets.token_hex(8)
        # A link, not a file: one that was just written cannot be run as long as a child that
        # another thread is starting has it open ("text file busy").
        name = f"ssh-{talk.number}-{token}"
        (self.folder / name).symlink_to("own-wrapper" if own else "wrapper")
        asked = self.folder / f"own-{name.removeprefix('ssh-')}"
        if own:
            self._write(asked.name, own, 0o600)
        with self._lock:
            self._talks[token] = talk
        try:
            yield str(self.folder / name)
        finally:
            with self._lock:
                self._talks.pop(token, None)
            for path in (self.folder / name, asked):
                with contextlib.suppress(OSError):
                    path.unlink()

    def close(self) -> None:
        """Stop listening, and remove the folder."""
        self._closed.set()
        with contextlib.suppress(OSError):
            # What is only closed goes on being waited for.
            self._listener.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, text: str, mode: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(self.folder / name, flags, mode), "w", encoding="utf-8") as file:
            file.write(text)

    def _listen(self) -> None:
        told = False
        while not self._closed.is_set():
            line = None
            try:
                line, _ = self._listener.accept()
                threading.Thread(
                    target=self._serve, args=(line,), name="tuivm-askpass-one", daemon=True
                ).start()
            except (OSError, RuntimeError) as error:
                # No descriptor or no thread is free: who asks waits until one is.
                if line is not None:
                    line.close()
                if not told and not self._closed.is_set():
                    logger.warning("cannot take a question of ssh: %s", error)
                told = True
                self._closed.wait(PAUSE)
            else:
                told = False

    def _serve(self, line: socket.socket) -> None:
        with line:
            try:
                asked = json.loads(_receive(line))
                token, prompt, hint = (str(asked[name]) for name in ("token", "prompt", "hint"))
            except (OSError, ValueError, TypeError, KeyError):
                logger.debug("not a question of ours")
                return
            with self._lock:
                talk = self._talks.get(token)
            kind = ssh_kind(prompt, hint)
            answer = None if talk is None else talk.ask(kind, prompt, lambda: _listens(line))
            if answer is not None:
                reply = b"+" + answer.encode()
            elif kind is QuestionKind.PASSWORD or (talk is not None and talk.declined):
                # ssh would send an empty password, which counts as a wrong one.
                reply = b"!"
            else:
                # Without this key's passphrase ssh goes on to the next key.
                reply = b"-"
            with contextlib.suppress(OSError):
                line.sendall(reply)


_shared: Askpass | None = None
_shared_lock = threading.Lock()


def shared() -> Askpass:
    """The one of this process; made when it is first needed. Raises ``OSError``."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Askpass()
            atexit.register(close)
        return _shared


def close() -> None:
    """Remove what was made; for the program's end. Idempotent."""
    global _shared
    with _shared_lock:
        made, _shared = _shared, None
    if made is not None:
        made.close()


@contextlib.contextmanager
def asking(uri: str, talk: Talk | None) -> Iterator[str]:
    """The URI by which ssh's questions come to ``talk`` and never to the terminal.

    Without a ``talk`` nobody is asked. A program of the URI's own (``command=``) asks the
    same way if it is ssh in the end, and has no terminal to ask on in any case.
    """
    scheme, sign = uri.partition(":")[0], "&" if "?" in uri else "?"
    own = _COMMAND.search(uri)
    if not scheme.endswith("+ssh"):
        yield uri
    elif own is not None and own[1]:
        with shared().command(talk or Talk("", None), unquote(own[1])) as path:
            yield _COMMAND.sub(f"command={quote(path)}", uri, count=1)
    elif talk is None:
        yield uri if "no_tty=" in uri else f"{uri}{sign}no_tty=1"
    else:
        with shared().command(talk) as path:
            yield f"{uri}{sign}command={quote(path)}"


def _folder_for_scripts() -> Path:
    """The user's own folder for sockets, or another one from which scripts may be run."""
    found = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), user_cache_dir()]
    for name in found:
        folder = Path(name)
        # A socket's path has room for 107 bytes, of which ssh takes 17 for a while.
        if not folder.is_absolute() or len(name) > 60 or not os.access(folder, os.W_OK | os.X_OK):
            continue
        if not os.statvfs(folder).f_flag & os.ST_NOEXEC:
            return folder
    return Path(tempfile.gettempdir())


def _sweep(above: Path) -> None:
    """Remove what programs left behind that were killed: nobody listens there any more."""
    for folder in above.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            if folder.stat().st_uid != os.getuid():
                continue
            try:
                line.connect(str(folder / "socket"))
            except ConnectionRefusedError:
                shutil.rmtree(folder, ignore_errors=True)


def _receive(line: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) < MESSAGE_LIMIT:
        piece = line.recv(4096)
        if not piece:
            break
        data += piece
    return data


def _listens(line: socket.socket) -> bool:
    """False once the askpass program is gone: ssh was ended, or gave up."""
    readable, _, _ = select.select([line], [], [], 0)
    return not readable or bool(line.recv(1, socket.MSG_PEEK))
