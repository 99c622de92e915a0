"""The lab's guests: their XML, and the fleet that ``up`` defines."""

from __future__ import annotations

import subprocess
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from tests.lab.daemon import virsh
from tests.lab.errors import LabError
from tests.lab.image import Image
from tests.lab.needs import find
from tests.lab.paths import Paths, Running
from tests.lab.programs import with_programs

MEMORY_MIB = 192
NAMESPACE = uuid.UUID("6f1c2a5e-6c0b-4c55-9f7d-0a4b8b1f3d10")

HOSTILE_NAME = "-a[b] 'q\"é"
"""The hostile name that the qemu driver takes: it refuses a slash (``a[/b]``)."""

HOSTILE_TITLE = (
    "[bold red]not markup[/] \u202egnp.exe \u2066x\u2069 \u200bzero "
    "\u009d52;c;aGFja2Vk\u009c \x7f [link=http://example.net]x[/link] " + "long " * 800
).strip()
"""All that XML 1.0 lets through of what a terminal or a markup parser would obey."""


@dataclass(frozen=True, slots=True)
class Guest:
    """What is particular to one guest."""

    name: str
    title: str = ""
    description: str = ""
    arguments: str = ""
    """Further words of the kernel's command line."""
    start: str = ""
    """``running``, ``paused``, or empty for off."""
    network: bool = True
    agent: bool = True
    virtio_console: bool = False
    serial: bool = True
    serial_log: bool = True
    memory: int = MEMORY_MIB
    vcpus: int = 1
    extra: str = ""
    """Further device elements."""
    programs: bool = False
    """With editors, a pager and a file manager: ``tests.lab.programs``."""
    hostname: str = ""
    tags: tuple[str, ...] = field(default=())

    @property
    def uuid(self) -> str:
        """The same in every lab, so that tests and screenshots can name it."""
        return str(uuid.uuid5(NAMESPACE, self.name))


FLEET = (
    Guest("web-01", title="The web server", start="running", description="Serves the lab's pages."),
    Guest("acpi-off", title="Ignores the power button", arguments="acpi=off", start="running"),
    Guest("paused-01", title="Paused before its first instruction", start="paused"),
    Guest("off-01", title="Off"),
    Guest("hvc-01", title="Its console is virtio", virtio_console=True),
    Guest(HOSTILE_NAME, title=HOSTILE_TITLE, hostname="hostile"),
)


def domain_xml(guest: Guest, paths: Paths, image: Image) -> str:
    """The guest's domain XML."""
    safe = guest.uuid[:8]
    arguments = f"console=ttyS0 lab.hostname={guest.hostname or guest.name} {guest.arguments}"
    if guest.virtio_console:
        arguments = "console=hvc0 " + arguments
    return f"""\
<domain type='qemu'>
  <name>{escape(guest.name)}</name>
  <uuid>{guest.uuid}</uuid>
  {_element("title", guest.title)}
  {_element("description", guest.description)}
  <memory unit='MiB'>{guest.memory}</memory>
  <vcpu>{guest.vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{escape(str(image.kernel))}</kernel>
    <initrd>{escape(str(image.initramfs))}</initrd>
    <cmdline>{escape(arguments.strip())}</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='custom' match='exact'><model>qemu64</model></cpu>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file={quoteattr(str(paths.disks / f"{safe}.qcow2"))}/>
      <target dev='vda' bus='virtio'/>
    </disk>
    {_network(guest) if guest.network else ""}
    {_serial(guest, paths) if guest.serial else ""}
    {"<console type='pty'><target type='virtio'/></console>" if guest.virtio_console else ""}
    {AGENT if guest.agent else ""}
    <memballoon model='virtio'><stats period='2'/></memballoon>
    {guest.extra}
  </devices>
</domain>
"""


AGENT = """<channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>"""


def _network(guest: Guest) -> str:
    mac = "52:54:00:" + ":".join(guest.uuid.replace("-", "")[i : i + 2] for i in (0, 2, 4))
    return (
        f"<interface type='network'><mac address='{mac}'/>"
        "<source network='default'/><model type='virtio'/></interface>"
    )


def _serial(guest: Guest, paths: Paths) -> str:
    log = serial_log(guest, paths)
    element = f"<log file={quoteattr(str(log))} append='off'/>" if guest.serial_log else ""
    console = (
        "" if guest.virtio_console else "<console type='pty'><target type='serial'/></console>"
    )
    return f"<serial type='pty'><target port='0'/>{element}</serial>{console}"


def serial_log(guest: Guest, paths: Paths) -> Path:
    """The file with every byte that the guest's serial port said since its start."""
    return paths.serial / f"{guest.uuid[:8]}.log"


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def define(running: Running, paths: Paths, image: Image, guest: Guest) -> None:
    """Define the guest afresh, and start it where it says so."""
    if guest.programs:
        image = with_programs(image, paths.cache)
    disk = paths.disks / f"{guest.uuid[:8]}.qcow2"
    if not disk.exists():
        command = [find("qemu-img") or "qemu-img", "create", "-q", "-f", "qcow2", str(disk), "64M"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"qemu-img: {done.stderr.strip()}")
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as handle:
        handle.write(domain_xml(guest, paths, image))
        handle.flush()
        virsh(running, "define", handle.name)
    if guest.start:
        flags = ["--paused"] if guest.start == "paused" else []
        virsh(running, "start", guest.uuid, *flags)


def remove(running: Running, paths: Paths, guest: Guest) -> None:
    """Force it off and undefine it, whatever it is in; fine when it is gone already."""
    virsh(running, "destroy", guest.uuid, check=False)
    virsh(running, "undefine", guest.uuid, "--managed-save", "--snapshots-metadata", check=False)
    (paths.disks / f"{guest.uuid[:8]}.qcow2").unlink(missing_ok=True)
