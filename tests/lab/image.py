"""The guests' kernel and initramfs, made once and kept in the lab's cache.

The kernel is a distribution's package, unpacked into the cache: nothing is installed on
this machine, its boot loader never hears of it. The initramfs is a static busybox, the
guest agent with its libraries, and a dozen modules.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.cpio import Archive
from tests.lab.errors import LabError
from tests.lab.needs import find, host_kernel

KERNEL_PACKAGES = ("linux-image-cloud-amd64", "linux-image-virtual", "linux-image-amd64")
"""Smallest first; each is a package that depends on the one with the kernel."""

MODULES = (
    *("evdev", "button", "virtio_pci", "virtio_blk", "virtio_net", "virtio_console"),
    *("virtio_balloon", "ata_piix", "sd_mod", "sr_mod", "isofs", "pvpanic_mmio"),
)
"""Where one of them is built into the kernel, so much the better."""

PASSWORD_HASH = "$5$tuivm$EG9RlfxXMHzJWbnZHUnIjXyoXfXdzdvjVEQ5dmL.AmD"
"""Of ``lab``: root's password in every guest."""

GUEST_FILES = Path(__file__).parent / "guest"


@dataclass(frozen=True, slots=True)
class Image:
    """What a guest boots from."""

    kernel: Path
    initramfs: Path


def build(cache: Path) -> Image:
    """Give the kernel and the initramfs, from the cache where they are there already.

    Raises:
        LabError: no kernel, busybox or guest agent to be had.
    """
    cache.mkdir(parents=True, exist_ok=True)
    kernel, modules = _kernel(cache)
    busybox = _program(cache, "busybox", "busybox-static", "bin/busybox", static=True)
    agent = _program(cache, "qemu-ga", "qemu-guest-agent", "usr/sbin/qemu-ga")
    recipe = [Path(__file__), *sorted(GUEST_FILES.iterdir())]
    key = hashlib.sha256(str((kernel, agent, busybox)).encode())
    for part in recipe:
        key.update(part.read_bytes())
    initramfs = cache / f"initramfs-{key.hexdigest()[:16]}.gz"
    if not initramfs.exists():
        data = gzip.compress(_initramfs(modules, busybox, agent), compresslevel=6, mtime=0)
        write(initramfs, data)
    return Image(kernel, initramfs)


def _kernel(cache: Path) -> tuple[Path, Path]:
    """The kernel image and its module tree: from the cache, a package, or this machine."""
    unpacked = cache / "kernel"
    if not unpacked.exists() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        for package in KERNEL_PACKAGES:
            if names := _kernel_packages(package):
                unpack(names, unpacked)
                break
    if unpacked.exists():
        images = sorted(unpacked.glob("boot/vmlinuz-*"))
        trees = sorted([*unpacked.glob("lib/modules/*"), *unpacked.glob("usr/lib/modules/*")])
        if images and trees:
            return images[0], trees[0]
    own = host_kernel()
    if own is None:
        raise LabError(
            "no kernel for the guests: apt could not give one of "
            f"{', '.join(KERNEL_PACKAGES)}, and this machine has none readable in /boot "
            "(try apt-get update)"
        )
    return own


def _kernel_packages(package: str) -> list[str]:
    """The packages behind a kernel meta package: image, and modules where they are apart."""
    shown = run(["apt-cache", "depends", package], check=False)
    names = re.findall(r"^\s+Depends: (linux-(?:image|modules)-\S+)$", shown, re.MULTILINE)
    for name in list(names):
        more = run(["apt-cache", "depends", name], check=False)
        names += re.findall(r"^\s+Depends: (linux-modules-\S+)$", more, re.MULTILINE)
    return list(dict.fromkeys(names))


def _program(cache: Path, name: str, package: str, member: str, *, static: bool = False) -> Path:
    """A program of this machine, else out of its package, unpacked into the cache."""
    installed = find(name)
    if installed and not (static and libraries(Path(installed))):
        return Path(installed)
    folder = cache / package
    if not folder.exists():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            kind = "a static " if static else ""
            raise LabError(f"no {kind}{name} here: install what Debian calls {package}")
        unpack([package], folder)
    for prefix in ("", "usr/"):
        if (folder / (prefix + member)).exists():
            return folder / (prefix + member)
    raise LabError(f"{package} has no {member}")


def unpack(packages: list[str], folder: Path) -> None:
    """Download packages and unpack them into ``folder``, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        # apt's download step drops to a user who must be able to write here.
        os.chmod(scratch, 0o777)
        run(["apt-get", "-q", "download", *packages], cwd=Path(scratch))
        debs = sorted(Path(scratch).glob("*.deb"))
        target = Path(scratch) / "tree"
        for deb in debs:
            run(["dpkg-deb", "-x", str(deb), str(target)])
        target.rename(folder)


def _initramfs(modules: Path, busybox: Path, agent: Path) -> bytes:
    archive = Archive()
    for path in ("proc", "sys", "dev", "run", "tmp", "root", "var/log", "var/run", "usr/bin"):
        archive.directory(path)
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3)
    archive.copy("bin/busybox", busybox)
    archive.link("bin/sh", "busybox")
    for name, path, mode in (
        ("init", "init", 0o755),
        ("rc", "etc/rc", 0o755),
        ("inittab", "etc/inittab", 0o644),
        ("getty-serial", "etc/getty-serial", 0o755),
        ("getty-hvc", "etc/getty-hvc", 0o755),
        ("udhcpc.sh", "etc/udhcpc.sh", 0o755),
        ("shutdown", "sbin/shutdown", 0o755),
        ("fsfreeze-hook", "etc/fsfreeze-hook", 0o755),
        ("profile", "etc/profile", 0o644),
        ("issue", "etc/issue", 0o644),
        ("os-release", "etc/os-release", 0o644),
    ):
        archive.copy(path, GUEST_FILES / name, mode)
    archive.file("etc/acpi/PWRF/00000080", b"#!/bin/sh\nexec /sbin/poweroff\n", 0o755)
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\ntty:x:5:\n")
    archive.file("etc/shadow", f"root:{PASSWORD_HASH}:19000:0:99999:7:::\n".encode(), 0o600)
    archive.copy("usr/sbin/qemu-ga", agent)
    for library in libraries(agent):
        archive.copy(str(library), library)
    _add_modules(archive, modules)
    return archive.pack()


def libraries(program: Path, folders: Iterable[Path] = ()) -> list[Path]:
    """The shared libraries of a program, the loader included; none when it is static.

    They are looked for in ``folders``, then where this machine has its own.
    """
    path = ":".join(map(str, folders))
    shown = run(["ldd", str(program)], check=False, env={"LD_LIBRARY_PATH": path} if path else {})
    if lost := re.findall(r"^\s*(\S+) => not found", shown, re.MULTILINE):
        raise LabError(f"{program.name} lacks {', '.join(lost)}: install its package here")
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", shown)]


def _add_modules(archive: Archive, tree: Path) -> None:
    """Add the modules, those that they need, and depmod's index of just these."""
    available = {
        path.name.split(".")[0].replace("-", "_"): path for path in tree.glob("kernel/**/*.ko*")
    }
    with tempfile.TemporaryDirectory() as scratch:
        release = tree.name
        target = Path(scratch) / "lib/modules" / release
        for path in _with_needed(MODULES, available):
            inside = target / path.relative_to(tree)
            inside.parent.mkdir(parents=True, exist_ok=True)
            plain = inside.with_name(inside.name[: inside.name.index(".ko") + 3])
            plain.write_bytes(_decompressed(path))
        for index in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            if (tree / index).exists():
                shutil.copy(tree / index, target)
        run([find("depmod") or "depmod", "-b", scratch, release])
        for path in target.rglob("*"):
            if path.is_file():
                archive.copy(str(path.relative_to(scratch)), path, 0o644)


def _with_needed(names: Iterable[str], available: dict[str, Path]) -> list[Path]:
    found: dict[str, Path] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path = available.get(name)
        if path is None or name in found:
            continue
        found[name] = path
        # The .modinfo section is plain NUL-separated text: no modinfo program is needed.
        match = re.search(rb"\0depends=([^\0]*)\0", _decompressed(path))
        if match:
            waiting += [part.replace("-", "_") for part in match[1].decode().split(",") if part]
    return list(found.values())


def _decompressed(module: Path) -> bytes:
    data = module.read_bytes()
    if module.suffix == ".xz":
        return lzma.decompress(data)
    if module.suffix == ".gz":
        return gzip.decompress(data)
    if module.suffix == ".zst":
        return subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True).stdout
    return data


def write(path: Path, data: bytes) -> None:
    """Write whole or not at all: a broken run must not leave half an image behind."""
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_bytes(data)
    scratch.rename(path)


def run(
    command: list[str],
    *,
    cwd: Path | None = None,
    check: bool = True,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program; its output. ``env`` is added to the environment.

    Raises:
        LabError: there is no such program, or it failed and ``check`` was left on.
    """
    variables = os.environ | dict(env or {})
    try:
        done = subprocess.run(
            command, cwd=cwd, env=variables, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise LabError(f"{command[0]}: {error.strerror}") from error
    if check and done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()[-400:]}")
    return done.stdout
