"""What bundle is wanted: profile, architecture, Python, settings, models, date."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebot.config import paths
from edgebot.config.loader import load_settings
from edgebot.config.profiles import Profile, load_profiles, profile_files
from edgebot.config.settings import Settings
from edgebot.core.errors import UsageError
from edgebot.deploy import bundle_contents as contents
from edgebot.models.blobs import BlobCache
from edgebot.models.fetch import Fetcher
from edgebot.models.progress import Progress
from edgebot.models.store import Installed, ModelStore


@dataclass(frozen=True, slots=True)
class Order:
    """What bundle is wanted."""

    profile: Profile
    arch: str
    python: str
    settings_file: Path | None
    """What a board gets as ``/etc/edgebot/edgebot.yaml`` where it has none."""

    models: Sequence[Installed]
    portable: bool
    """Whether llama.cpp shall run on every x86-64, and not only on processors like this one."""

    created: int
    """Seconds since 1970."""


def make_order(
    store: ModelStore,
    progress: Progress,
    name: str,
    *,
    arch: str | None = None,
    python: str = "3.11",
    settings_file: Path | None = None,
    portable: bool = False,
) -> Order:
    """An order for a board of profile ``name``; fetches the models that are not here yet.

    Raises :class:`UsageError`, ``ConfigError`` for wrong settings, ``FetchError``.
    """
    profiles = {profile.name: profile for profile in load_profiles(profile_files(store.root))}
    if name not in profiles:
        raise UsageError(
            f"a bundle is for a known board: no profile is called {name!r}; "
            f"known: {', '.join(sorted(profiles))}"
        )
    profile = profiles[name]
    settings = load_settings(settings_file, {}) if settings_file else Settings()
    entries = contents.models_for(profile, settings, store.catalog)
    fetcher = Fetcher(store, BlobCache(paths.cache_dir() / "blobs"), progress)
    return Order(
        profile=profile,
        arch=architecture(profile, arch),
        python=python,
        settings_file=settings_file,
        models=fetcher.pull(entry.id for entry in entries),
        portable=portable,
        created=creation_date(),
    )


def architecture(profile: Profile, wanted: str | None) -> str:
    """The architecture of a bundle for ``profile``; raises :class:`UsageError`."""
    if wanted is None:
        return profile.match.arch[0]
    if wanted not in profile.match.arch:
        known = " or ".join(profile.match.arch)
        raise UsageError(f"profile {profile.name} is for {known}, not for {wanted}")
    return wanted


def creation_date(environ: Mapping[str, str] = os.environ) -> int:
    """``SOURCE_DATE_EPOCH``, else the date of the checkout's last commit, else now."""
    if given := environ.get("SOURCE_DATE_EPOCH"):
        if not given.isdigit():
            raise UsageError(f"SOURCE_DATE_EPOCH={given!r} is no number of seconds since 1970")
        return int(given)
    root = contents.CHECKOUT
    if (root / ".git").exists() and shutil.which("git"):
        command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode == 0 and found.stdout.strip().isdigit():
            return int(found.stdout)
    return int(time.time())
