"""What came of a verb on several VMs: one line a VM, while it goes on and after."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.timer import Timer

from tuivm.core.bulk import Bulk, Step, Target
from tuivm.core.model import DomainKey
from tuivm.core.text import cell_width, duration_text, fit, took_text
from tuivm.screens import chrome
from tuivm.screens.base import BaseScreen
from tuivm.screens.context import Context
from tuivm.screens.rowscreen import RowScreen
from tuivm.screens.sheet import Sheet
from tuivm.screens.textpage import copy_text, save_text
from tuivm.widgets.bars import Bar, Part
from tuivm.widgets.listbox import Line, ListBox, Span

REFRESH_SECONDS = 0.5
_ROLES = {
    Step.WAITING: "dim",
    Step.SENT: "pending",
    Step.DONE: "good",
    Step.FAILED: "bad",
    Step.SKIPPED: "warn",
    Step.CANCELLED: "warn",
}


def open_results(screen: BaseScreen, bulk: Bulk | None) -> None:
    """Show a verb's results, or say that there are none."""
    if bulk is None:
        screen.say("no verb was used on several VMs yet", "dim")
    elif not (isinstance(screen, ResultsScreen) and screen.bulk is bulk):
        screen.app.push_screen(ResultsScreen(screen.context, bulk))


class ResultsScreen(RowScreen):
    """Leaving it changes nothing: the verb goes on, and ``:results`` comes back."""

    SCOPE = "results"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("nav.back", "back"),
        ("view.details", "in full"),
        ("results.failed", "failed"),
        ("results.mark", "mark to retry"),
        ("results.save", "save"),
        ("view.copy", "copy"),
        ("app.help", "help"),
    )

    def __init__(self, context: Context, bulk: Bulk) -> None:
        super().__init__(context)
        self.bulk = bulk
        """The verb that is shown."""
        self._bad_only = False
        self._shown: dict[str, Target] = {}
        self._clock: Timer | None = None

    # -- Textual -------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """The summary, and a line a VM under their heading."""
        yield Bar(id="summary")
        yield Bar(id="heads")
        yield ListBox(id="results", ascii_only=self.context.options.ascii)

    def on_mount(self) -> None:
        """Show what there is, and the rest as it comes."""
        if self.bulk.running:
            self._clock = self.set_interval(REFRESH_SECONDS, self.refresh_results)
        self.refresh_results()

    def on_resize(self) -> None:
        """Lines are as long as the screen is wide."""
        self.refresh_results()

    # -- what is shown -------------------------------------------------------------------

    def targets(self) -> tuple[DomainKey, ...]:
        """The VM under the cursor."""
        target = self._selected
        return () if target is None else (target.key,)

    def hints(self) -> Iterable[tuple[str, str]]:
        """Cancelling comes first while there is something to cancel."""
        if self.bulk.running and not self.bulk.cancelled:
            return (("bulk.cancel", "cancel the rest"), *self.HINTS)
        return self.HINTS

    @property
    def _selected(self) -> Target | None:
        line = self.query_one(ListBox).selected
        return None if line is None else self._shown.get(line.key)

    def refresh_results(self) -> None:
        """Bring lines, summary and footer up to date."""
        box = self.query_one_optional("#results", ListBox)
        if box is None:
            return
        if self._clock is not None and not self.bulk.running:
            self._clock.stop()
        bad = set(self.bulk.unsuccessful())
        every = self.bulk.targets
        self._shown = {
            f"{key.host}/{key.uuid}": target
            for key, target in every.items()
            if key in bad or not self._bad_only
        }
        longest = max((cell_width(target.name) for target in every.values()), default=4)
        width = max(4, min(longest, max(16, self.size.width // 5)))
        hosts = {key.host for key in every}
        place = max(4, min(16, max(map(cell_width, hosts)))) if len(hosts) > 1 else 0
        head = f" {'OUTCOME':<9} {fit('NAME', width)}"
        head += f"  {fit('HOST', place)}" if place else ""
        self.show_bar("#heads", [Part(f"{head}  {'TIME':>7}  CODE  WHY", "header")])
        if self._shown:
            box.show([Line(_spans(one, width, place), name) for name, one in self._shown.items()])
        else:
            text = "it was done on every VM" if not self.bulk.running else "none so far"
            box.show([Line((Span(f" {text}", "dim"),), selectable=False)])
        self.show_bar("#summary", *self._summary())
        self.refresh_footer()

    def _summary(self) -> tuple[list[Part], list[Part]]:
        counts = self.bulk.counts
        parts = [Part(" "), Part(self.bulk.title, "title"), Part(f" {chrome.clock(self.bulk.at)}")]
        for step, role in _ROLES.items():
            if counts[step]:
                parts += [Part(" · ", "dim"), Part(f"{counts[step]} {step.value}", role)]
        if self.bulk.seconds is not None:
            parts.append(Part(f" · {duration_text(self.bulk.seconds)}", "dim"))
        right = [Part("not done only ", "accent", "results.failed")] if self._bad_only else []
        return parts, right

    # -- actions -------------------------------------------------------------------------

    def row_opened(self) -> None:
        """A double click shows it in full."""
        self.do_view_details()

    def do_view_details(self) -> None:
        """All about the VM under the cursor."""
        target = self._selected
        if target is not None:
            self.app.push_screen(Sheet(self.context, self.bulk.title, _fields(target)))

    def do_view_copy(self) -> None:
        """Copy what is known of the VM under the cursor."""
        target = self._selected
        if target is not None:
            copy_text(self, "\n".join(f"{label}: {text}" for label, text, _ in _fields(target)))

    def do_results_failed(self) -> None:
        """Only those on which it was not done, or all again."""
        self._bad_only = not self._bad_only
        self.refresh_results()

    def do_results_mark(self) -> None:
        """Mark those on which it was not done in the list, and go there."""
        rows = self.context.store.rows
        keys = [key for key in self.bulk.unsuccessful() if key in rows]
        root = self.app.screen_stack[0]
        if not keys or not isinstance(root, BaseScreen):
            self.say("there is nothing to try again", "dim")
            return
        view = self.context.view
        view.clear_marks()
        view.mark(keys)
        self.context.dispatch(self, "view.vms", {}, None)
        root.take("list.mark", {"named": "on"})
        root.say(f"{len(keys)} marked on which it was not done: {self.bulk.title}", "accent")

    def do_results_save(self) -> None:
        """Write what is shown to a file, all of it."""
        parts = [
            "\n".join(f"{label}: {text}" for label, text, _ in _fields(target))
            for target in self._shown.values()
        ]
        save_text(self, "results", "\n\n".join([self.bulk.summary(), *parts]) + "\n")

    def do_nav_back(self) -> None:
        """All again, then leave."""
        if self._bad_only:
            self.do_results_failed()
        else:
            self.dismiss()


def _why(target: Target) -> str:
    error = target.error
    if error is None:
        return target.reason
    text = error.message or error.title
    return f"{text} ({error.hint})" if error.hint else text


def _spans(target: Target, width: int, place: int) -> tuple[Span, ...]:
    error = target.error
    code = "" if error is None or error.code is None else str(error.code)
    took = took_text(target.seconds, "")
    return (
        Span(f" {target.step.value:<9} ", _ROLES[target.step]),
        Span(fit(target.name, width), "strong"),
        *((Span(f"  {fit(target.key.host, place)}", "dim"),) if place else ()),
        Span(f"  {took:>7}", "dim"),
        Span(f"  {code:>4}", "bad"),
        Span(f"  {_why(target)}", "bad" if error is not None else "dim"),
    )


def _fields(target: Target) -> list[tuple[str, str, str]]:
    """All of a target as (label, value, role)."""
    error = target.error
    rows = [
        ("VM", target.name, "strong"),
        ("Host", target.key.host, ""),
        ("UUID", target.key.uuid, ""),
        ("Outcome", target.step.value, _ROLES[target.step]),
        ("When", chrome.clock(target.at) if target.at else "", ""),
        ("Took", took_text(target.seconds, ""), ""),
        ("virsh", target.virsh, ""),
        ("Remark" if target.step is Step.DONE else "Reason", target.reason, ""),
    ]
    if error is not None:
        rows += [
            ("What", error.title.replace(target.key.uuid, target.name), "bad"),
            ("Why", error.message, ""),
            ("What to do", error.hint, "strong"),
            ("libvirt says", error.raw, ""),
            ("Call", error.call, ""),
            ("Code", "" if error.code is None else f"{error.code} (domain {error.domain})", ""),
        ]
    return [row for row in rows if row[1]]
