"""From what was written to frozen models, every problem worded for the person who wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from edgebot.config.yaml_file import Document, Key, Mistake, dotted

M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], document: Document) -> tuple[M | None, list[Mistake]]:
    """``document`` as ``model``, or None and everything that is wrong with it."""
    if document.mistakes:
        return None, list(document.mistakes)
    try:
        return model.model_validate(document.mapping), []
    except ValidationError as error:
        return None, [
            Mistake(document.where(key), dotted(key), message)
            for key, message in problems(model, error)
        ]


def problems(model: type[BaseModel], error: ValidationError) -> list[tuple[Key, str]]:
    """Key and message of each problem in ``error``, unknown keys with the nearest known one."""
    found: list[tuple[Key, str]] = []
    for problem in error.errors(include_url=False, include_context=False):
        key: Key = tuple(problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        if problem["type"] == "extra_forbidden":
            message = _unknown(str(key[-1]), known_keys(model, key[:-1]))
        elif problem["type"] == "missing":
            message = "must be given"
        elif not isinstance(problem["input"], Mapping | BaseModel):
            message += f" (found {str(problem['input'])[:60]!r})"
        found.append((key, message))
    return found


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"unknown key; did you mean {near[0]!r}?"
    return f"unknown key; known here: {', '.join(known)}" if known else "unknown key"


def known_keys(model: type[BaseModel], section: Key = ()) -> list[str]:
    """The keys that may stand in ``section`` of ``model``, sorted."""
    inner: type[BaseModel] | None = model
    for part in section:
        if isinstance(part, int):
            continue  # an item of a list: _model has already looked through the list
        field = inner.model_fields.get(part) if inner else None
        inner = _model(field.annotation) if field else None
    return sorted(inner.model_fields) if inner else []


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model behind ``X``, ``X | None``, ``tuple[X, ...]`` or ``dict[str, X]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple, list, dict):
        for argument in get_args(annotation):
            if (inner := _model(argument)) is not None:
                return inner
    return None
