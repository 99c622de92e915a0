"""Full-screen programs for a guest: a second archive, which the kernel unpacks over the first.

They come out of a distribution's packages, unpacked into the lab's cache: nothing is
installed on this machine. Only guests that ask for them pay for them when they boot.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
from pathlib import Path

from tests.lab.cpio import Archive
from tests.lab.errors import LabError
from tests.lab.image import Image, libraries, run, unpack, write

PACKAGES = ("vim-tiny", "less", "nano", "mc", "mc-data", "procps", "ncurses-base")
PROGRAMS = ("vim.tiny", "less", "nano", "mc", "top")
"""Each from ``bin`` or ``usr/bin``."""
TERMINALS = ("vt100", "vt220", "linux", "xterm-256color", "screen")
FILES = (
    "etc/mc/mc.default.keymap",
    "etc/mc/mc.keymap",
    "etc/mc/mc.ext.ini",
    "etc/mc/mc.menu",
    "etc/mc/filehighlight.ini",
    "etc/mc/sfs.ini",
    "usr/share/mc/mc.lib",
    "usr/share/mc/mc.charsets",
    "usr/share/mc/skins/default.ini",
)
"""What mc wants beside itself; a release that has one of them elsewhere does without it."""


def with_programs(image: Image, cache: Path) -> Image:
    """The same image with the programs in it.

    Raises:
        LabError: they are not to be had here; the message says what is missing.
    """
    tree = cache / "programs"
    if not tree.exists():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise LabError(f"no programs for the guests: apt must give {', '.join(PACKAGES)}")
        unpack([*PACKAGES, *_needed()], tree)
    key = hashlib.sha256(f"{image.initramfs.name} {tree}".encode() + Path(__file__).read_bytes())
    both = cache / f"programs-{key.hexdigest()[:16]}.gz"
    if not both.exists():
        data = gzip.compress(_archive(tree), compresslevel=6, mtime=0)
        # The kernel takes compressed archives one behind the other.
        write(both, image.initramfs.read_bytes() + data)
    return Image(image.kernel, both)


def _needed() -> list[str]:
    """The library packages that the programs name, without the C library: it is there."""
    names: dict[str, None] = {}
    for package in PACKAGES:
        shown = run(["apt-cache", "depends", package], check=False)
        for name in re.findall(r"^\s+(?:Pre)?Depends: (lib\S+)$", shown, re.MULTILINE):
            if name != "libc6":
                names[name] = None
    return list(names)


def _archive(tree: Path) -> bytes:
    archive = Archive()
    folders = [path.parent for path in tree.rglob("*.so.*")]
    folders = list(dict.fromkeys(folders))
    for name in PROGRAMS:
        program = next(
            (path for part in ("usr/bin", "bin") if (path := tree / part / name).exists()), None
        )
        if program is None:
            raise LabError(f"none of {', '.join(PACKAGES)} has {name}: remove {tree}, try again")
        archive.copy(f"usr/bin/{name}", program)
        for library in libraries(program, folders):
            archive.copy(_place(library, tree), library)
    archive.link("usr/bin/vim", "vim.tiny")
    for name in TERMINALS:
        entry = f"terminfo/{name[0]}/{name}"
        source = next(
            path for part in ("lib", "usr/share") if (path := tree / part / entry).exists()
        )
        archive.copy(f"lib/{entry}", source, 0o644)
    for name in FILES:
        if (tree / name).exists():
            archive.copy(name, tree / name, 0o644)
    return archive.pack()


def _place(library: Path, tree: Path) -> str:
    """Where the guest's loader finds a library: the same path without the unpacked tree."""
    return str(library.relative_to(tree) if library.is_relative_to(tree) else library)
