"""Switching from one release to another, and back when the new one does not work.

Each step is in the journal before anything of it happens. Up to the switch the old release is
whole and in force; after it the new one is; :func:`recover` ends what was broken off anywhere.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from . import health, packages, packing, store, units
from .data import Aside, lay_settings
from .durable import lay_ballast, point, remove, sync_folder
from .health import Question
from .history import History
from .journal import AFTER, BEFORE, Journal, State
from .layout import Layout
from .manifest import Manifest, read
from .refusal import Interrupted, Refused
from .service import Service

Trouble = (Refused, Interrupted, OSError)


@dataclass(slots=True)
class Update:
    """One switch of releases, forward or back."""

    layout: Layout
    service: Service
    state: State
    question: Question
    limit_s: float = health.LIMIT_S
    on_step: Callable[[str], None] = lambda step: None
    spans: dict[str, float] = field(default_factory=dict)
    """Seconds each step took."""

    def forward(self, manifest: Manifest) -> bool:
        """Install ``manifest``, whose objects are in the store; whether it is in force now."""
        lay_ballast(self.layout)
        journal = Journal.begin(
            self.layout, kind="install", release=manifest.release, created=manifest.created,
            previous=self.layout.current_release(),
        )  # fmt: skip
        try:
            with self._step(journal, "unpack"):
                store.unpack(self.layout, manifest)
                units.make_user(self.layout, manifest)
            with self._step(journal, "verify"):
                store.verify(self.layout, manifest)
            with self._step(journal, "packages"):
                packages.install(self.layout, manifest)
            if health.roomy():
                with self._step(journal, "self-test"):
                    health.self_test(self.layout, manifest.release, self.question, self.limit_s)
        except Trouble as problem:
            self._give_up(journal, str(problem))
            return False
        in_force = self._switch(journal, manifest)
        if in_force and not manifest.bytecode:
            health.compile_code(self.layout, manifest.release)
        return in_force

    def backward(self, release: str) -> bool:
        """Switch to ``release``, which was in force before; whether it is in force now."""
        manifest = read(self.layout.manifest(release).read_bytes())
        lay_ballast(self.layout)
        journal = Journal.begin(
            self.layout, kind="rollback", release=release, previous=self.layout.current_release()
        )
        try:
            with self._step(journal, "verify"):
                store.verify(self.layout, manifest)
        except Trouble as problem:
            self._give_up(journal, str(problem))
            return False
        return self._switch(journal, manifest)

    def _switch(self, journal: Journal, manifest: Manifest) -> bool:
        layout, aside = self.layout, Aside(self.layout, journal["update"])
        try:
            with self._step(journal, "stop"):
                self.service.stop()
            with self._step(journal, "migrate"):
                aside.begin()
                self._migrate(journal, aside, manifest.release)
            with self._step(journal, "swap"):
                aside.swap()
            with self._step(journal, "settings"):
                journal.note(added=_to_add(layout, manifest))
                lay_settings(layout, manifest)
            with self._step(journal, "switch"):
                point(layout.current, f"releases/{manifest.release}")
                units.link(layout, manifest)
            self._try_out(journal)
        except Trouble as problem:
            self.back(journal, str(problem))
            return False
        self._commit(journal)
        return True

    def _migrate(self, journal: Journal, aside: Aside, release: str) -> None:
        try:
            health.migrate(self.layout, release, aside.staged, self.limit_s)
        except Interrupted:
            kept = _kept_for(self.layout, release)
            if journal["kind"] != "rollback" or kept is None:
                raise
            # The data is newer than the old code can read: take what it had.
            aside.stage_again(kept)
            health.migrate(self.layout, release, aside.staged, self.limit_s)

    def _try_out(self, journal: Journal) -> None:
        with self._step(journal, "start"):
            self.service.start()
        with self._step(journal, "prove"):
            reply = health.prove(
                self.layout, self.service, journal["release"], self.question, self.limit_s
            )
            self.state.tell(reply=reply)

    def _commit(self, journal: Journal) -> None:
        with self._step(journal, "commit"):
            _settle(self.layout, journal)
            if journal["kind"] == "install":
                manifest = read(self.layout.manifest(journal["release"]).read_bytes())
                packing.renew(self.layout, manifest)
        self.state.tell(outcome="ok", message=f"release {journal['release']} answers")
        journal.close()

    def back(self, journal: Journal, why: str, *, at_boot: bool = False) -> None:
        """Return to the release before; may be called again after it was broken off."""
        layout, previous = self.layout, journal["previous"]
        with contextlib.suppress(OSError):  # on a full disk: the step before leads here as well
            self._enter(journal, "back", why=why)
        with contextlib.suppress(Interrupted):
            self.service.stop()
        Aside(layout, journal["update"]).restore()
        for name in journal["added"] or ():
            remove(layout.settings / name)
        if previous and layout.release(previous).is_dir():
            point(layout.current, f"releases/{previous}")
            units.link(layout, read(layout.manifest(previous).read_bytes()))
        else:
            remove(layout.current)
            units.unlink(layout)
            sync_folder(layout.home)
            previous = None
        told = f"went back to release {previous}: {why}" if previous else f"not installed: {why}"
        if previous and not at_boot:
            self.service.start()
            try:
                health.prove(layout, self.service, previous, self.question, self.limit_s)
            except Interrupted as problem:
                told += f"; and the old release does not answer either: {problem}"
        if journal["kind"] == "install":
            _discard(layout, journal["release"])
        self.state.tell(outcome="rolled-back" if previous else "failed", reason=why, message=told)
        journal.close()

    def _give_up(self, journal: Journal, why: str) -> None:
        """The running release was never touched."""
        if journal["kind"] == "install":
            _discard(self.layout, journal["release"])
        self.state.tell(outcome="refused", reason=why, message=f"not installed: {why}")
        journal.close()

    def go_on(self, journal: Journal) -> None:
        """The program was killed while the new release was on trial: try it now."""
        try:
            self._try_out(journal)
        except Trouble as problem:
            self.back(journal, str(problem))
            return
        self._commit(journal)

    @contextlib.contextmanager
    def _step(self, journal: Journal, step: str) -> Iterator[None]:
        self._enter(journal, step)
        began = time.monotonic()
        yield
        self.spans[step] = round(time.monotonic() - began, 3)
        self.state.tell(spans=self.spans)

    def _enter(self, journal: Journal, step: str, **facts: Any) -> None:
        journal.note(step=step, **facts)
        self.state.tell(
            step=step, release=journal["release"], previous=journal["previous"],
            update=journal["update"],
        )  # fmt: skip
        self.on_step(step)


def recover(update: Update, *, at_boot: bool) -> str | None:
    """End an update that was broken off by a power cut or a kill; what was done, in words."""
    layout = update.layout
    for left in layout.releases.glob(".*.partial") if layout.releases.is_dir() else ():
        remove(left)
    remove(layout.kept / "trial")
    journal = Journal.left(layout)
    if journal is None:
        return None
    step, release = journal["step"], journal["release"]
    broken = f"the update was broken off during '{step}'"
    if step in BEFORE or step is None:
        update._give_up(journal, broken)
    elif step == "commit":
        update._commit(journal)
    elif step in AFTER and at_boot:
        _settle(layout, journal)
        update.state.tell(
            outcome="on-trial", message=f"{broken}; release {release} is on trial at this boot"
        )
        journal.close()
    elif step in AFTER:
        update.go_on(journal)
    else:
        update.back(journal, journal["why"] or broken, at_boot=at_boot)
    return str(update.state.facts.get("message", broken))


def _settle(layout: Layout, journal: Journal) -> None:
    """Write down that the new release is in force, on probation until a boot shows it works."""
    history = History(layout)
    previous = journal["previous"]
    release = journal["release"]
    floor = max(history.floor, journal["created"] or 0)
    if previous == release:  # the same once more
        history.note(floor=floor)
    else:
        probation = {"release": release, "boots": 0, "update": journal["update"]}
        history.note(
            previous=previous,
            probation=probation if previous and journal["kind"] == "install" else None,
            floor=floor,
            data={release: None, previous: journal["update"]} if previous else None,
        )
    wanted = set((history.facts.get("data") or {}).values())
    for left in layout.kept.iterdir() if layout.kept.is_dir() else ():
        if left.name not in wanted:
            remove(left)


def _kept_for(layout: Layout, release: str) -> Aside | None:
    """The data that was set aside when ``release`` was replaced."""
    update = (History(layout).facts.get("data") or {}).get(release)
    aside = Aside(layout, update) if update else None
    return aside if aside is not None and aside.data.is_dir() else None


def _discard(layout: Layout, release: str) -> None:
    """Remove a release that is not in force; its objects stay and need not be sent again."""
    if release in (layout.current_release(), History(layout).previous):
        return
    for path in (layout.manifest(release), layout.signature(release), layout.release(release)):
        remove(path)


def _to_add(layout: Layout, manifest: Manifest) -> list[str]:
    names = [e.path.rpartition("/")[2] for e in manifest.entries if e.kind == "settings"]
    return [name for name in names if not (layout.settings / name).exists()]
