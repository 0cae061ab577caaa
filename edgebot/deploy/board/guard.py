"""What looks after releases at boot, with nobody connected: called by the units in ``systemd/``."""

from __future__ import annotations

import contextlib
from typing import Any

from . import health, lockfile, packages, store
from .data import copy_live
from .durable import remove
from .history import UNHEALTHY_BOOTS, History
from .journal import Journal, busy, only_one
from .layout import Layout
from .manifest import read
from .refusal import Interrupted
from .update import Update, recover

BOOT_LIMIT_S = 45.0
"""For each call of the old release at boot: its unit has two minutes for all of them."""


def boot(update: Update) -> str:
    """Before the service starts: end what was broken off, count a boot on probation."""
    update.limit_s = min(update.limit_s, BOOT_LIMIT_S)
    _install_packages(update.layout)
    said = recover(update, at_boot=True)
    if said and update.state.facts.get("outcome") not in ("on-trial", "ok"):
        return said
    history = History(update.layout)
    probation = _on_probation(history, update.layout)
    if probation is None:
        return said or "nothing to do"
    boots = int(probation.get("boots", 0))
    if boots >= UNHEALTHY_BOOTS:
        return replace(update, f"{boots} boots without a healthy answer", at_boot=True)
    history.note(probation={**probation, "boots": boots + 1})
    return f"boot {boots + 1} of release {probation['release']} on probation"


def _install_packages(layout: Layout) -> None:
    """What a disk image could only bring along: at its first boot there is a system to install to.

    What goes wrong is seen when the service does not come up.
    """
    release = layout.current_release()
    if release is not None and layout.manifest(release).is_file():
        with contextlib.suppress(Interrupted, OSError):
            packages.install(layout, read(layout.manifest(release).read_bytes()))


def _verify_once(layout: Layout) -> None:
    """Of a disk image nobody has hashed the models where they lie now."""
    release = layout.current_release()
    if release is None or busy(layout) or lockfile.place(layout, release).is_file():
        return
    with contextlib.suppress(Interrupted, OSError):  # the assistant hashes them for itself
        store.verify(layout, read(layout.manifest(release).read_bytes()))


def healthy(update: Update) -> str:
    """After the service has started: an answer ends the probation, the last failure goes back."""
    layout = update.layout
    history, release = History(layout), layout.current_release()
    _verify_once(layout)
    trial = _on_probation(history, layout)
    if release is None or busy(layout) or trial is None:
        return "nothing to prove"
    if not trial.get("boots"):  # the timer of the boot before it was installed
        return f"release {release} has not been booted yet"
    try:
        reply = health.prove(layout, update.service, release, update.question, update.limit_s)
    except Interrupted as problem:
        probation = _on_probation(history, layout)
        if probation and int(probation.get("boots", 0)) >= UNHEALTHY_BOOTS:
            with only_one(layout, "the guard"):
                return replace(update, str(problem))
        return f"unhealthy: {problem}"
    history.note(probation=None)
    return f"healthy: {reply}"


def failed(update: Update) -> str:
    """The service has failed for good: a release on probation is replaced."""
    trouble = update.service.trouble()
    if trouble is None:
        return "it is being started anew"
    if _on_probation(History(update.layout), update.layout) is None:
        return trouble
    return replace(update, trouble)


def replace(update: Update, why: str, *, at_boot: bool = False) -> str:
    """Go back to the release before for good; data that it can read stays."""
    layout, history = update.layout, History(update.layout)
    previous, current = history.previous, layout.current_release()
    if previous is None or current is None:
        return f"{why}; there is no release to go back to"
    if not at_boot:
        update.service.stop()
    journal = Journal.begin(layout, kind="rollback", release=current, previous=previous)
    kept = (history.facts.get("data") or {}).get(previous)
    if kept and not _reads(update, previous):
        journal.facts["update"] = kept  # restoring this update's data is the way back
    history.note(probation=None, previous=None)
    update.back(journal, why, at_boot=at_boot)
    return str(update.state.facts.get("message"))


def _reads(update: Update, release: str) -> bool:
    """Whether ``release`` gets on with the data as it is now."""
    layout = update.layout
    scratch = layout.kept / "trial"
    try:
        copy_live(layout.data, scratch)
        health.migrate(layout, release, scratch, update.limit_s)
    except (Interrupted, OSError):
        return False
    finally:
        remove(scratch)
    return True


def _on_probation(history: History, layout: Layout) -> dict[str, Any] | None:
    probation = history.probation
    if probation is None or probation.get("release") != layout.current_release():
        return None
    return probation
