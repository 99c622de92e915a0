"""What guests print on a serial line when they want a user, a password, or a command."""

from __future__ import annotations

import re
import secrets
import shlex

from tuivm.backend.login_line import Sign
from tuivm.core.text import sanitise

_SECRET = (
    r"(?:pass(?:word|wort|code|phrase)|kennwort|mot de passe|contrase\S{1,4}a|senha|parola|"
    r"hasło|heslo|lösenord|wachtwoord|пароль|密码|密碼|パスワード|암호)[^\n]{0,40}[:\uff1a]"
)
_NAME = r"(?<!last )(?:login|user ?name|benutzername|anmeldename|identifiant|usuario|utente) ?:"

LOGIN = Sign(re.compile(_NAME + r" ?\Z", re.IGNORECASE), at_rest=True)
"""It asks for a user."""
PASSWORD = Sign(re.compile(_SECRET, re.IGNORECASE))
"""It asks for a password; the kernel may have said something since."""
PASSWORD_AT_REST = Sign(re.compile(_SECRET + r" ?\Z", re.IGNORECASE), at_rest=True)
PROMPT = Sign(re.compile("[$#%>\u276f\xbb\u279c\u03bb] ?\\Z"), at_rest=True)
"""It looks like a shell that waits."""
WRONG = Sign(
    re.compile(
        r"^\W*(?:login incorrect|incorrect login|login failed|authentication fail\w+|"
        r"authentication error|access denied|maximum number of tries|falsche anmeldung|"
        r"anmeldung fehlgeschlagen|identifiant\S* incorrect)",
        re.IGNORECASE | re.MULTILINE,
    )
)
"""It does not take that user or password."""
EXPIRED = Sign(
    re.compile(
        r"required to change your password|password (?:has )?expired|changing password for|"
        r"new password ?:|account (?:has )?expired",
        re.IGNORECASE,
    )
)
"""It takes the password and wants another one first."""

_SCRIPT = (
    r'printf "\n%s-%s\n" {a} {b};{{ "${{SHELL:-sh}}" -c "$1" </dev/null;'
    r'printf "\n%s-%s:%s:\n" {a} {c} $? {a} {c} $?;}} 2>&1|cat'
)
"""Prints a mark, the command's output, and a mark with its exit code.

The command is run as sshd does it: by the user's shell, with nothing to read, and its output
is no terminal: no pager, no colours, no progress bars. The marks stand in the output with a
dash that the echo of the typed line does not have; the last one stands there twice, because
the kernel prints into the middle of lines.
"""


class Wrapped:
    """One command, as it is typed, and the marks around its output."""

    def __init__(self, command: str) -> None:
        a, b, c = (secrets.token_hex(4) for _ in range(3))
        script = _SCRIPT.format(a=a, b=b, c=c)
        # A leading space keeps it out of the history of shells that are set so.
        self.typed = f" sh -c {shlex.quote(script)} - {shlex.quote(command)}\r"
        self.begin = Sign(re.compile(rf"{a}-{b}\r*\n"))
        self.end = re.compile(rf"{a}-{c}:(\d+):")


MAX_COMMAND = 3000
"""Bytes: a terminal takes lines of 4096, and the marks and quotes want their share."""


def refusal(user: str, password: str, command: str) -> str:
    """Why these cannot be typed at a guest, or empty."""
    if not user.strip():
        return "no user was given"
    if not command.strip():
        return "no command was given"
    for what, text in (("user", user), ("password", password), ("command", command)):
        if any(ord(char) < 32 or ord(char) == 127 for char in text):
            return f"the {what} has control characters: it has to be one line"
    if len(shlex.quote(command).encode()) > MAX_COMMAND:
        return f"the command is longer than {MAX_COMMAND} bytes: put it into a script"
    return ""


def words(text: str, secret: str) -> str:
    """A piece of the guest's output for a message; a password that it echoed is taken out."""
    if secret:
        text = text.replace(secret, "********")
    return sanitise(text.strip(), 120)
