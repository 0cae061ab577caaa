"""Where sentences come from: the assistant's own folders, or a user's file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.language import SENTENCES_DIR, language_data, languages
from edgebot.nlu.linking import link
from edgebot.nlu.mistakes import WrongSentences
from edgebot.nlu.schema import check_shape
from edgebot.nlu.templates import SentenceSet
from edgebot.nlu.yaml_lines import read


@functools.lru_cache(maxsize=4)
def own_sentences(language: str, plugins: tuple[Path, ...] = ()) -> SentenceSet:
    """The assistant's own sentences in ``language``, with those in the folders of ``plugins``.

    Raises ``UnderstandingError`` for a language there are none for, :class:`WrongSentences` when
    its files are wrong.
    """
    if language not in languages():
        known = ", ".join(languages())
        raise UnderstandingError(
            f"there are no sentences in {language!r}; set 'language' to one of: {known}"
        )
    directory = SENTENCES_DIR / language
    files = sorted(path for path in directory.glob("*.yaml") if not path.name.startswith("_"))
    for folder in plugins:
        files += sorted((folder / language).glob("*.yaml"))
    return load(files, language)


def load_intents(path: Path) -> SentenceSet:
    """A user's own domain: one YAML (or JSON) file, or a directory of them."""
    if not path.is_dir():
        return load([path])
    files = sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".yml", ".json"))
    if not files:
        raise UnderstandingError(f"{path}: there is no .yaml file in it")
    return load(files)


def load(files: Sequence[Path], language: str | None = None) -> SentenceSet:
    """Read, check and link ``files``; raises :class:`WrongSentences` with every mistake.

    ``language`` is what the files must be in; when None, what the first of them says.
    """
    documents = [read(path, _shown(path)) for path in files]
    wanted = language
    for document in documents:
        if not document.mistakes and check_shape(document, wanted) and wanted is None:
            wanted = document.data["language"]
        document.blank_mistakes()
    usable = [document for document in documents if isinstance(document.data, dict)]
    code = wanted or "en"
    linked = link(usable, code, language_data(code.replace("_", "-").partition("-")[0]))
    mistakes = [mistake for document in documents for mistake in document.mistakes]
    if mistakes:
        raise WrongSentences(mistakes)
    return linked


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
