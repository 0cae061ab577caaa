"""What a build says about itself: the manifest that is signed."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from typing import Any

from edgebot import __version__
from edgebot.build.building import Built
from edgebot.core.errors import EngineError
from edgebot.nlg.gguf_header import read_header

_LIBRARIES = ("llama-cpp-python", "gguf", "onnx", "onnxruntime", "numpy", "torch", "tokenizers")


def manifest_of(
    built: Built, files: list[dict[str, Any]], cpu: list[str], sealed_roles: list[str]
) -> dict[str, Any]:
    """The manifest of ``built``, whose ``files`` lie as they will be shipped."""
    origin, recipe = built.origin, built.recipe
    entry = origin.entry
    options = options_of(built)
    return {
        "format": 1,
        "id": recipe.name,
        "made": int(os.environ.get("SOURCE_DATE_EPOCH") or time.time()),
        "description": recipe.description,
        "files": files,
        "plain": {role: built.artefact.hashes[role] for role in sealed_roles},
        "sealed": sealed_roles,
        "source": {
            "name": origin.name,
            "sha256": origin.artefact.hashes,
            "homepage": entry.homepage if entry else "",
        },
        "licence": recipe.licence or (entry.licence if entry else "unknown"),
        "profile": built.profile,
        "steps": [
            {
                "name": done.step.name,
                "parameters": done.step.parameters.model_dump(mode="json"),
                "revision": done.step.revision,
                "seconds": round(done.kept.seconds, 2),
                "peak_mb": round(done.kept.peak_mb),
                "notes": dict(done.kept.notes),
            }
            for done in built.done
        ],
        "seeds": {
            done.step.name: done.step.parameters.seed
            for done in built.done
            if hasattr(done.step.parameters, "seed")
        },
        "versions": versions(),
        "figures": {name: round(value, 6) for name, value in sorted(built.figures.items())},
        "gates": [
            {"gate": verdict.gate.text, "found": verdict.found, "passed": verdict.passed}
            for verdict in built.verdicts
        ],
        "requires_cpu": cpu,
        "tools": bool(options.get("calls_tools")),
        "kv_prefix": _kv_prefix(built),
    }


def _kv_prefix(built: Built) -> dict[str, Any]:
    """Where the state after the static prompt is: it depends on persona and settings, which the
    bundle knows. None of it is in the model's own directory."""
    path = built.artefact.file()
    if path.suffix != ".gguf":
        return {"kept_in": None}
    try:
        return {"kept_in": "bundle", "bytes_per_token": read_header(path).kv_bytes_per_token}
    except EngineError:  # an architecture without heads
        return {"kept_in": "bundle"}


def versions() -> dict[str, str]:
    """Of edgebot and of the libraries that decide about bytes, as far as they are here."""
    found = {"edgebot": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def options_of(built: Built) -> dict[str, Any]:
    """Options of the catalogue entry: those of the source, of the recipe, and what was measured."""
    entry = built.origin.entry
    options = {**(entry.options if entry else {}), **built.recipe.options}
    if "tools_able" in built.figures:  # measured beats assumed
        options["calls_tools"] = bool(built.figures["tools_able"])
    return options
