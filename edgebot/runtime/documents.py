"""What the settings mean for the knowledge base."""

from __future__ import annotations

import logging
from pathlib import Path

from edgebot.config.paths import prepared_dir, share_dir
from edgebot.config.settings import Settings
from edgebot.core.embedding import TokenEmbedder
from edgebot.core.errors import StoreError
from edgebot.knowledge.document import ImportReport
from edgebot.knowledge.ingest import sync_shipped
from edgebot.knowledge.prepared import PreparedPassages
from edgebot.knowledge.store import KnowledgeStore

_log = logging.getLogger(__name__)


def file_of(settings: Settings) -> Path:
    """The database of the knowledge base."""
    return settings.knowledge.file or settings.state_dir / "knowledge.db"


def uploads_dir(settings: Settings) -> Path:
    """Where documents are kept as they came in over the network."""
    return settings.state_dir / "documents"


def max_bytes(settings: Settings) -> int:
    """Size above which a document is refused."""
    return settings.knowledge.max_file_mb * 1_000_000


def keep_shipped(
    store: KnowledgeStore, embedder: TokenEmbedder, settings: Settings
) -> ImportReport | None:
    """Bring in the documents edgebot ships where they are new or changed.

    Trouble (a full disk, another import at work) is logged: what is known already can be asked.
    """
    if not settings.knowledge.shipped:
        return None
    try:
        prepared = PreparedPassages(prepared_dir() / "knowledge")
        report = sync_shipped(
            store, embedder, share_dir("knowledge"), max_bytes(settings), prepared
        )
    except StoreError as error:
        _log.warning("the documents that come with edgebot were not imported: %s", error)
        return None
    for source, reason in (report.failed if report else {}).items():
        _log.warning("%s: %s", source, reason)
    return report
