"""The bill of materials of a bundle, in CycloneDX 1.5 JSON."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from edgebot.deploy.bundle_format import Component, Entry

SPEC = "1.5"
_NAMESPACE = uuid.UUID("5a4a3ad9-5b5e-5a3f-9f0c-2f6b6e0f3f52")


def sbom(
    version: str,
    profile: str,
    components: Sequence[Component],
    entries: Iterable[Entry],
) -> bytes:
    """The document; the same for the same arguments, and so without a date: the manifest has it."""
    files: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind == "model":
            files.setdefault(entry.path.split("/")[1], []).append(entry)
        elif entry.kind == "package":
            name = entry.path.rpartition("/")[2].partition("_")[0]
            files.setdefault(f"debian/{name}", []).append(entry)
    body = [_component(component, files.get(_of(component), [])) for component in components]
    root = {
        "type": "application",
        "bom-ref": f"edgebot@{version}",
        "name": "edgebot",
        "version": version,
        "description": f"for boards of profile {profile}",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    names = json.dumps([root, body], sort_keys=True)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, names)}",
        "version": 1,
        "metadata": {"component": root},
        "components": body,
        "dependencies": [
            {"ref": root["bom-ref"], "dependsOn": [part["bom-ref"] for part in body]},
        ],
    }
    return (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode()


def _of(component: Component) -> str:
    return f"debian/{component.name}" if component.kind == "debian" else component.name


def _component(component: Component, files: Sequence[Entry]) -> dict[str, Any]:
    name, version = component.name, component.version
    if component.kind == "python":
        reference = f"pkg:pypi/{name}@{version}"
        return {
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "version": version,
            "purl": reference,
            "licenses": _licences(component.licence),
        }
    if component.kind == "debian":
        _, suite, file = files[0].path.split("/")
        arch = file.removesuffix(".deb").rpartition("_")[2]
        reference = f"pkg:deb/debian/{name}@{version}?arch={arch}&distro={suite}"
        return {
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "version": version,
            "purl": reference,
            "licenses": [{"license": {"name": component.licence}}],
            "hashes": [{"alg": "SHA-256", "content": files[0].sha256}],
        }
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model/{name}@{version}",
        "name": name,
        "version": version,
        "licenses": _licences(component.licence),
        "components": [
            {
                "type": "file",
                "bom-ref": f"model/{name}@{version}/{entry.path}",
                "name": entry.path,
                "hashes": [{"alg": "SHA-256", "content": entry.sha256}],
            }
            for entry in files
        ],
    }


def _licences(licence: str) -> list[dict[str, Any]]:
    """By name: whether a word is in the list of SPDX is for its reader to say."""
    if " AND " in licence or " OR " in licence:
        return [{"expression": licence}]
    return [{"license": {"name": licence}}]


def licences_text(components: Sequence[Component]) -> bytes:
    """What a person wants to know who passes a board on."""
    lines = ["edgebot itself: Apache-2.0", ""]
    lines += [f"{c.name} {c.version}: {c.licence} ({c.kind})" for c in components]
    copyleft = [c.name for c in components if "GPL" in c.licence]
    if copyleft:
        lines += ["", f"Passing this on carries duties of the GPL for: {', '.join(copyleft)}."]
    return ("\n".join(lines) + "\n").encode()
