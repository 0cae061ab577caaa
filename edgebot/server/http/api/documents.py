"""What the assistant knows: documents in, passages out."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import Any

from pydantic import Field

from edgebot.config.paths import share_dir
from edgebot.core.errors import KnowledgeError
from edgebot.knowledge.contents import passages_of
from edgebot.knowledge.forget import forget
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.readers import FORMATS
from edgebot.knowledge.walk import source_of
from edgebot.runtime import documents
from edgebot.server.house import House
from edgebot.server.http.operation import Call, Operation, Wire, not_found

_KINDS = (
    "application/octet-stream",
    "application/pdf",
    "application/yaml",
    "application/x-yaml",
    "text/csv",
    "text/html",
    "text/markdown",
    "text/plain",
    "text/tab-separated-values",
    "text/x-markdown",
    "text/yaml",
)


class Document(Wire):
    """A document in the knowledge base."""

    id: int
    title: str
    source: str
    """The name of its file."""

    passages: int
    uploaded: bool
    """It came in by this door."""


class Documents(Wire):
    """All documents."""

    documents: list[Document]
    passages: int
    bytes: int
    """Size of the database."""


class Passage(Wire):
    """A piece of a document."""

    id: int
    heading: str
    question: str
    text: str


class Contents(Wire):
    """A document and what is in it."""

    document: Document
    passages: list[Passage]


class Upload(Wire):
    """What goes with the content of a file."""

    name: str = Field(min_length=1, max_length=200)
    """The file's name; its ending tells the format. It names no place."""


class Words(Wire):
    """What is looked for."""

    q: str = Field(min_length=1, max_length=1000)
    top: int = Field(default=5, ge=1, le=50)


class Hit(Wire):
    """A passage that fits."""

    title: str
    source: str
    heading: str
    text: str
    score: float


class Hits(Wire):
    """Passages that fit, best first."""

    results: list[Hit]


async def list_all(call: Call) -> Documents:
    """All documents."""
    return await call.house.look(lambda: _all(call.house))


async def show(call: Call) -> Contents:
    """A document and its passages."""
    return await call.house.look(lambda: _contents(call.house, call.number("id")))


async def upload(call: Call) -> Document:
    """Bring a document in."""
    name = safe_name(call.query(Upload).name)
    check_content(name, call.content)

    def work() -> Document:
        with call.house.writing:
            return _import(call.house, name, call.content)

    made = await call.house.look(work)
    call.house.changed("knowledge")
    return made


async def remove(call: Call) -> None:
    """Remove a document for good."""

    def work() -> None:
        with call.house.writing:
            _remove(call.house, call.number("id"))

    await call.house.look(work)
    call.house.changed("knowledge")


async def search(call: Call) -> Hits:
    """Passages that fit some words."""
    wanted = call.query(Words)
    found = await call.house.look(
        lambda: call.house.assembly.knowledge().search(wanted.q, wanted.top)
    )
    hits = [
        Hit(
            title=one.title,
            source=_name(one.source),
            heading=one.heading or "",
            text=one.text,
            score=round(float(one.score), 4),
        )
        for one in found
    ]
    return Hits(results=hits)


def safe_name(name: str) -> str:
    """``name`` as the name of a file in our own folder: no path, no tricks. ``KnowledgeError``."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = re.sub(r"[^\w .()+-]", "_", plain).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot or f".{ending.lower()}" not in FORMATS or not stem.strip(" ._"):
        known = " ".join(sorted(FORMATS))
        raise KnowledgeError(f"the name must end in one of {known}")
    return f"{_cut(stem.strip(' .'))}.{ending.lower()}"


def _cut(stem: str) -> str:
    """A file's name has at most 255 bytes."""
    return stem.encode()[:150].decode(errors="ignore")


def check_content(name: str, content: bytes) -> None:
    """The content is of the kind that the name says. Raises ``KnowledgeError``."""
    is_pdf = content.startswith(b"%PDF-")
    if name.endswith(".pdf") != is_pdf:
        raise KnowledgeError("its content is not what its name says")
    if (
        not is_pdf
        and b"\0" in content[:100_000]
        and not content.startswith((b"\xff\xfe", b"\xfe\xff"))
    ):
        raise KnowledgeError("there are binary data in it; send text or PDF")


def _import(house: House, name: str, content: bytes) -> Document:
    folder = documents.uploads_dir(house.settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    before = path.read_bytes() if path.is_file() else None
    _write(path, content)
    assembly = house.assembly
    store = assembly.knowledge_store()
    importer = Importer(store, assembly.embedder(), documents.max_bytes(house.settings))
    report = importer.run([path])
    if report.failed:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            _write(path, before)
        raise KnowledgeError("; ".join(report.failed.values()))
    source = source_of(path)
    for one in store.documents():
        if one["source"] == source:
            return _document(house, one)
    raise KnowledgeError("there is nothing in it that can be kept")


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{os.getpid()}.part")
    draft.write_bytes(content)
    draft.replace(path)


def _remove(house: House, number: int) -> None:
    store = house.assembly.knowledge_store()
    found = [one for one in store.documents() if one["id"] == number]
    if not found:
        raise not_found("there is no document with this number")
    forget(store, found, share_dir("knowledge"))
    for one in found:
        if _is_uploaded(house, one["source"]):
            (documents.uploads_dir(house.settings) / _name(one["source"])).unlink(missing_ok=True)


def _all(house: House) -> Documents:
    store = house.assembly.knowledge_store()
    found = [_document(house, one) for one in store.documents()]
    size = store.path.stat().st_size if store.path.exists() else 0
    return Documents(documents=found, passages=sum(one.passages for one in found), bytes=size)


def _contents(house: House, number: int) -> Contents:
    store = house.assembly.knowledge_store()
    for one in store.documents():
        if one["id"] == number:
            passages = [
                Passage(
                    **{name: row[name] or "" for name in ("heading", "question", "text")},
                    id=row["id"],
                )
                for row in passages_of(store, number)
            ]
            return Contents(document=_document(house, one), passages=passages)
    raise not_found("there is no document with this number")


def _document(house: House, one: dict[str, Any]) -> Document:
    return Document(
        id=one["id"],
        title=one["title"],
        source=_name(one["source"]),
        passages=one["passages"],
        uploaded=_is_uploaded(house, one["source"]),
    )


def _is_uploaded(house: House, source: str) -> bool:
    return source == source_of(documents.uploads_dir(house.settings) / _name(source))


def _name(source: str) -> str:
    """The last part of where a document is from: paths of the board are nobody's business."""
    return source.rstrip("/").rpartition("/")[2]


_ID = {"id": "integer"}

OPERATIONS = (
    Operation(
        "GET", "/api/documents", "List the documents.", list_all, "knowledge", answer=Documents
    ),
    Operation(
        "POST", "/api/documents", "Bring a document in: its content is the body.", upload,
        "knowledge", query=Upload, takes=_KINDS, answer=Document, status=201,
    ),
    Operation(
        "GET", "/api/documents/{id}", "Show a document's passages.", show, "knowledge",
        answer=Contents, path_kinds=_ID,
    ),
    Operation(
        "DELETE", "/api/documents/{id}", "Remove a document for good.", remove, "knowledge",
        status=204, path_kinds=_ID,
    ),
    Operation(
        "GET", "/api/search", "Find passages.", search, "knowledge", query=Words, answer=Hits
    ),
)  # fmt: skip
