"""The OpenAPI 3.1 description, made from the operations themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from edgebot import __version__
from edgebot.server.http.operation import Operation, Problems

_REFUSALS: Mapping[int, str] = {
    400: "The request makes no sense.",
    401: "The token is missing or wrong.",
    403: "Another site's page asked.",
    404: "There is no such thing.",
    405: "Not with this method.",
    408: "The request arrived too slowly.",
    409: "Not possible on this machine, or not now.",
    413: "The request is too large.",
    415: "The content type is not taken.",
    421: "The door was called by a name that is not its own.",
    429: "Too many requests.",
    503: "Too busy, or an engine is not available.",
}

_FORM = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "model": {"type": "string"},
        "response_format": {"type": "string", "enum": ["json", "text", "verbose_json"]},
    },
    "required": ["file"],
}

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """The description of ``operations``."""
    schemas, components = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(plain(one.path), {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "edgebot",
            "version": __version__,
            "summary": "A voice assistant that lives entirely on the board.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "tags": [{"name": name} for name in dict.fromkeys(one.tag for one in operations)],
    }


def plain(path: str) -> str:
    """A path as OpenAPI writes it: ``{name:path}`` is ``{name}``."""
    return _PARAMETER.sub(r"{\1}", path)


def _schemas(
    operations: Sequence[Operation],
) -> tuple[dict[type[BaseModel], dict[str, Any]], dict[str, Any]]:
    taken = {one.body for one in operations if one.body} | {
        one.query for one in operations if one.query
    }
    given = {one.answer for one in operations if one.answer} | {Problems}
    given |= {one.unwell for one in operations if one.unwell}
    wanted: list[tuple[type[BaseModel], Any]] = [
        *((model, "validation") for model in sorted(taken, key=lambda model: model.__name__)),
        *((model, "serialization") for model in sorted(given, key=lambda model: model.__name__)),
    ]
    found, definitions = models_json_schema(
        wanted, ref_template="#/components/schemas/{model}", title=None
    )
    schemas = {model: found[model, mode] for model, mode in wanted}
    known: dict[str, Any] = definitions.get("$defs", {})
    return schemas, known


def _operation(one: Operation, schemas: Mapping[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [one.tag],
        "security": [{}] if one.access == "open" else [{}, {"token": []}],
        "responses": _responses(one, schemas),
    }
    parameters = [_in_path(name, one) for name in _PARAMETER.findall(one.path)]
    if one.query is not None:
        parameters += _in_query(one.query)
    if parameters:
        described["parameters"] = parameters
    content: dict[str, Any] = {}
    if one.body is not None:
        content["application/json"] = {"schema": schemas[one.body]}
    for kind in one.takes:
        content[kind] = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
    if one.form:
        content["multipart/form-data"] = {"schema": _FORM}
    if content:
        described["requestBody"] = {"required": True, "content": content}
    return described


def _in_path(name: str, one: Operation) -> dict[str, Any]:
    kind = one.path_kinds.get(name, "string")
    schema: dict[str, Any] = {"type": kind}
    schema |= {"minimum": 1} if kind == "integer" else {"minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": facts.pop("description", ""),
            "schema": {key: value for key, value in facts.items() if key != "title"},
        }
        for name, facts in schema.get("properties", {}).items()
    ]


def _responses(one: Operation, schemas: Mapping[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if one.answer is not None:
        content["application/json"] = {"schema": schemas[one.answer]}
    for kind in one.also:
        content[kind] = {"schema": {"type": "string"}}
    done: dict[str, Any] = {"description": "Done."}
    if content:
        done["content"] = content
    responses = {str(one.status): done}
    problem = {"application/json": {"schema": schemas[Problems]}}
    for status, text in {**_REFUSALS, **one.refusals}.items():
        responses[str(status)] = {"description": text, "content": problem}
    if one.unwell is not None:
        told = {"application/json": {"schema": schemas[one.unwell]}}
        responses["503"] = {"description": "It is not.", "content": told}
    return responses
