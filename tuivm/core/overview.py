"""The overview of one domain: all of ``virsh dominfo`` and ``virsh domstats``, in plain words.

Each counter that has a meaning to people is told in their terms and units; what this
version does not know yet is listed under its own name, so that nothing is hidden.
"""

from __future__ import annotations

from tuivm.core.overview_io import disks, network
from tuivm.core.sections import Field, Known, Reading, Section, count, unknown, yes_no
from tuivm.core.text import bytes_text, duration_text

__all__ = ["Field", "Known", "Section", "overview"]

KIB = 1024
NANO = 1e-9
_VCPU_STATES = {0: "offline", 1: "running", 2: "waiting"}
"""``virVcpuState``."""


def overview(known: Known) -> tuple[Section, ...]:
    """Return the sections in the order in which they are read; unknown is said, with its reason."""
    reading = Reading(known)
    parts = (
        ("Identity", _identity(reading)),
        ("State", _state(reading)),
        ("CPU", _cpu(reading)),
        ("Memory", _memory(reading)),
        ("Disks", disks(reading)),
        ("Network", network(reading)),
        ("Guest agent", _agent(reading)),
        ("Host", _host(reading)),
        ("Security", _security(reading)),
        ("Also reported", _rest(reading)),
        ("Could not be read", _unread(reading)),
    )
    return tuple(Section(title, tuple(fields)) for title, fields in parts if fields)


def _identity(reading: Reading) -> list[Field]:
    domain, facts, info = reading.domain, reading.domain.facts, reading.info
    for told in ("name", "uuid", "id"):
        info.take(told)
    fields = [Field("Name", domain.name, "strong")]
    if facts and facts.title:
        fields.append(Field("Title", facts.title))
    if facts and facts.tags:
        fields.append(Field("Tags", ", ".join(facts.tags)))
    if facts and facts.description:
        fields.append(Field("Description", " ".join(facts.description.split())))
    fields.append(Field("UUID", domain.key.uuid))
    if domain.id is not None:
        fields.append(Field("Id", str(domain.id)))
    os_type = info.take("os type") or (facts.os_type if facts else "")
    if facts:
        kind = " · ".join(filter(None, (facts.virt_type, os_type, facts.arch, facts.machine)))
        fields.append(Field("Type", kind) if kind else unknown("Type", "its XML does not say"))
    else:
        fields.append(Field("Type", os_type) if os_type else unknown("Type", "XML not read yet"))
    return fields


def _state(reading: Reading) -> list[Field]:
    domain, info = reading.domain, reading.info
    for told in ("state.state", "state.reason"):
        reading.counters.take(told)
    info.take("state")
    text = f"{domain.state}: {domain.reason}" if domain.reason else str(domain.state)
    role = "state.fault" if domain.faulty else f"state.{domain.state}"
    fields = [Field("State", text, role)]
    if domain.state.active:
        fields.append(_uptime(reading))
    persistent = _told(info.take("persistent"), domain.persistent)
    autostart = _told(info.take("autostart"), domain.autostart)
    saved = _told(info.take("managed save"), domain.managed_save)
    for label in ("Control", "Job"):
        text = info.take(label)
        if text:
            fields.append(Field(label, text, "warn"))
    fields.append(yes_no("Persistent", persistent, no="no: it is gone for good once it stops"))
    fields.append(yes_no("Autostart", autostart, yes="yes, with its host"))
    fields.append(yes_no("Saved memory", saved, yes="yes: the next start resumes it", no="none"))
    number, current = info.take("snapshots"), info.take("current snapshot")
    if number:
        fields.append(Field("Snapshots", f"{number}, now at {current}" if current else number))
    else:
        fields.append(yes_no("Snapshots", domain.has_snapshots, no="none"))
    checkpoints = info.take("checkpoints")
    if checkpoints:
        fields.append(Field("Checkpoints", checkpoints))
    else:
        fields.append(yes_no("Checkpoints", domain.has_checkpoints, no="none"))
    fields.append(_next_boot(reading))
    return fields


def _told(text: str, known: bool | None) -> bool | None:
    """Prefer what was read just now: none of these flags sends an event when it changes."""
    words = {"yes": True, "enable": True, "no": False, "disable": False}
    return words.get(text.strip().casefold(), known)


def _uptime(reading: Reading) -> Field:
    domain = reading.domain
    if domain.started_at is None:
        return unknown("Up", "its host does not tell when it was started")
    text = duration_text(max(0.0, reading.known.now - domain.started_at))
    if domain.started_exact:
        return Field("Up", text)
    return Field("Up", f"at least {text}: that long tuivm has seen it run")


def _next_boot(reading: Reading) -> Field:
    domain, details = reading.domain, reading.details
    if not domain.state.active:
        return Field("Next boot", "nothing pending: it is off", "dim")
    if details and details.xml.inactive is None:
        return Field("Next boot", "none: a transient domain is gone once it stops", "dim")
    changes = len(details.xml.changes) if details else 0
    if changes or domain.pending_config:
        many = f"{changes} change{'s' * (changes != 1)}" if changes else "changes"
        return Field("Next boot", f"{many} wait for a power cycle", "warn")
    if details or domain.pending_config is False:
        return Field("Next boot", "as it runs now")
    return Field("Next boot", reading.known.waiting, "dim")


def _cpu(reading: Reading) -> list[Field]:
    domain, stats, counters = reading.domain, reading.stats, reading.counters
    fields: list[Field] = []
    now, most = counters.number("vcpu.current"), counters.number("vcpu.maximum")
    given = reading.info.take("cpu(s)") or (domain.facts and domain.facts.vcpus) or ""
    if now is not None and most is not None and now != most:
        fields.append(Field("vCPUs", f"{count(now)} of at most {count(most)}"))
    elif now is not None or given:
        fields.append(Field("vCPUs", count(now) if now is not None else str(given)))
    else:
        fields.append(unknown("vCPUs", reading.known.waiting or "its XML does not say"))
    if stats and stats.cpu is not None:
        fields.append(Field("Usage", f"{stats.cpu:.1f} % of its vCPUs"))
    elif domain.state.active:
        fields.append(unknown("Usage", "its host gives no CPU time"))
    fields += _cpu_times(reading)
    for prefix in counters.members("vcpu"):
        fields.append(_vcpu(reading, prefix))
    fields += [_named(name, value) for name, value in counters.rest("vcpu.")]
    counters.take("cpu.cache.monitor.count")
    polled = [counters.number(f"cpu.haltpoll.{end}.time") for end in ("success", "fail")]
    if polled[0] is not None and polled[1] is not None:
        worked, vain = (duration_text((nanoseconds or 0) * NANO) for nanoseconds in polled)
        fields.append(Field("Halt polling", f"{worked} with effect, {vain} in vain"))
    fields += [_named(name, value) for name, value in counters.rest("cpu.")]
    return fields


def _cpu_times(reading: Reading) -> list[Field]:
    counters = reading.counters
    told = reading.info.take("cpu time")
    total = counters.number("cpu.time")
    user, system = counters.number("cpu.user"), counters.number("cpu.system")
    if total is None:
        return [Field("CPU time", told)] if told and reading.domain.state.active else []
    text = duration_text(total * NANO)
    if user is not None and system is not None:
        text += f" ({duration_text(user * NANO)} user, {duration_text(system * NANO)} system)"
    return [Field("CPU time", text)]


def _vcpu(reading: Reading, prefix: str) -> Field:
    """One virtual CPU: state, share of its time it was busy, waiting and kept from running."""
    counters = reading.counters
    state = counters.number(prefix + "state")
    parts = [_VCPU_STATES.get(int(state), f"state {state}") if state is not None else "unknown"]
    if counters.take(prefix + "halted") in (True, 1, "yes"):
        parts = ["idle"]
    for name, word in (("time", "busy"), ("wait", "waiting for I/O"), ("delay", "held back")):
        total, rate = counters.number(prefix + name), reading.rate(prefix + name)
        if rate is not None and (name == "time" or rate * NANO >= 0.001):
            parts.append(f"{rate * NANO:.1%} {word}".replace("%", " %"))
        elif total and (name == "time" or rate is None):
            parts.append(f"{duration_text(total * NANO)} {word}")
    return Field(f"vCPU {prefix.split('.')[1]}", " · ".join(parts))


def _memory(reading: Reading) -> list[Field]:
    domain, stats, counters = reading.domain, reading.stats, reading.counters
    given, most = counters.number("balloon.current"), counters.number("balloon.maximum")
    told_most, told_used = reading.info.take("max memory"), reading.info.take("used memory")
    fields: list[Field] = []
    if stats and stats.memory_used is not None:
        share = stats.memory_used / stats.memory_max if stats.memory_max else None
        percent = "" if share is None else f" ({share:.0%})".replace("%", " %")
        fields.append(Field("Used by guest", bytes_text(stats.memory_used) + percent))
    elif domain.state.active:
        fields.append(unknown("Used by guest", "no figures from the guest's balloon driver"))
    now = bytes_text(given * KIB) if given is not None else told_used
    if now:
        fields.append(Field("Given now" if domain.state.active else "Given at start", now))
    limit = bytes_text(most * KIB) if most is not None else told_most
    if not limit and domain.facts and domain.facts.memory_max is not None:
        limit = bytes_text(domain.facts.memory_max)
    fields.append(
        Field("At most", limit)
        if limit
        else unknown("At most", reading.known.waiting or "not told by this host")
    )
    for name, label in _BALLOON_KIB:
        value = counters.number(f"balloon.{name}")
        if value is not None:
            fields.append(Field(label, bytes_text(value * KIB)))
    for name, label in _BALLOON_COUNTS:
        value = counters.number(f"balloon.{name}")
        if value is not None:
            fields.append(Field(label, count(value)))
    updated = counters.number("balloon.last-update")
    if updated:
        age = duration_text(max(0.0, reading.known.now - updated))
        fields.append(Field("Figures from", f"{age} ago"))
    fields += [_named(name, value) for name, value in counters.rest("balloon.")]
    return fields + _dirty_rate(reading)


def _dirty_rate(reading: Reading) -> list[Field]:
    """Tell how fast the guest writes to its memory, where somebody had it measured."""
    counters = reading.counters
    status = counters.number("dirtyrate.calc_status")
    speed = counters.number("dirtyrate.megabytes_per_second")
    fields = []
    if not status:
        # Nobody ever had it measured: the rest of the group says nothing.
        counters.rest("dirtyrate.")
    if speed is not None:
        fields.append(Field("Written to", f"{count(speed)} MiB/s when it was measured"))
    elif status == 1:
        fields.append(Field("Written to", "being measured"))
    return fields + [_named(name, value) for name, value in counters.rest("dirtyrate.")]


_BALLOON_KIB = (
    ("usable", "Free for use"),
    ("unused", "Wholly unused"),
    ("available", "Seen by guest"),
    ("disk_caches", "Disk caches"),
    ("rss", "Held by host"),
    ("swap_in", "Swapped in"),
    ("swap_out", "Swapped out"),
)
_BALLOON_COUNTS = (
    ("major_fault", "Disk faults"),
    ("minor_fault", "Memory faults"),
    ("hugetlb_pgalloc", "Huge pages got"),
    ("hugetlb_pgfail", "Huge pages lost"),
)


def _agent(reading: Reading) -> list[Field]:
    domain, details = reading.domain, reading.details
    if details and details.guest:
        return [Field(label, value) for label, value in details.guest]
    if domain.facts and domain.facts.has_agent is False:
        return [Field("Agent", "none: its XML has no guest agent channel", "dim")]
    if not domain.state.active:
        return [Field("Agent", f"it is {domain.state}: nobody to ask", "dim")]
    if details is None:
        return [Field("Agent", reading.known.waiting, "dim")]
    if domain.facts is None:
        return [unknown("Agent", "XML not read yet")]
    return [Field("Agent", "channel present, no answer: is qemu-guest-agent running?", "dim")]


def _host(reading: Reading) -> list[Field]:
    host, counters = reading.known.host, reading.counters
    fields: list[Field] = []
    if host is not None:
        name = host.hostname if host.hostname and host.hostname != host.id else ""
        fields.append(Field("Host", f"{host.id} ({name})" if name else host.id))
        fields.append(Field("URI", host.uri))
        versions = ", ".join(
            filter(None, (host.hypervisor, host.libvirt and f"libvirt {host.libvirt}"))
        )
        if versions:
            fields.append(Field("Runs on", versions))
    for prefix in counters.members("iothread"):
        tail = len(prefix)
        values = ", ".join(f"{name[tail:]} {count(value)}" for name, value in counters.rest(prefix))
        fields.append(Field(f"I/O thread {prefix.split('.')[1]}", values))
    return fields


def _security(reading: Reading) -> list[Field]:
    told = {label: reading.info.take(f"Security {label}") for label in ("model", "label", "DOI")}
    if told["model"] in ("", "none"):
        return []
    titles = (("Model", told["model"]), ("Label", told["label"]), ("DOI", told["DOI"]))
    return [Field(title, value) for title, value in titles if value]


def _rest(reading: Reading) -> list[Field]:
    """What libvirt tells and this version has no words for, under libvirt's own names."""
    reading.info.take("messages")
    messages = reading.details.messages if reading.details else ()
    fields = [Field("Message", message, "warn") for message in messages]
    fields += [Field(label, value) for label, value in reading.info.rest()]
    return fields + [_named(name, value) for name, value in reading.counters.rest()]


def _named(name: str, value: int | float | str) -> Field:
    return Field(name, count(value))


def _unread(reading: Reading) -> list[Field]:
    fields = [
        Field("", text, "warn") for text in (reading.details.unread if reading.details else ())
    ]
    if reading.known.error is not None:
        fields.append(Field("Details", str(reading.known.error), "bad"))
    return fields
