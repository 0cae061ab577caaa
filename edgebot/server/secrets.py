"""Secrets in files: passwords, tokens. They are never logged and stand in no settings file."""

from __future__ import annotations

from pathlib import Path

from edgebot.core.errors import ConfigError

_LONGEST = 16_384


def read_secret(file: Path, setting: str) -> str:
    """The only line of ``file``; raises ``ConfigError`` that names ``setting``."""
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_LONGEST).strip()
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is no text"
        raise ConfigError(f"{setting}: {file} cannot be read ({reason})") from None
    if not text or "\n" in text or not text.isprintable():
        raise ConfigError(f"{setting}: {file} must hold one line and nothing else")
    return text
