"""Looks at the machine that tuivm runs on: processor, KVM, tools, disk, clock.

Reads files and starts one short program (virt-host-validate) at most; no libvirt. What
cannot be read is None. Takes a few tenths of a second: not for the UI's thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from tuivm.backend.login_facts import Login, group_name, groups_of
from tuivm.backend.service_facts import daemons, has_systemd, listeners
from tuivm.core.hostfacts import BridgeFact, DeviceFact, MachineFacts, ValidateLine
from tuivm.core.text import sanitise

PROGRAMS = ("qemu-img", "dnsmasq", "nft", "iptables", "virsh")
"""Programs whose presence is looked for, beside all of QEMU's emulators."""
PLACES = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")
"""Where they are, whatever the user's PATH is."""
VALIDATE_SECONDS = 1.2
IMAGES = "var/lib/libvirt/images"
_MANAGERS = (
    ("apt-get", "apt"),
    ("dnf", "dnf"),
    ("zypper", "zypper"),
    ("pacman", "pacman"),
    ("apk", "apk"),
)
_VALIDATE = re.compile(r"Checking (?:for |if )?(.+?)\s*:\s*(PASS|WARN|FAIL)(?:\s*\((.*)\))?\s*$")
_QEMU_CONF = r"""^\s*{}\s*=\s*["']\+?([\w.-]+)["']"""
_QEMU_USERS = ("libvirt-qemu", "qemu")
"""As whom QEMU runs where ``qemu.conf`` does not say: by distribution."""
_KVM_CREATE_VM = 0xAE01
_FIREWALL = re.compile(r"""^\s*firewall_backend\s*=\s*["'](\w+)["']""", re.MULTILINE)


def read_machine(root: Path = Path("/")) -> MachineFacts:
    """Look at everything; ``root`` is where ``proc``, ``sys``, ``dev`` and ``etc`` are."""
    found = _programs(root)
    systemd = has_systemd(root)
    version, controllers = _cgroups(root)
    services, running = daemons(root, systemd=systemd)
    if "firewalld" in running:
        found.add("firewalld-running")
    login = Login.read()
    qemu_user, qemu_kvm = _qemu(root)
    return MachineFacts(
        user=login.user,
        root=os.geteuid() == 0,
        groups=login.groups,
        listed_groups=login.listed,
        arch=platform.machine(),
        kernel=sanitise(platform.release(), 80),
        cpu_flags=_cpu_flags(root),
        modules=_modules(root),
        kvm=read_device(root / "dev/kvm"),
        qemu_user=qemu_user,
        qemu_kvm=qemu_kvm,
        nested=_nested(root),
        iommu_groups=_count(root / "sys/kernel/iommu_groups"),
        cgroups=version,
        controllers=controllers,
        systemd=systemd,
        daemons=services,
        ports=listeners(root),
        polkit=(root / "run/dbus/system_bus_socket").exists(),
        programs=frozenset(found),
        firewall=_firewall(root),
        bridges=_bridges(root),
        images=_images(root),
        clock_synced=_clock_synced(),
        validate=_validate(),
        packages=package_manager(),
    )


def find(program: str) -> str | None:
    """The path of a program of this machine, also where PATH lacks ``sbin``."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES]))


def package_manager() -> str:
    """The machine's package manager as ``core.packages`` names it, or empty."""
    return next((name for tool, name in _MANAGERS if find(tool)), "")


def text_of(path: Path, limit: int = 1 << 20) -> str | None:
    """The text of a small file, or None."""
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return None


def names_in(path: Path) -> list[str] | None:
    """The names in a folder, or None."""
    try:
        return os.listdir(path)
    except OSError:
        return None


def read_device(path: Path) -> DeviceFact:
    """Look at ``/dev/kvm``, try to open it, and to make a VM with it, which is gone at once."""
    try:
        status = path.stat()
    except OSError:
        return DeviceFact(exists=False)
    group, mode = group_name(status.st_gid), status.st_mode & 0o7777
    try:
        device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except PermissionError:
        return DeviceFact(True, False, group, mode, "permission denied")
    except OSError as error:
        return DeviceFact(True, False, group, mode, (error.strerror or str(error)).lower())
    try:
        # Opening proves little: the processor may be somebody else's, or have none of it.
        os.close(fcntl.ioctl(device, _KVM_CREATE_VM, 0))
    except OSError as error:
        reason = f"it makes no VM ({(error.strerror or str(error)).lower()})"
        return DeviceFact(True, False, group, mode, reason)
    finally:
        os.close(device)
    return DeviceFact(True, True, group, mode)


def _qemu(root: Path) -> tuple[str, bool | None]:
    """As whom QEMU of the system's daemon runs, and whether that user may open /dev/kvm."""
    conf = root / "etc/libvirt/qemu.conf"
    text = text_of(conf)
    if text is None:
        if os.path.lexists(conf):
            return "", None
        text = ""
    told = {key: re.search(_QEMU_CONF.format(key), text, re.MULTILINE) for key in ("user", "group")}
    names = (told["user"][1],) if told["user"] else _QEMU_USERS
    known = ((name, groups_of(name, told["group"][1] if told["group"] else "")) for name in names)
    user, found = next((pair for pair in known if pair[1] is not None), ("", None))
    if found is None:
        return "", None
    try:
        status = (root / "dev/kvm").stat()
    except OSError:
        return user, None
    number, groups = found
    shift = 6 if status.st_uid == number else 3 if status.st_gid in groups else 0
    return user, number == 0 or status.st_mode >> shift & 0o6 == 0o6


def _cpu_flags(root: Path) -> frozenset[str] | None:
    text = text_of(root / "proc/cpuinfo")
    if text is None:
        return None
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return frozenset(flags[1].split()) if flags else frozenset()


def _modules(root: Path) -> frozenset[str] | None:
    names = names_in(root / "sys/module")
    return None if names is None else frozenset(n for n in names if re.fullmatch(r"kvm(_\w+)?", n))


def _nested(root: Path) -> bool | None:
    for name in ("kvm_intel", "kvm_amd"):
        text = text_of(root / f"sys/module/{name}/parameters/nested", 16)
        if text is not None:
            return text.strip() in ("Y", "1")
    return None


def _count(path: Path) -> int | None:
    names = names_in(path)
    return None if names is None else len(names)


def _cgroups(root: Path) -> tuple[int | None, frozenset[str]]:
    folder = root / "sys/fs/cgroup"
    text = text_of(folder / "cgroup.controllers")
    if text is not None:
        return 2, frozenset(text.split())
    names = names_in(folder)
    if names is None:
        return None, frozenset()
    # The controllers of version 1 are folders, some of them joined: cpu,cpuacct.
    controllers = frozenset(part for name in names for part in name.split(","))
    return (1 if controllers else 0), controllers


def _programs(root: Path) -> set[str]:
    found = {name for name in PROGRAMS if find(name)}
    for place in {*os.environ.get("PATH", "").split(os.pathsep), *PLACES}:
        with contextlib.suppress(OSError):
            found |= {n for n in os.listdir(place or ".") if n.startswith("qemu-system-")}
    if (root / "usr/libexec/qemu-kvm").exists():
        found.add("qemu-kvm")
    return found


def _firewall(root: Path) -> str:
    match = _FIREWALL.search(text_of(root / "etc/libvirt/network.conf") or "")
    return match[1] if match else ""


def _bridges(root: Path) -> tuple[BridgeFact, ...] | None:
    names = names_in(root / "sys/class/net")
    if names is None:
        return None
    return tuple(
        BridgeFact(
            sanitise(name, 40),
            (text_of(root / f"sys/class/net/{name}/operstate", 16) or "").strip() != "down",
        )
        for name in sorted(names)
        if (root / f"sys/class/net/{name}/bridge").is_dir()
    )


def _images(root: Path) -> tuple[str, int, int] | None:
    for part in (IMAGES, "var/lib/libvirt", "var/lib"):
        try:
            room = os.statvfs(root / part)
        except OSError:
            continue
        return f"/{part}", room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    return None


def _clock_synced() -> bool | None:
    """Ask the kernel (adjtimex(2)): TIME_ERROR means that nobody keeps the clock in time."""
    time_error = 5
    # Longer than the kernel's struct timex; modes = 0 changes nothing.
    buffer = ctypes.create_string_buffer(512)
    try:
        state = ctypes.CDLL(None).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != time_error


def _validate() -> tuple[ValidateLine, ...] | None:
    program = find("virt-host-validate")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "qemu"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VALIDATE_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return validate_lines(done.stdout.decode("utf-8", "replace"))


def validate_lines(text: str) -> tuple[ValidateLine, ...]:
    """Read what ``virt-host-validate`` prints."""
    matches = (_VALIDATE.search(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in text.splitlines())
    return tuple(
        ValidateLine(sanitise(match[1], 80), match[2], sanitise(match[3] or "", 200))
        for match in matches
        if match is not None
    )
