"""The catalogue of models, from ``models/catalog.yaml`` and what its owner added beside it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

from edgebot.config import paths
from edgebot.config.sections.base import Section
from edgebot.config.validation import validate
from edgebot.config.yaml_file import Mistake, read_mapping
from edgebot.core.errors import ConfigError
from edgebot.models.entry import Entry

SYSTEM_CATALOGS = Path("/etc/edgebot/catalog.d")
"""Where the owner of a machine describes further models, for every user of it."""


class WrongCatalog(ConfigError):
    """A catalogue file holds one mistake or several."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__(
            "the catalogue of models is wrong:\n  "
            + "\n  ".join(map(str, mistakes))
            + "\nMend the lines above, then run `edgebot models list`."
        )


class _CatalogFile(Section):
    models: tuple[Entry, ...]


class Catalog:
    """Models by id, in the order they were written."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.id: entry for entry in entries}

    def __getitem__(self, model_id: str) -> Entry:
        """The entry of ``model_id``; raises :class:`ConfigError` naming the nearest known id."""
        try:
            return self._entries[model_id]
        except KeyError:
            near = difflib.get_close_matches(model_id, self._entries, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see `edgebot models list`"
            raise ConfigError(f"no model is called {model_id!r}; {hint}") from None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._entries

    def __len__(self) -> int:
        return len(self._entries)


def catalog_files(models_dir: Path) -> list[Path]:
    """The catalogue edgebot ships, and ``catalog.d/*.yaml`` of the machine and of the store."""
    files = [paths.share_dir("models") / "catalog.yaml"]
    for folder in (SYSTEM_CATALOGS, models_dir / "catalog.d"):
        files += sorted(folder.glob("*.yaml"))
    return files


def load_catalog(files: Iterable[Path]) -> Catalog:
    """Read ``files``; raises :class:`WrongCatalog` with every mistake, with file and line."""
    entries: dict[str, Entry] = {}
    written: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for path in files:
        document = read_mapping(path)
        catalog, wrong = validate(_CatalogFile, document)
        mistakes += wrong
        for position, entry in enumerate(catalog.models if catalog else ()):
            where = document.where(("models", position, "id"))
            if entry.id in entries:
                message = f"{entry.id!r} is in {written[entry.id]} already; give yours another id"
                mistakes.append(Mistake(where, "id", message))
            entries[entry.id] = entry
            written[entry.id] = where
    if mistakes:
        raise WrongCatalog(mistakes)
    return Catalog(entries.values())
