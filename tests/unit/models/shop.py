"""A place to fetch small models from, with the faults that real places have."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgebot.core.errors import FetchError
from edgebot.models.blobs import BlobCache
from edgebot.models.catalog import Catalog
from edgebot.models.entry import Entry, NpmSource, PypiSource
from edgebot.models.fetch import Fetcher
from edgebot.models.progress import Progress
from edgebot.models.store import ModelStore

WEIGHTS = bytes(range(256)) * 2000
TOKENS = b'{"a": 1}'


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file_spec(path: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"path": path, "size": len(content), "sha256": sha256(content), **more}


def entry(sources: list[dict[str, Any]], **more: Any) -> Entry:
    """A model of two files, ``model.bin`` and ``sub/tokens.json``."""
    fields: dict[str, Any] = {
        "id": "tiny",
        "stage": "llm",
        "engine": "none",
        "licence": "MIT",
        "homepage": "https://example.org",
        "description": "for tests",
        "memory_mb": 1,
        "files": [
            file_spec("model.bin", WEIGHTS, role="model"),
            file_spec("sub/tokens.json", TOKENS, role="tokenizer"),
        ],
        "sources": sources,
    }
    return Entry.model_validate(fields | more)


def zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


WHEEL = zipped({"tiny/model.bin": WEIGHTS, "tiny/sub/tokens.json": TOKENS, "tiny/__init__.py": b""})
FROM_WHEEL = {"pypi": {"package": "tiny", "version": "1.0", "root": "tiny"}}


@dataclass
class Registry:
    """Stands in for the pip and npm clients: packages by name, and what was asked for."""

    packages: Mapping[str, bytes]
    asked: list[str] = field(default_factory=list)

    def __call__(self, source: PypiSource | NpmSource, folder: Path, progress: Progress) -> Path:
        self.asked.append(source.package)
        if source.package not in self.packages:
            raise FetchError(f"no package {source.package}")
        done = folder / "done"
        done.mkdir(parents=True)
        path = done / f"{source.package}.whl"
        path.write_bytes(self.packages[source.package])
        progress.advance(path.stat().st_size)
        return path


@dataclass
class Bench:
    """A store, a cache and a fetcher between them."""

    root: Path
    entries: list[Entry]
    registry: Registry = field(default_factory=lambda: Registry({"tiny": WHEEL}))
    shared_cache: Path | None = None

    @property
    def store(self) -> ModelStore:
        return ModelStore(self.root / "store", Catalog(self.entries))

    @property
    def cache(self) -> BlobCache:
        return BlobCache(self.shared_cache or self.root / "cache")

    def pull(self, *ids: str) -> None:
        fetcher = Fetcher(self.store, self.cache, pip=self.registry, npm=self.registry)
        fetcher.pull(ids or [entry.id for entry in self.entries])


@dataclass
class Server:
    """Serves ``content``; can break off, refuse to resume, lie and say no."""

    content: bytes
    break_after: int | None = None
    resumes: bool = True
    status: int = 200
    url: str = ""
    ranges: list[str | None] = field(default_factory=list)
    """What each request asked for."""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            server.ranges.append(asked)
            if server.status != 200:
                self.send_error(server.status)
                return
            start = 0
            if asked and server.resumes:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                self.send_response(206)
                last = len(server.content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(server.content)}")
            else:
                self.send_response(200)
            body = server.content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if server.break_after is not None:
                body, server.break_after = body[: server.break_after], None
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as httpd:
        server.url = f"http://127.0.0.1:{httpd.server_port}/model.bin"
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            httpd.shutdown()
            thread.join()
