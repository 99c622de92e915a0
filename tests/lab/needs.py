"""What the lab needs of this machine: programs, packages, rights."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

PROGRAMS = {
    "libvirtd": "libvirt-daemon-system",
    "virtlogd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "iptables": "iptables",
    "depmod": "kmod",
    "unshare": "util-linux",
}
"""Program to Debian package."""
TRANSPORTS = {
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "nc": "netcat-openbsd",
    "saslpasswd2": "sasl2-bin",
    "openssl": "openssl",
}
"""The same for the tests of ways to a host; guests do without."""

SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/libexec")


def find(program: str) -> str | None:
    """The program's path; ``sbin`` counts also where it is not in PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SBIN])
    found = shutil.which(program, path=path)
    if found is None and program == "qemu-system-x86_64":
        return shutil.which("qemu-kvm", path=path)
    return found


def missing_packages() -> list[str]:
    """Debian packages whose programs are missing here, each once."""
    wanted = {**PROGRAMS, **TRANSPORTS}
    return list(dict.fromkeys(pkg for prog, pkg in wanted.items() if find(prog) is None))


def obstacle() -> str | None:
    """Why real guests are impossible here, or None. Ask as the user who will run the lab."""
    if platform.machine() != "x86_64":
        return f"the lab's guests are x86_64, this machine is {platform.machine()}"
    if os.geteuid() != 0:
        return "not root: run it as root or with sudo"
    missing = [program for program in PROGRAMS if find(program) is None]
    if missing:
        return f"not installed: {', '.join(missing)} ({install_hint()})"
    probe = subprocess.run(
        ["unshare", "-m", "-n", "-p", "-f", "--mount-proc", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        return f"no private namespaces here: {probe.stderr.strip()}"
    return None


def install_hint() -> str:
    """One command that installs what is missing, where apt is; else the names."""
    packages = " ".join(missing_packages())
    if shutil.which("apt-get"):
        return f"apt-get install --no-install-recommends {packages}"
    return f"install what Debian calls: {packages}"


def host_kernel() -> tuple[Path, Path] | None:
    """This machine's own kernel image and its modules, where both can be read."""
    release = platform.release()
    modules = Path("/lib/modules") / release
    for image in (Path("/boot") / f"vmlinuz-{release}", modules / "vmlinuz"):
        if image.is_file() and os.access(image, os.R_OK) and (modules / "kernel").is_dir():
            return image, modules
    return None
