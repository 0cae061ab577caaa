"""Which bundle a board gets: the file that was named, or one made for it, made only once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from edgebot.config import paths
from edgebot.config.profiles import Profile, load_profiles, profile_files
from edgebot.core.errors import FlashError
from edgebot.deploy import bundle_build, bundle_contents
from edgebot.deploy.bundle_format import PYTHONS
from edgebot.deploy.bundle_order import Order, make_order
from edgebot.deploy.flash_probe import Probe
from edgebot.models.progress import Progress
from edgebot.models.signatures import SigningKey
from edgebot.models.store import ModelStore


def profile_for(name: str, board: Probe, models_dir: Path) -> Profile:
    """The profile called ``name``, or the board's own for ``auto``.

    Raises ``ProfileUnfit`` with figures where the board cannot carry it.
    """
    return load_profiles(profile_files(models_dir)).choose(name, board.hardware).profile


def made_for(
    board: Probe,
    profile: Profile,
    store: ModelStore,
    key: SigningKey,
    progress: Progress,
    settings_file: Path | None,
) -> Path:
    """A bundle for ``board``, from the cache when nothing that goes into it has changed."""
    if board.python not in PYTHONS:
        raise FlashError(
            f"the board has Python {board.python} and bundles are made for "
            f"{', '.join(PYTHONS)}; install another system or name a bundle (--bundle)"
        )
    order = make_order(
        store, progress, profile.name, arch=board.arch, python=board.python,
        settings_file=settings_file,
    )  # fmt: skip
    shelf = paths.cache_dir() / "bundles"
    shelf.mkdir(parents=True, exist_ok=True)
    target = shelf / f"{profile.name}-{board.arch}-py{board.python}-{_print(order, key)}.bundle"
    if target.is_file():
        progress.say(f"using the bundle made before, {target}")
        return target
    for old in shelf.glob(f"{profile.name}-{board.arch}-py{board.python}-*.bundle"):
        old.unlink()
    bundle_build.make_bundle(
        order, target, key, paths.cache_dir(), progress.say, progress.begin, progress.advance
    )
    return target


def _print(order: Order, key: SigningKey) -> str:
    """Fingerprint of everything that goes in."""
    sources = [Path(paths.__file__).resolve().parents[1], *bundle_contents.shipped()]
    looks = []
    for source in sources:
        for path in [source, *sorted(source.rglob("*"))]:
            if path.is_file() and "__pycache__" not in path.parts:
                look = path.stat()
                looks.append([str(path), look.st_size, look.st_mtime_ns])
    settings = order.settings_file.read_text() if order.settings_file else ""
    parts = [
        looks, settings, key.public.id, order.created, bundle_contents.lock_file().read_text(),
        [[model.id, sorted(file.sha256 for file in model.entry.files)] for model in order.models],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
