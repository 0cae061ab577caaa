"""From documents that are well-formed to linked templates: references, circles, duplicates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from hassil.expression import ListReference, RuleReference, Sentence, TextChunk
from hassil.intents import IntentData, Intents, SlotList
from hassil.util import is_template

from edgebot.nlu import slots
from edgebot.nlu.household import RUNTIME_LISTS
from edgebot.nlu.language import LanguageData
from edgebot.nlu.mistakes import near
from edgebot.nlu.spoken import write_out_template
from edgebot.nlu.syntax import TemplateError, circle, parse, references, required_slots, slots_of
from edgebot.nlu.templates import SentenceSet, Template
from edgebot.nlu.yaml_lines import Document, Key


def link(documents: Sequence[Document], language: str, data: LanguageData) -> SentenceSet:
    """Link ``documents`` into one set. Mistakes are noted in the documents."""
    linker = _Linker(documents, data)
    templates = linker.templates()
    return SentenceSet(
        language=language,
        data=data,
        templates=tuple(templates),
        lists=linker.lists,
        rules=linker.rules,
        kinds=linker.kinds,
        examples=_merged(documents, "slot_examples"),
        help=_merged(documents, "help"),
        skip_words=tuple(word for each in documents for word in each.data.get("skip_words") or ()),
        ignore_whitespace=any(
            bool((each.data.get("settings") or {}).get("ignore_whitespace")) for each in documents
        ),
        digest=_digest(documents, data),
    )


class _Linker:
    """Names that all documents share, and the templates that use them."""

    def __init__(self, documents: Sequence[Document], data: LanguageData) -> None:
        self._documents = documents
        self._data = data
        self.rules: dict[str, Sentence] = {}
        self.lists: dict[str, SlotList] = {}
        self.kinds: dict[str, str] = {}
        self._bodies: dict[tuple[str, str], tuple[Any, str]] = {}
        for document in documents:
            self.rules.update(self._rules(document, (), document.data))
            self.lists.update(self._lists(document, (), document.data))
            kinds = document.data.get("slot_kinds") or {}
            self.kinds.update({name: kind or "text" for name, kind in kinds.items()})
        for document in documents:
            self._check_kinds(document)
            self._check_rules(document, (), document.data, {})

    def templates(self) -> list[Template]:
        """Every sentence of every intent."""
        found: list[Template] = []
        for document in self._documents:
            for name, intent in (document.data.get("intents") or {}).items():
                for index, block in enumerate((intent or {}).get("data") or ()):
                    if block:
                        found += self._block(document, ("intents", name, "data", index), block)
        return found

    def _block(self, document: Document, at: Key, block: Mapping[str, Any]) -> list[Template]:
        rules = self._rules(document, at, block)
        lists = self._lists(document, at, block)
        self._check_rules(document, at, block, rules)
        found = []
        for index, text in enumerate(block["sentences"] or ()):
            here = (*at, "sentences", index)
            sentence = self._sentence(document, here, text, rules, lists) if text else None
            if sentence is not None and not self._mistaken:
                found.append(self._template(document, here, text, sentence, (block, rules, lists)))
        return found

    @property
    def _mistaken(self) -> bool:
        return any(document.mistakes for document in self._documents)

    def _sentence(
        self,
        document: Document,
        at: Key,
        text: str,
        rules: Mapping[str, Sentence],
        lists: Mapping[str, SlotList],
    ) -> Sentence | None:
        sentence = self._parse(document, at, text, f"'{_short(text)}'")
        if sentence is not None:
            self._check_references(document, at, sentence, rules, lists)
        return sentence

    def _template(
        self,
        document: Document,
        at: Key,
        text: str,
        sentence: Sentence,
        around: tuple[Mapping[str, Any], Mapping[str, Sentence], Mapping[str, SlotList]],
    ) -> Template:
        block, local_rules, lists = around
        rules = {**self.rules, **local_rules}
        used = list(slots_of(sentence.expression, rules))
        return Template(
            intent=str(at[1]),
            text=text,
            where=document.where(at),
            states=_states(block),
            block=self._hassil(text, sentence, block, local_rules, lists),
            slots={each.slot_name: each.list_name for each in used if not each.is_capture},
            needs=required_slots(sentence.expression, rules),
            rules=rules,
            lists=lists,
        )

    def _hassil(
        self,
        text: str,
        sentence: Sentence,
        block: Mapping[str, Any],
        rules: Mapping[str, Sentence],
        lists: Mapping[str, SlotList],
    ) -> IntentData:
        keywords = block.get("required_keywords")
        data = IntentData(
            sentence_texts=[write_out_template(text, self._data)],
            slots=dict(block.get("slots") or {}),
            response=block.get("response"),
            requires_context=dict(block.get("requires_context") or {}),
            excludes_context=dict(block.get("excludes_context") or {}),
            expansion_rules=dict(rules),
            slot_lists=dict(lists),
            metadata=block.get("metadata"),
            required_keywords=set(keywords) if keywords else None,
        )
        vars(data)["sentences"] = [sentence]  # a cached property: spares parsing it once more
        return data

    def _parse(self, document: Document, at: Key, text: str, what: str) -> Sentence | None:
        try:
            return parse(write_out_template(text, self._data))
        except TemplateError as error:
            document.mistake(at, f"{what}: {error}")
            return None

    def _rules(self, document: Document, at: Key, data: Mapping[str, Any]) -> dict[str, Sentence]:
        rules: dict[str, Sentence] = {}
        for name, body in (data.get("expansion_rules") or {}).items():
            here = (*at, "expansion_rules", name)
            self._once(document, here, "rule", body)
            sentence = self._parse(document, here, body, f"rule <{name}>") if body else None
            rules[name] = sentence or Sentence(expression=TextChunk(""))
        return rules

    def _lists(self, document: Document, at: Key, data: Mapping[str, Any]) -> dict[str, SlotList]:
        usable: dict[str, Any] = {}
        for name, entry in (data.get("lists") or {}).items():
            here = (*at, "lists", name)
            self._once(document, here, "list", entry)
            usable[name] = self._written_out(document, here, entry or {"wildcard": True})
        read = Intents.from_dict({"language": "", "intents": {}, "lists": usable})
        return dict(read.slot_lists)

    def _written_out(self, document: Document, at: Key, entry: Mapping[str, Any]) -> Any:
        if "values" not in entry:
            return entry
        values: list[Any] = []
        for index, value in enumerate(entry["values"]):
            said = value["in"] if isinstance(value, dict) else value
            plain = write_out_template(said, self._data)
            if is_template(said) and not self._parse(
                document, (*at, "values", index), said, f"'{_short(said)}'"
            ):
                continue
            rest = value if isinstance(value, dict) else {"out": said}
            values.append({"out": None, **rest, "in": plain})
        return {"values": values}

    def _once(self, document: Document, at: Key, what: str, body: Any) -> None:
        """A name that all files share may not mean two things."""
        if len(at) > 2:
            return
        name = str(at[-1])
        first = self._bodies.setdefault((what, name), (body, document.where(at)))
        if first[0] != body:
            document.mistake(at, f"{what} '{name}' is something else in {first[1]}")

    def _check_kinds(self, document: Document) -> None:
        for name, kind in (document.data.get("slot_kinds") or {}).items():
            at = ("slot_kinds", name)
            entry = self._bodies.get(("list", name))
            if kind and entry is not None and entry[0] and "wildcard" not in entry[0]:
                document.mistake(at, f"list '{name}' is no wildcard, so it has no kind")
            if kind and self.kinds[name] != kind:
                document.mistake(at, f"'{name}' is of kind '{self.kinds[name]}' in another file")
        if self.kinds and self._data.language not in slots.languages():
            known = ", ".join(slots.languages())
            document.mistake(
                ("slot_kinds",), f"slots cannot be read in '{self._data.language}'; only in {known}"
            )

    def _check_rules(
        self, document: Document, at: Key, data: Mapping[str, Any], local: Mapping[str, Sentence]
    ) -> None:
        everything = {**self.rules, **local}
        for name in data.get("expansion_rules") or {}:
            if name in everything:
                here = (*at, "expansion_rules", name)
                self._check_references(document, here, everything[name], local, {})
        round_trip = circle(everything)
        if round_trip and round_trip[0] in (data.get("expansion_rules") or {}):
            shown = " → ".join(f"<{name}>" for name in round_trip)
            document.mistake(
                (*at, "expansion_rules", round_trip[0]), f"rules go in a circle: {shown}"
            )

    def _check_references(
        self,
        document: Document,
        at: Key,
        sentence: Sentence,
        rules: Mapping[str, Sentence],
        lists: Mapping[str, SlotList],
    ) -> None:
        for reference in references(sentence.expression):
            if isinstance(reference, RuleReference):
                name = reference.rule_name
                known = {*self.rules, *rules}
                if name not in known:
                    document.mistake(at, f"there is no rule <{name}>{near(name, known)}")
            elif isinstance(reference, ListReference) and not reference.is_inline_range:
                name = reference.list_name
                known = {*self.lists, *lists, *self.kinds}
                if name not in known and name not in RUNTIME_LISTS:
                    document.mistake(at, f"there is no list {{{name}}}{near(name, known)}")


def _states(block: Mapping[str, Any]) -> frozenset[str]:
    state = (block.get("requires_context") or {}).get("state")
    if isinstance(state, dict):
        state = state.get("value")
    if isinstance(state, str):
        return frozenset((state,))
    return frozenset(map(str, state)) if isinstance(state, list) else frozenset()


def _merged(documents: Sequence[Document], key: str) -> dict[str, tuple[str, ...]]:
    merged: dict[str, tuple[str, ...]] = {}
    for document in documents:
        for name, words in (document.data.get(key) or {}).items():
            merged[name] = merged.get(name, ()) + tuple(words or ())
    return merged


def _digest(documents: Sequence[Document], data: LanguageData) -> str:
    content = json.dumps([each.data for each in documents], sort_keys=True, default=str)
    return hashlib.sha256((content + repr(data)).encode()).hexdigest()


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
