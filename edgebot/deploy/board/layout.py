"""Where everything is on a board.

/opt/edgebot/
  board.pyz          this program
  store/             contents by SHA-256, shared by all releases; models are linked from here
  incoming/          what is being sent: partial objects, the offered manifest
  releases/<id>/     one whole release each, read only
  current            symbolic link to the release in force; the one thing a switch changes
  history.json       the release before, which ones have proved themselves, boots on probation
  journal.json       the update under way and its step; absent otherwise
  state.json         how the last update went, for whoever polls
/etc/edgebot/        settings; trust/*.json are the keys that releases may be signed with
/var/lib/edgebot/    data: timers, lists, memory, knowledge
/var/lib/edgebot.kept/   data as it was before an update
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .refusal import Refused


class Layout:
    """The places below ``root``, which is ``/`` on a board."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "opt/edgebot"
        self.program = self.home / "board.pyz"
        self.store = self.home / "store"
        self.incoming = self.home / "incoming"
        self.releases = self.home / "releases"
        self.current = self.home / "current"
        self.history = self.home / "history.json"
        self.journal = self.home / "journal.json"
        self.state = self.home / "state.json"
        self.ballast = self.home / "ballast"
        self.lock = self.home / "lock"
        self.log = self.home / "update.log"
        self.settings = root / "etc/edgebot"
        self.trust = self.settings / "trust"
        self.data = root / "var/lib/edgebot"
        self.kept = root / "var/lib/edgebot.kept"
        self.cache = root / "var/cache/edgebot"
        self.runtime = root / "run/edgebot"
        self.units = root / "etc/systemd/system"

    @property
    def whole_machine(self) -> bool:
        """Whether this is a board and not a folder of one."""
        return self.root == Path("/")

    @property
    def owns_machine(self) -> bool:
        """Whether packages of the system may be installed: on a board, or where it is said so."""
        return self.whole_machine or os.environ.get("EDGEBOT_BOARD_PACKAGES") == "yes"

    def release(self, release: str) -> Path:
        """The folder of ``release``."""
        return self.releases / release

    def manifest(self, release: str) -> Path:
        """Its manifest; the signature lies beside it."""
        return self.releases / f"{release}.json"

    def signature(self, release: str) -> Path:
        """The signature of its manifest."""
        return self.releases / f"{release}.sig"

    def object(self, sha256: str) -> Path:
        """Where the content of that hash lies."""
        return self.store / sha256[:2] / sha256

    def current_release(self) -> str | None:
        """The release in force."""
        try:
            return self.current.readlink().name
        except OSError:
            return None

    def whole_releases(self) -> list[str]:
        """All that are unpacked."""
        return sorted(path.name for path in self._folders() if self.manifest(path.name).is_file())

    def _folders(self) -> Iterator[Path]:
        if self.releases.is_dir():
            yield from (
                p for p in self.releases.iterdir() if p.is_dir() and not p.name.startswith(".")
            )


def read_json(path: Path) -> dict[str, Any]:
    """A mapping from ``path``; empty where there is none or it is damaged."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def single_name(name: str) -> str:
    """``name`` if it may name a release; raises :class:`Refused`."""
    if not name or not all(c in "0123456789abcdef" for c in name):
        raise Refused("release", f"{name!r} is no release; see `edgebot flash HOST --list`")
    return name
