"""The few commands that the shell in the demo's guests knows."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tuivm.backend.demo_boot import kernel, os_name
from tuivm.backend.demo_fleet import Machine
from tuivm.core.text import duration_text

Wish = Literal["", "logout", "poweroff", "reboot"]
"""What a command asks of the guest beyond its output."""

_FILES: dict[str, tuple[str, ...]] = {
    "/": ("bin", "boot", "dev", "etc", "home", "proc", "root", "srv", "tmp", "usr", "var"),
    "/etc": ("fstab", "hostname", "hosts", "os-release", "passwd", "ssh"),
    "/root": ("notes.txt",),
    "/home": (),
    "/srv": (),
    "/tmp": (),
    "/var": ("log",),
}
_FOLDERS = frozenset({*_FILES, "/bin", "/boot", "/dev", "/proc", "/usr", "/var/log", "/etc/ssh"})


_MARKS = re.compile(r'printf "\\n%s-%s\\n" (\w+) (\w+);.* \1 (\w+) \$\?;')
_COLOUR = re.compile(r"\x1b\[[0-9;]*[a-zA-Z]")


@dataclass(slots=True)
class Shell:
    """One login's shell."""

    machine: Machine
    user: str
    booted: float
    """``time.time()`` of the guest's boot."""
    folder: str = "/root"
    history: list[str] = field(default_factory=list)

    @property
    def prompt(self) -> str:
        """As a root shell has it, in colour."""
        shown = "~" if self.folder == "/root" else self.folder
        return (
            f"\x1b[1;32m{self.user}@{self.machine.hostname}\x1b[0m:\x1b[1;34m{shown}\x1b[0m"
            f"{'#' if self.user == 'root' else '$'} "
        )

    def run(self, line: str) -> tuple[str, Wish]:
        """Run one line; returns its output, with plain newlines, and what it asks for."""
        if (wrapped := self._wrapped(line)) is not None:
            return wrapped
        self.history.append(line)
        del self.history[:-100]
        output = ""
        for part in line.split(";"):
            try:
                words = shlex.split(part)
            except ValueError as error:
                return f"{output}-sh: {error}\n", ""
            while words and words[0] in ("sudo", "exec"):
                words = words[1:]
            if not words:
                continue
            if words[0] in _WISHES:
                return output, _WISHES[words[0]]
            if words[0] == "shutdown":
                return output, "reboot" if "-r" in words else "poweroff"
            command = _COMMANDS.get(words[0])
            if command is None:
                output += f"-sh: {words[0]}: not found (this is a demo: try help)\n"
            else:
                output += command(self, words[1:])
        return output, ""

    def _wrapped(self, line: str) -> tuple[str, Wish] | None:
        """What "log in and run" types: its marks, with a command's output between them."""
        try:
            words = shlex.split(line)
        except ValueError:
            return None
        marks = _MARKS.match(words[2]) if len(words) == 5 and words[:2] == ["sh", "-c"] else None
        if marks is None:
            return None
        output, wish = self.run(words[4])
        code = 127 if ": not found (this is" in output else int(words[4].endswith("false"))
        a, b, c = marks.groups()
        end = f"\n{a}-{c}:{code}:\n"
        # Its output is no terminal's there.
        return f"\n{a}-{b}\n{_COLOUR.sub('', output)}{end}{end}", "" if wish == "logout" else wish

    def resolve(self, path: str) -> str:
        """Make a path absolute."""
        parts: list[str] = []
        whole = path.replace("~", "/root", 1)
        for part in (whole if whole.startswith("/") else f"{self.folder}/{whole}").split("/"):
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        return "/" + "/".join(parts)

    def text(self, path: str) -> str | None:
        """A file's content, None when there is no such file."""
        name, version = os_name(self.machine.os)
        return {
            "/etc/hostname": f"{self.machine.hostname}\n",
            "/etc/hosts": f"127.0.0.1 localhost\n{self.machine.ip} {self.machine.hostname}\n",
            "/etc/os-release": f'NAME="{name}"\nVERSION="{version}"\nID={self.machine.os}\n',
            "/etc/fstab": "/dev/vda1 / ext4 defaults 0 1\n",
            "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
            "/root/notes.txt": "Nothing here is real, but the keys are: ctrl+] brings you back.\n",
        }.get(path)


_WISHES: dict[str, Wish] = {
    "exit": "logout",
    "logout": "logout",
    "poweroff": "poweroff",
    "halt": "poweroff",
    "reboot": "reboot",
}


def _help(shell: Shell, args: list[str]) -> str:
    names = sorted([*_COMMANDS, *_WISHES, "shutdown"])
    return "This guest is simulated. It knows:\n  " + " ".join(names) + "\n"


def _ls(shell: Shell, args: list[str]) -> str:
    long = any(arg.startswith("-") and "l" in arg for arg in args)
    paths = [arg for arg in args if not arg.startswith("-")] or ["."]
    output = ""
    for path in paths:
        full = shell.resolve(path)
        if full not in _FOLDERS:
            output += f"{path}\n" if shell.text(full) is not None else f"ls: {path}: not found\n"
            continue
        names = _FILES.get(full, ())
        shown = [_coloured(full, name) for name in names]
        if long:
            output += "".join(f"{_mode(full, name)} {text}\n" for name, text in zip(names, shown))  # noqa: B905
        elif shown:
            output += "  ".join(shown) + "\n"
    return output


def _is_folder(folder: str, name: str) -> bool:
    return f"{folder.rstrip('/')}/{name}" in _FOLDERS


def _coloured(folder: str, name: str) -> str:
    return f"\x1b[1;34m{name}\x1b[0m" if _is_folder(folder, name) else name


def _mode(folder: str, name: str) -> str:
    kind = "drwxr-xr-x" if _is_folder(folder, name) else "-rw-r--r--"
    return f"{kind}  1 root root  4096 Nov  2 08:14"


def _cat(shell: Shell, args: list[str]) -> str:
    output = ""
    for path in args:
        text = shell.text(shell.resolve(path))
        output += text if text is not None else f"cat: can't open '{path}': no such file\n"
    return output


def _cd(shell: Shell, args: list[str]) -> str:
    path = shell.resolve(args[0]) if args else "/root"
    if path not in _FOLDERS:
        return f"-sh: cd: can't cd to {args[0]}: no such folder\n"
    shell.folder = path
    return ""


def _uname(shell: Shell, args: list[str]) -> str:
    if not args:
        return "Linux\n"
    release = kernel(shell.machine.os)
    if args[0] == "-r":
        return f"{release}\n"
    return f"Linux {shell.machine.hostname} {release} #1 SMP PREEMPT_DYNAMIC x86_64 GNU/Linux\n"


def _uptime(shell: Shell, args: list[str]) -> str:
    up = duration_text(time.time() - shell.booted)
    load = shell.machine.load * shell.machine.vcpus / 100
    clock = time.strftime("%H:%M:%S")
    return f" {clock} up {up},  1 user,  load average: {load:.2f}, {load:.2f}, {load:.2f}\n"


def _free(shell: Shell, args: list[str]) -> str:
    total = shell.machine.memory >> 10
    used = int(total * shell.machine.memory_share)
    return (
        "               total        used        free\n"
        f"Mem:    {total:12d}{used:12d}{total - used:12d}\nSwap:              0           0"
        "           0\n"
    )


def _df(shell: Shell, args: list[str]) -> str:
    output = "Filesystem      Size  Used Avail Use% Mounted on\n"
    mounts = ("/", "/srv", "/var/lib")
    for letter, mount, (_name, size) in zip("abc", mounts, shell.machine.disks, strict=False):
        used = size * 3 // 10
        output += f"/dev/vd{letter}1      {size:3d}G  {used:3d}G  {size - used:3d}G  31% {mount}\n"
    return output


def _ps(shell: Shell, args: list[str]) -> str:
    service = {"web": "nginx", "db-": "postgres", "mai": "dovecot", "cac": "redis-server"}
    own = service.get(shell.machine.name[:3], "cron")
    rows = ((1, "init"), (212, "systemd-journald"), (388, own), (401, "sshd"), (977, "-sh"))
    return "  PID COMMAND\n" + "".join(f"{pid:5d} {name}\n" for pid, name in rows)


def _ip(shell: Shell, args: list[str]) -> str:
    machine = shell.machine
    return (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n"
        f"2: enp1s0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    link/ether {machine.mac}\n"
        f"    inet {machine.ip}/24 brd {machine.ip.rsplit('.', 1)[0]}.255 scope global enp1s0\n"
    )


def _colours(shell: Shell, args: list[str]) -> str:
    rows = []
    for base in (40, 100):
        rows.append("".join(f"\x1b[{base + index}m    \x1b[0m" for index in range(8)))
    rows.append("".join(f"\x1b[48;5;{index}m \x1b[0m" for index in range(16, 88)))
    rows.append("".join(f"\x1b[48;2;{v};{255 - v};128m \x1b[0m" for v in range(0, 256, 4)))
    return "\n".join(rows) + "\n"


def _dmesg(shell: Shell, args: list[str]) -> str:
    return (
        f"[    0.000000] Linux version {kernel(shell.machine.os)} (builder@demo)\n"
        "[    0.000000] Hypervisor detected: KVM\n"
        "[    2.113042] EXT4-fs (vda1): mounted filesystem with ordered data mode.\n"
    )


def _history(shell: Shell, args: list[str]) -> str:
    return "".join(f"{number:5d}  {line}\n" for number, line in enumerate(shell.history, 1))


_COMMANDS: dict[str, Callable[[Shell, list[str]], str]] = {
    "help": _help,
    "ls": _ls,
    "cat": _cat,
    "cd": _cd,
    "pwd": lambda shell, args: f"{shell.folder}\n",
    "uname": _uname,
    "hostname": lambda shell, args: f"{shell.machine.hostname}\n",
    "whoami": lambda shell, args: f"{shell.user}\n",
    "id": lambda shell, args: f"uid=0({shell.user}) gid=0(root) groups=0(root)\n",
    "uptime": _uptime,
    "free": _free,
    "df": _df,
    "ps": _ps,
    "ip": _ip,
    "date": lambda shell, args: time.strftime("%a %b %e %H:%M:%S %Z %Y\n"),
    "dmesg": _dmesg,
    "colours": _colours,
    "history": _history,
    "true": lambda shell, args: "",
    "false": lambda shell, args: "",
    "sync": lambda shell, args: "",
    "echo": lambda shell, args: " ".join(args) + "\n",
    "clear": lambda shell, args: "\x1b[H\x1b[2J",
}
