"""Text of documents as it can be spoken."""

from __future__ import annotations

import re
from collections.abc import Container

from edgebot.knowledge.words import stems_of

_CITATION = re.compile(r"\[(?:\d+|[a-z]|citation needed|note \d+)\]", re.IGNORECASE)
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_LINK = re.compile(r"\bhttps?://\S+|\bwww\.\S+")
_MARKS = re.compile(r"[`*_#|<>{}~^\\]+")
_DASH = re.compile(r"\s+[–—-]{1,2}\s+|\s*—\s*")
_QUOTES = str.maketrans("’–°", "'-o")
_ROW = re.compile(r"[^:;\n]{1,60}: [^;\n]+(?:; [^:;\n]{1,60}: [^;\n]+)+\.$")
_STARTERS = frozenset(
    """the a an it its he she they this these that those there their his her in on at by for from
    with when while where after before although since during as if most many some several all both
    each one two three under until into over through because however according between among""".split()  # noqa: E501, SIM905
)
_EMPTY_FRONT = re.compile(
    r"^(?:however|therefore|thus|moreover|furthermore|also|but|and|so),? ", re.I
)


def clean(text: str) -> str:
    """``text`` on one line without citations, links, marks and asides that are hard to follow."""
    text = _ASIDE.sub(_kept_aside, _CITATION.sub("", text))
    text = _LINK.sub("", text)
    text = _DASH.sub(", ", _MARKS.sub(" ", text))
    text = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(text.split()))
    return re.sub(r",(?:\s*,)+", ",", text).strip(" ,;")


def _kept_aside(found: re.Match[str]) -> str:
    """Short asides stay, as a clause: they often hold the number or the name asked for."""
    inner = found[0].strip()[1:-1].strip()
    plain = bool(re.fullmatch(r"[\w ,.%'’°/–-]+", inner)) and len(inner.split()) <= 6
    western = inner.translate(_QUOTES).isascii()
    return f", {inner}," if plain and western and not _LINK.search(inner) else ""


def sentence(text: str) -> str:
    """One clean sentence with its full stop, first letter large."""
    text = _EMPTY_FRONT.sub("", clean(text))
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else text.rstrip(",;:") + "."


def with_source(title: str, text: str) -> str:
    """``text`` with the words that say where it is from."""
    title = clean(title).rstrip(".!?")
    if not title:
        return text
    first = text.split(" ", 1)[0]
    if first.lower().strip(",") in _STARTERS and first != "I":
        text = text[0].lower() + text[1:]
    return f"According to {title}, {text}"


def short_with_source(title: str, words: str) -> str:
    """A few ``words`` that answer, then where they are from: "1869, according to Canals."."""
    title = clean(title).rstrip(".!?")
    words = words[:1].upper() + words[1:]
    return f"{words}, according to {title}." if title else f"{words}."


def table_row(text: str, asked: Container[str]) -> str:
    """What a row of a table, "Country: France; Capital: Paris.", says about the ``asked`` stems.

    Empty for text that is no row. Only the columns asked for are spoken, or the first ones.
    """
    if not _ROW.match(text):
        return ""
    cells = [part.partition(": ")[::2] for part in text.rstrip(".").split("; ")]
    (_, name), *others = cells
    chosen = [cell for cell in others if any(stem in asked for stem in stems_of(cell[0]))]
    values = ", ".join(f"{column} {value}" for column, value in chosen or others[:2])
    return sentence(f"{name}: {values}")
