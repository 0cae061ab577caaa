"""What a language says: the tables of ``data/<language>.yaml``, ready for look-up."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.slots.patterns import RuleBook
from edgebot.nlu.slots.tokens import fold

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class NumberTables:
    """Words and habits of numbers."""

    decimal: str
    group: str
    minus: frozenset[str]
    point: frozenset[str]
    joins: frozenset[str]
    """Words inside a number ("and")."""

    articles: frozenset[str]
    """Words that may stand for one ("a hundred")."""

    small: Mapping[str, int]
    """0 … 19."""

    spoken_zeros: frozenset[str]
    """Zeros among digits only ("one point o five")."""

    tens: Mapping[str, int]
    hundreds: frozenset[str]
    scales: Mapping[str, int]
    groups: Mapping[str, int]
    """dozen, score …"""

    group_links: frozenset[str]
    """Words between a group and what is counted ("a couple of")."""

    fractions: Mapping[str, float]
    lone_fractions: frozenset[str]
    """Fractions that need no count before them ("half")."""

    exact: Mapping[str, float]
    """Words that are a mixed number on their own ("anderthalb")."""

    ones_first: bool
    """five-and-twenty."""

    bare_mixed: bool
    """"zwei ein halb": a mixed number without "and"."""

    ordinals: Mapping[str, int]
    ordinal_suffixes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of one language."""

    language: str
    spellings: tuple[tuple[str, str], ...]
    numbers: NumberTables
    compound_atoms: frozenset[str]
    """Words that numbers written as one word are made of; empty where there are none."""

    written_as_one: Mapping[str, tuple[str, str]]
    """Other compounds → their two words."""

    durations: Mapping[str, tuple[str, float]]
    """Word → (unit, how many of it)."""

    duration_rules: RuleBook
    more_rules: RuleBook
    moments: RuleBook
    glue: Mapping[str, bool]
    """Words between the parts of a moment → whether one makes a bare number a clock time."""

    parts: Mapping[str, tuple[int, int, int]]
    """Part of the day → from, to, and the minute meant when no time is given; may pass 24 h."""

    day_starts_hour: int
    weekdays: Mapping[str, int]
    plural_weekdays: Mapping[str, int]
    """The forms that say "each of them" ("Mondays")."""

    months: Mapping[str, int]
    recurrences: RuleBook
    units: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
    """First word → (all words, canonical unit), longest first."""

    unit_rules: RuleBook
    percent: frozenset[str]
    percent_words: Mapping[str, float]
    yes_no: Mapping[tuple[str, ...], bool]
    fillers: frozenset[str]
    item_joins: tuple[str, ...]
    item_pairs: tuple[str, ...]
    known_items: frozenset[str]
    """Things that may stand side by side without a word between."""

    item_lead: frozenset[str]
    list_heads: tuple[str, ...]
    """What the name of a list ends with where it is one word with it ("Packliste")."""

    name_lead: frozenset[str]
    name_tail: frozenset[str]

    def fold(self, text: str) -> str:
        """``text`` in the form this language's words are compared in."""
        return fold(text, self.spellings)


def languages() -> list[str]:
    """The languages there are tables for, sorted."""
    data = resources.files(__package__) / "data"
    return sorted(
        entry.name.removesuffix(".yaml") for entry in data.iterdir() if entry.name.endswith(".yaml")
    )


@functools.lru_cache(maxsize=8)
def tables_of(language: str) -> Tables:
    """The tables of ``language``; raises ``UnderstandingError`` when there are none."""
    if language not in languages():
        known = ", ".join(languages())
        raise UnderstandingError(f"slots cannot be read in {language!r}; languages: {known}")
    text = (resources.files(__package__) / "data" / f"{language}.yaml").read_text("utf-8")
    return _build(language, yaml.load(text, Loader=_LOADER))


def _build(language: str, raw: Mapping[str, Any]) -> Tables:
    spellings = tuple((raw.get("spellings") or {}).items())

    def folded(text: object) -> str:
        return fold(str(text), spellings)

    def words(values: Iterable[object] | None) -> frozenset[str]:
        return frozenset(map(folded, values or ()))

    def several(table: Mapping[Any, Any]) -> dict[str, Any]:
        """``{meaning: [words]}`` turned round."""
        return {folded(word): meaning for meaning, listed in table.items() for word in listed}

    numbers = _numbers(raw["numbers"], folded)
    durations = {word: (unit, 1.0) for word, unit in several(raw["durations"]["units"]).items()}
    for word, (count, unit) in (raw["durations"].get("words") or {}).items():
        durations[folded(word)] = (unit, float(count))
    answers = {
        tuple(folded(phrase).split()): answer
        for answer, phrases in ((True, raw["agree"]), (False, raw["disagree"]))
        for phrase in phrases
    }
    items = raw["items"]
    return Tables(
        language=language,
        spellings=spellings,
        numbers=numbers,
        compound_atoms=_atoms(numbers) if raw["numbers"].get("compounds") else frozenset(),
        written_as_one={
            folded(first + second): (folded(first), folded(second))
            for firsts, seconds in raw.get("written_as_one") or ()
            for first in firsts
            for second in seconds
        },
        durations=durations,
        duration_rules=RuleBook.of(raw["durations"]["rules"], folded),
        more_rules=RuleBook.of(raw["durations"]["more"], folded),
        moments=RuleBook.of(raw["moments"]["rules"], folded),
        glue={folded(word): bool(firm) for word, firm in raw["moments"]["glue"].items()},
        parts={name: tuple(hours) for name, hours in raw["moments"]["parts"].items()},
        day_starts_hour=raw["moments"]["day_starts_hour"],
        weekdays=several(raw["weekdays"]) | several(raw["plural_weekdays"]),
        plural_weekdays=several(raw["plural_weekdays"]),
        months=several(raw["months"]),
        recurrences=RuleBook.of(raw["recurrences"], folded),
        units=_units(raw["units"], folded),
        unit_rules=RuleBook.of(raw.get("unit_rules") or {}, folded),
        percent=words(raw["percent"]["signs"]),
        percent_words={folded(word): value for word, value in raw["percent"]["words"].items()},
        yes_no=answers,
        fillers=words(raw["fillers"]),
        item_joins=tuple(map(folded, items["joins"])),
        item_pairs=tuple(map(folded, items["pairs"])),
        known_items=words(items["known"]),
        item_lead=words(items["lead"]),
        list_heads=tuple(map(folded, raw["names"].get("list_heads") or ())),
        name_lead=words(raw["names"]["lead"]),
        name_tail=words(raw["names"]["tail"]),
    )


def _numbers(raw: Mapping[str, Any], folded: Any) -> NumberTables:
    def words(key: str) -> frozenset[str]:
        return frozenset(folded(word) for word in raw.get(key) or ())

    def table(key: str) -> dict[str, Any]:
        return {folded(word): value for word, value in (raw.get(key) or {}).items()}

    endings = [str(ending) for ending in raw.get("ordinal_endings") or [""]]
    ordinals = {
        folded(stem) + ending: value
        for stem, value in raw["ordinals"].items()
        for ending in endings
    }
    return NumberTables(
        decimal=raw["decimal"],
        group=raw["group"],
        minus=words("minus") | {"-"},
        point=words("point"),
        joins=words("joins"),
        articles=words("articles"),
        small=table("small"),
        spoken_zeros=words("spoken_zeros"),
        tens=table("tens"),
        hundreds=words("hundreds"),
        scales=table("scales"),
        groups=table("groups"),
        group_links=words("group_links"),
        fractions=table("fractions"),
        lone_fractions=words("lone_fractions"),
        exact=table("exact"),
        ones_first=bool(raw.get("ones_first")),
        bare_mixed=bool(raw.get("bare_mixed")),
        ordinals=ordinals,
        ordinal_suffixes=words("ordinal_suffixes"),
    )


def _atoms(numbers: NumberTables) -> frozenset[str]:
    return frozenset().union(
        numbers.small,
        numbers.tens,
        numbers.hundreds,
        numbers.scales,
        numbers.joins,
        numbers.ordinals,
        numbers.fractions,
        numbers.exact,
    )


def _units(raw: Mapping[str, Any], folded: Any) -> dict[str, Any]:
    table: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for canonical, phrases in raw.items():
        for phrase in phrases:
            parts = tuple(folded(phrase).split())
            table.setdefault(parts[0], []).append((parts, canonical))
    return {
        first: tuple(sorted(entries, key=lambda entry: -len(entry[0])))
        for first, entries in table.items()
    }
