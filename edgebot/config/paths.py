"""Where edgebot's files are: what it ships, what it fetches, what it remembers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def share_dir(name: str) -> Path:
    """A directory edgebot ships (``models``, ``knowledge``): of the checkout, else of the wheel."""
    checkout = _PACKAGE.parent / name
    if (_PACKAGE.parent / "pyproject.toml").is_file() and checkout.is_dir():
        return checkout
    return _PACKAGE / "_share" / name


def prepared_dir() -> Path:
    """What a bundle's maker has worked out, so that the board need not; may be missing.

    It is laid out like :func:`cache_dir`, and read where that has nothing.
    """
    return _PACKAGE / "_share" / "prepared"


def models_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where fetched model files lie.

    ``EDGEBOT_MODELS_DIR``, else ``models/store`` of the checkout, else the XDG data directory.
    """
    if named := environ.get("EDGEBOT_MODELS_DIR"):
        return Path(named)
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        return _PACKAGE.parent / "models" / "store"
    return _xdg(environ, "XDG_DATA_HOME", ".local/share") / "edgebot" / "models"


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where databases live: ``EDGEBOT_STATE_DIR``, systemd's state directory, or the XDG one."""
    if named := environ.get("EDGEBOT_STATE_DIR"):
        return Path(named)
    if named := environ.get("STATE_DIRECTORY"):
        return Path(named.split(":")[0])
    return _xdg(environ, "XDG_STATE_HOME", ".local/state") / "edgebot"


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where what can be made again lies: ``EDGEBOT_CACHE_DIR``, systemd's, or the XDG one."""
    if named := environ.get("EDGEBOT_CACHE_DIR"):
        return Path(named)
    if named := environ.get("CACHE_DIRECTORY"):
        return Path(named.split(":")[0])
    return _xdg(environ, "XDG_CACHE_HOME", ".cache") / "edgebot"


def _xdg(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    named = environ.get(variable)
    return Path(named) if named else Path(environ.get("HOME") or Path.home()) / fallback
