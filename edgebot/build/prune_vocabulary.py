"""Tokens that the language in use never needs, taken out of tokenizer and weights together.

In small models the table of tokens is the largest part of the file, and most of its rows belong to
other languages and to program code. A token goes with its row of the embedding and of the scores
and with every merge that makes or uses it; what it stood for is then written with smaller tokens.

Kept in any case: bytes, control tokens, and everything on the way to a token that is kept, because
byte-pair encoding comes to a token only through its parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgebot.build.artefact import MODEL
from edgebot.build.byte_pairs import BYTES, BytePairs, Vocabulary, read_vocabulary
from edgebot.build.gguf_file import GgufFile, rows_of
from edgebot.build.step import Job, Made, Parameters, Step
from edgebot.core.errors import UsageError

_NORMAL = 1


_IDS = re.compile(r"^tokenizer\.ggml\.(\w+)_token_id$")


class VocabularyParameters(Parameters):
    """What ``prune-vocabulary`` takes."""

    text: str = "coverage"
    """Text of the recipe: every token it needs stays, with its words in all their spellings."""

    alphabet: Literal["ascii", "latin", "any"] = "latin"
    """Tokens with letters of other alphabets go."""

    first: int = Field(default=0, ge=0)
    """This many of the commonest tokens stay (in the order of the merges), if of the alphabet."""

    multiple: int = Field(default=64, ge=1)
    """Tokens that stay are a multiple of it: rows of weights are laid out in groups."""

    code: bool = False
    """Keep tokens that only programs need (brackets, camelCase, long runs of spaces)."""


class PruneVocabulary(Step[VocabularyParameters]):
    """Fewer tokens; all other weights as they are."""

    name = "prune-vocabulary"
    takes = makes = "gguf"
    libraries = ("gguf",)
    schema = VocabularyParameters

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        source = GgufFile(job.artefact.file())
        vocabulary = read_vocabulary(source)
        job.progress.begin("vocabulary", None)
        kept = chosen(vocabulary, job.texts.read(self.parameters.text), self.parameters)
        name = "model.gguf"
        notes = write_pruned(source, vocabulary, kept, job.folder / name)
        roles = {role for role in job.artefact.roles if role != MODEL}
        return Made({**job.keep(*sorted(roles)), MODEL: name}, notes)


def chosen(vocabulary: Vocabulary, text: str, wanted: VocabularyParameters) -> list[int]:
    """The tokens that stay, in their old order."""
    pairs = BytePairs(vocabulary)
    ids = {token: at for at, token in enumerate(vocabulary.texts)}
    kept: set[int] = {at for at, kind in enumerate(vocabulary.types) if kind != _NORMAL} | {
        ids[symbol] for symbol in pairs.alphabet if symbol in ids
    }
    fits = [_fits(_plain(token), wanted) for token in vocabulary.texts]
    needed = {token for word in _words(text) for token in pairs.encode(word)}
    kept |= {ids[token] for token in needed if token in ids}
    kept |= {at for at in range(min(wanted.first, len(fits))) if fits[at]}
    kept = pairs.closed(kept, ids)
    for at, good in enumerate(fits):  # up to a whole number of groups, the commonest first
        if len(kept) % wanted.multiple == 0:
            break
        if good and at not in kept:
            kept |= pairs.closed({at}, ids)
    if len(kept) == len(vocabulary.texts):
        raise UsageError("prune-vocabulary would keep every token; name fewer, or leave it out")
    return sorted(kept)


def write_pruned(
    source: GgufFile, vocabulary: Vocabulary, kept: Sequence[int], target: Path
) -> dict[str, Any]:
    """Write ``source`` with the tokens ``kept`` only; returns what became smaller."""
    rows: npt.NDArray[np.intp] = np.array(kept, np.intp)
    texts = [vocabulary.texts[at] for at in kept]
    known = set(texts)
    merges = [
        f"{left} {right}"
        for left, right in vocabulary.merges
        if left in known and right in known and left + right in known
    ]
    fields: dict[str, Any] = {
        "tokenizer.ggml.tokens": texts,
        "tokenizer.ggml.token_type": [vocabulary.types[at] for at in kept],
        "tokenizer.ggml.merges": merges,
        f"{source.architecture}.vocab_size": len(kept),
    }
    if scores := source.field("tokenizer.ggml.scores"):
        fields["tokenizer.ggml.scores"] = [scores[at] for at in kept]
    places = {old: new for new, old in enumerate(kept)}
    for key in source.fields():
        if _IDS.match(key):
            fields[key] = places.get(int(source.field(key)))
    tensors = {
        name: rows_of(source.tensor(name), rows)
        for name in ("token_embd.weight", "output.weight")
        if name in source.tensors
    }
    source.rewrite(target, fields=fields, tensors=tensors)
    return {
        "tokens": len(kept),
        "tokens_before": len(vocabulary.texts),
        "merges": len(merges),
        "merges_before": len(vocabulary.merges),
    }


def _words(text: str) -> set[str]:
    """Every word of ``text`` as it may stand in a sentence, and what stands between words."""
    found: set[str] = set()
    for word in set(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text)):
        lower, upper = word.lower(), word.capitalize()
        found |= {lower, upper, f" {lower}", f" {upper}", word, f" {word}"}
    found |= set(re.findall(r"\s?[^\w\s]+|\s?\d|\s+", text))
    return found


def _fits(text: str | None, wanted: VocabularyParameters) -> bool:
    """Whether a token of this text may stay; None: half a character."""
    if text is None:
        return wanted.alphabet == "any"
    if wanted.alphabet == "ascii" and not text.isascii():
        return False
    if wanted.alphabet == "latin" and not all(_is_latin(c) for c in text):
        return False
    return wanted.code or not _is_code(text)


def _is_latin(character: str) -> bool:
    if character.isascii() or not character.isalpha():
        return character.isascii() or unicodedata.category(character)[0] in "PSZN"
    return unicodedata.name(character, "").startswith("LATIN")


def _is_code(text: str) -> bool:
    word = text.strip()
    if not word:
        return len(text) > 4
    if re.search(r"[a-z][A-Z]|_|[{}<>\\^~`|]|[(\[=:;/#%&*+\"!?][A-Za-z]|[A-Za-z][(\[=:;/]", word):
        return True
    return len(word) > 3 and not re.search(r"\w", word)


def _plain(token: str) -> str | None:
    """The text of a token, None where its bytes are no whole characters."""
    try:
        return bytes(BYTES[symbol] for symbol in token).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None
