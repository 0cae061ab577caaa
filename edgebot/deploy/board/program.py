"""The commands that ``edgebot flash`` and the units of the guard call; answers are JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import offer, pull, service, store, supervisor, uninstall
from .checks import look
from .durable import lay_ballast
from .guard import boot, failed, healthy
from .health import LIMIT_S
from .history import History
from .journal import Journal, State, busy, only_one
from .layout import Layout, read_json, single_name
from .manifest import read
from .refusal import Refused
from .update import Update, recover

_POLL_S = 0.2
Answer = dict[str, Any] | None


def _offer(layout: Layout, options: argparse.Namespace) -> Answer:
    return offer.consider(layout, offer.read_offer(sys.stdin.buffer), look())


def _receive(layout: Layout, options: argparse.Namespace) -> Answer:
    manifest = offer.known_manifest(layout, single_name(options.release))
    with only_one(layout, "a transfer"):
        lay_ballast(layout)
        return {"received": store.receive(layout, manifest, sys.stdin.buffer)}


def _install(layout: Layout, options: argparse.Namespace) -> Answer:
    manifest = offer.known_manifest(layout, single_name(options.release))
    if lacking := store.missing(layout, manifest):
        raise Refused("transfer", f"{len(lacking)} objects have not come yet; flash again")
    if options.detach:
        return _detach(layout, options, ["install", manifest.release], manifest.release)
    with only_one(layout, f"release {manifest.release}"):
        update = _update(layout, options)
        recover(_update(layout, options), at_boot=False)
        offer.not_older(layout, manifest, options.allow_older)
        update.state.tell(step="begin", release=manifest.release)
        update.forward(manifest)
        return update.state.facts


def _rollback(layout: Layout, options: argparse.Namespace) -> Answer:
    release = single_name(options.release) if options.release else History(layout).previous
    if release is None or not layout.release(release).is_dir():
        raise Refused("release", "there is no release to go back to")
    if release == layout.current_release():
        raise Refused("release", f"release {release} is in force already")
    if options.detach:
        return _detach(layout, options, ["rollback", "--release", release], release)
    with only_one(layout, f"rollback to {release}"):
        recover(_update(layout, options), at_boot=False)
        update = _update(layout, options)
        update.state.tell(step="begin", release=release)
        update.backward(release)
        return update.state.facts


def _detach(layout: Layout, options: argparse.Namespace, words: list[str], release: str) -> Answer:
    """Go on in a process that outlives the connection."""
    if who := busy(layout):
        raise Refused("busy", f"another update is under way on this board ({who}); wait for it")
    State(layout, pid=0, release=release).tell(step="queued")
    words = [*words, "--limit-s", str(options.limit_s)]
    if options.allow_older:
        words.append("--allow-older")
    service.detach_update(layout, words)
    return {"release": release}


def _watch(layout: Layout, options: argparse.Namespace) -> Answer:
    """Print the state whenever it changes, until the update has ended."""
    told, idle_since = None, time.monotonic()
    while True:
        state = read_json(layout.state)
        if state != told:
            told, idle_since = state, time.monotonic()
            _say(state)
        if state.get("outcome") != "running":
            return None
        if busy(layout):
            idle_since = time.monotonic()
        elif _gone(state) or time.monotonic() - idle_since > options.patience_s:
            with only_one(layout, "recovery"):  # whoever was at it was killed
                if recover(_update(layout, options), at_boot=False) is None:
                    State(layout).tell(outcome="failed", message="the update ended by itself")
        time.sleep(_POLL_S)


def _gone(state: Mapping[str, Any]) -> bool:
    """Whether the process that told the state has ended."""
    pid = state.get("pid")
    return isinstance(pid, int) and pid > 0 and not service.alive(pid)


def _status(layout: Layout, options: argparse.Namespace) -> Answer:
    history = History(layout)
    journal = Journal.left(layout)
    return {
        "current": layout.current_release(),
        "previous": history.previous,
        "probation": history.probation,
        "busy": busy(layout),
        "broken_off": journal["step"] if journal and not busy(layout) else None,
        "last": read_json(layout.state),
    }


def _list(layout: Layout, options: argparse.Namespace) -> Answer:
    found = []
    current, previous = layout.current_release(), History(layout).previous
    for release in layout.whole_releases():
        manifest = read(layout.manifest(release).read_bytes())
        found.append(
            {
                "release": release,
                "version": manifest.version,
                "profile": manifest.profile,
                "created": manifest.created,
                "bytes": sum(entry.size for entry in manifest.entries),
                "in_force": release == current,
                "previous": release == previous,
            }
        )
    return {"releases": sorted(found, key=lambda one: -int(one["created"]))}


def _prune(layout: Layout, options: argparse.Namespace) -> Answer:
    with only_one(layout, "pruning"):
        keep = {name for name in (layout.current_release(), History(layout).previous) if name}
        manifests = [read(layout.manifest(name).read_bytes()) for name in sorted(keep)]
        gone = [name for name in layout.whole_releases() if name not in keep]
        return {"removed": gone, "freed": store.prune(layout, keep, manifests)}


def _pull(layout: Layout, options: argparse.Namespace) -> Answer:
    with only_one(layout, "a pull"):
        recover(_update(layout, options), at_boot=False)
    manifest = pull.fetch(layout, options.url or pull.address(layout))
    if manifest is None:
        return {"message": "this release is in force already", "outcome": "ok"}
    options.release, options.detach = manifest.release, False
    return _install(layout, options)


def _guarded(work: Callable[[Update], str]) -> Callable[[Layout, argparse.Namespace], Answer]:
    def command(layout: Layout, options: argparse.Namespace) -> Answer:
        with only_one(layout, work.__name__):
            return {"message": work(_update(layout, options))}

    return command


def _healthy(layout: Layout, options: argparse.Namespace) -> Answer:
    return {"message": healthy(_update(layout, options))}


def _supervise(layout: Layout, options: argparse.Namespace) -> Answer:
    sys.exit(supervisor.supervise(layout))


def _start(layout: Layout, options: argparse.Namespace) -> Answer:
    service.service_of(layout).start()
    return {}


def _stop(layout: Layout, options: argparse.Namespace) -> Answer:
    service.service_of(layout).stop()
    return {}


def _uninstall(layout: Layout, options: argparse.Namespace) -> Answer:
    with only_one(layout, "uninstall"):
        return {"removed": uninstall.uninstall(layout, keep_data=options.keep_data)}


def _update(layout: Layout, options: argparse.Namespace) -> Update:
    return Update(
        layout,
        service.service_of(layout),
        State(layout),
        offer.question_of(layout),
        options.limit_s,
    )


COMMANDS: Mapping[str, Callable[[Layout, argparse.Namespace], Answer]] = {
    "offer": _offer,
    "receive": _receive,
    "install": _install,
    "rollback": _rollback,
    "watch": _watch,
    "status": _status,
    "list": _list,
    "prune": _prune,
    "pull": _pull,
    "boot": _guarded(boot),
    "failed": _guarded(failed),
    "healthy": _healthy,
    "start": _start,
    "stop": _stop,
    "supervise": _supervise,
    "uninstall": _uninstall,
}


def main(arguments: list[str] | None = None) -> int:
    """Do one command; 0 done, 1 refused or failed."""
    parser = argparse.ArgumentParser(prog="edgebot-board", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("/"), help="a folder instead of /")
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("release", nargs="?", default="")
    parser.add_argument("--release", dest="release", default=argparse.SUPPRESS)
    parser.add_argument("--detach", action="store_true", help="go on without this connection")
    parser.add_argument("--allow-older", action="store_true")
    parser.add_argument("--keep-data", action="store_true")
    parser.add_argument("--url", default="")
    parser.add_argument("--limit-s", type=float, default=LIMIT_S, help="for each proof")
    parser.add_argument("--patience-s", type=float, default=60.0)
    options = parser.parse_args(arguments)
    try:
        answer = COMMANDS[options.command](Layout(options.root), options)
    except Refused as problem:
        _say({"ok": False, "kind": problem.kind, "message": str(problem)})
        return 1
    except OSError as problem:
        message = f"the board's disk or system says: {problem.strerror} ({problem.filename})"
        _say({"ok": False, "kind": "system", "message": message})
        return 1
    if answer is not None:
        _say({"ok": True, **answer})
        return 0 if answer.get("outcome", "ok") in ("ok", "on-trial") else 1
    return 0


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
