"""All about one job, in full: what the list's line has no room for; pure functions."""

from __future__ import annotations

from tuivm.core.jobs import DomainJob, JobLine
from tuivm.core.stops import waiting
from tuivm.core.text import bytes_text, duration_text, rate_text

Fields = list[tuple[str, str, str]]


_NOUNS = {
    "Save memory": "the save",
    "Dump memory": "the dump",
    "Restore": "the restore",
    "Migrate away": "the migration",
    "Migrate here": "the migration",
    "Back up": "the backup",
    "Serve a backup": "the backup",
    "Snapshot": "the snapshot",
}


def noun(job: DomainJob) -> str:
    """A job as the object of a sentence: ``the migration``, ``pull disk vda``."""
    if job.disk:
        return f"{job.what[:1].lower()}{job.what[1:]}"
    return _NOUNS.get(job.what, "the job")


def facts(line: JobLine, now: float) -> Fields:
    """Label, value and role; ``now`` is ``time.monotonic()``."""
    who = "begun here" if line.ours else "begun by somebody else"
    rows: Fields = [("Job", f"{line.what} · {line.name} on {line.key.host} · {who}", "strong")]
    if line.stop is not None:
        causes = line.stop.causes or ()
        rows.append(("Stands", waiting(line.stop, now), "warn" if line.stop.late else ""))
        rows += [("Cause", causes[0].title, "warn")] if line.stop.late and causes else []
        rows.append(("Ways out", "W shows why, and each way out on one key", "strong"))
    elif line.job is not None:
        rows += _figures(line.job, now)
    else:
        rows.append(("Cancel", "libvirt cannot break this off", "dim"))
    return rows


def _figures(job: DomainJob, now: float) -> Fields:
    rows: Fields = []
    if job.total is None and not job.done:
        rows.append(("Done", "libvirt tells no figures of it", "dim"))
    if job.total is not None and job.left is not None and not job.ready:
        rows.append(("Done", f"{bytes_text(job.total - job.left)} of {bytes_text(job.total)}", ""))
    elif job.done and not job.ready:
        rows.append(("Done", bytes_text(job.done), ""))
    speed = [rate_text(job.rate)] if job.rate and not job.ready else []
    if job.eta is not None and not job.ready:
        speed.append(f"{duration_text(max(0.0, job.at + job.eta - now))} left")
    if speed:
        rows.append(("Speed", ", ".join(speed), ""))
    if job.source or job.copy:
        rows.append(("From", job.source or "its image", ""))
        rows.append(("To", job.copy or "its copy", ""))
    if job.ready:
        rows.append(("Ready", "all is copied, and kept alike: it goes on until you choose", "warn"))
        rows.append(("Choose", "o goes on in the copy, x stays on the old image", "strong"))
    elif job.lasting:
        rows.append(("Then", "it keeps both alike until o switches over to the copy", "dim"))
    return rows
