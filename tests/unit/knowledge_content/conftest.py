"""The starter knowledge as the product's own readers see it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from edgebot.knowledge.document import Document, Pair
from edgebot.knowledge.readers import read_document

KNOWLEDGE = Path(__file__).resolve().parents[3] / "knowledge"

Table = Sequence[Mapping[str, str]]


@pytest.fixture(scope="session")
def knowledge() -> Path:
    """The folder."""
    return KNOWLEDGE


@pytest.fixture(scope="session")
def documents() -> Mapping[str, Document]:
    """Path below the folder → the document, for everything that is imported."""
    return {
        str(path.relative_to(KNOWLEDGE)): read_document(path.read_bytes(), path)
        for path in sorted(KNOWLEDGE.rglob("*"))
        if path.is_file() and path.name != "README.md"
    }


@pytest.fixture(scope="session")
def pairs(documents: Mapping[str, Document]) -> Callable[[str], Sequence[Pair]]:
    """``pairs("facts/units.yaml")`` are the pairs of that file."""

    def of(name: str) -> Sequence[Pair]:
        return documents[name].pairs

    return of


@pytest.fixture(scope="session")
def answers(pairs: Callable[[str], Sequence[Pair]]) -> Callable[[str], Mapping[str, str]]:
    """``answers("facts/units.yaml")`` maps every wording of that file to its answer."""

    def of(name: str) -> Mapping[str, str]:
        return {question: pair.answer for pair in pairs(name) for question in pair.questions}

    return of


@pytest.fixture(scope="session")
def table() -> Callable[[str], Table]:
    """``table("facts/countries.csv")`` are the rows of that file by column."""

    def of(name: str) -> Table:
        with (KNOWLEDGE / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return of
