"""Every setting with its type, default and meaning, read from the fields themselves."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edgebot.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of ``edgebot.yaml``."""

    key: str
    """Dotted, as in ``llm.seed``."""

    kind: str
    default: str
    meaning: str


def reference(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Setting]:
    """All settings, in the order of the fields."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from reference(kind, f"{prefix}{name}.")
        else:
            meaning = " ".join((field.description or "").split())
            yield Setting(f"{prefix}{name}", _kind(kind, field), _default(field), meaning)


def markdown() -> str:
    """The table of docs/configuration.md."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for setting in reference():
        cells = (f"`{setting.key}`", setting.kind, setting.default, setting.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _kind(annotation: Any, field: FieldInfo) -> str:
    names = {int: "whole number", float: "number", str: "text", bool: "true or false", Path: "path"}
    if annotation in names:
        return str(names[annotation]) + _range(field)
    arguments = [part for part in typing.get_args(annotation) if part is not types.NoneType]
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{part}`" for part in arguments)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_kind(part, field) for part in arguments)
    if origin in (tuple, list):
        return "list"
    return "mapping" if origin is dict else str(getattr(annotation, "__name__", annotation))


def _range(field: FieldInfo) -> str:
    limits = {}
    for rule in field.metadata:
        for name in ("ge", "gt", "le", "lt"):
            if (limit := getattr(rule, name, None)) is not None:
                limits[name[0]] = f"{limit:g}" if isinstance(limit, float) else str(limit)
    if "g" in limits and "l" in limits:
        return f", {limits['g']}–{limits['l']}"
    return f", from {limits['g']}" if "g" in limits else ""


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see [where the files are](architecture.md#where-the-files-are)"
    value = field.default
    if value is None:
        return "—"
    return (
        f"`{str(value).lower() if isinstance(value, bool) else value}`" if value != "" else "empty"
    )
