"""What a document is made of, between reading its file and storing its passages."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_WORDINGS = 16
"""Wordings of a question that get a vector of their own."""


@dataclass(frozen=True, slots=True)
class Section:
    """Running text under a heading."""

    text: str
    """Paragraphs, an empty line between two of them."""

    headings: tuple[str, ...] = ()
    """From the outermost to the innermost."""

    title: str = ""
    """Of the document it was a part of, where that is another."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question in one wording or several, and its answer."""

    questions: tuple[str, ...]
    answer: str
    reference: str = ""
    """Where the fact is from."""

    headings: tuple[str, ...] = ()
    title: str = ""
    """Of the document it was a part of, where that is another."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read."""

    title: str
    sections: tuple[Section, ...] = ()
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A passage that is not stored yet."""

    title: str
    heading: str
    text: str
    question: str = ""
    """Of a pair; one wording a line."""

    reference: str = ""

    @property
    def embedded_texts(self) -> tuple[str, ...]:
        """What the encoder is shown, a vector for each.

        Running text with the names of what it is a part of; of a pair each wording by itself, since
        a question is most like another question.
        """
        if self.question:
            return (*self.question.split("\n")[:MAX_WORDINGS], self.text)
        return (". ".join(part for part in (self.title, self.heading, self.text) if part),)


@dataclass(slots=True)
class ImportReport:
    """What an import did."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: int = 0
    """Files of other kinds found in folders."""

    passages: int = 0
    """New passages."""

    failed: dict[str, str] = field(default_factory=dict)
    """File → what is wrong with it."""
