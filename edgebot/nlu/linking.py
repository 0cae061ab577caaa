"""From well-formed documents to templates that know their rules, lists and slots."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from hassil.expression import Sentence
from hassil.intents import IntentData, SlotList

from edgebot.nlu.language import LanguageData
from edgebot.nlu.shared_names import SharedNames, short
from edgebot.nlu.spoken import write_out_template
from edgebot.nlu.syntax import required_slots, slots_of
from edgebot.nlu.templates import SentenceSet, Template
from edgebot.nlu.yaml_lines import Document, Key


def link(documents: Sequence[Document], language: str, data: LanguageData) -> SentenceSet:
    """Link ``documents`` into one set. Mistakes are noted in the documents."""
    names = SharedNames(documents, data)
    templates = _Linker(documents, data, names).templates()
    return SentenceSet(
        language=language,
        data=data,
        templates=tuple(templates),
        lists=names.lists,
        rules=names.rules,
        kinds=names.kinds,
        examples=_merged(documents, "slot_examples"),
        help=_merged(documents, "help"),
        skip_words=tuple(word for each in documents for word in each.data.get("skip_words") or ()),
        ignore_whitespace=any(
            bool((each.data.get("settings") or {}).get("ignore_whitespace")) for each in documents
        ),
        digest=_digest(documents, data),
    )


class _Linker:
    """Makes templates of the sentences in documents that share names."""

    def __init__(
        self, documents: Sequence[Document], data: LanguageData, names: SharedNames
    ) -> None:
        self._documents = documents
        self._data = data
        self._names = names

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
        rules = self._names.rules_in(document, at, block)
        lists = self._names.lists_in(document, at, block)
        self._names.check_rules(document, at, block, rules)
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
        sentence = self._names.parse(document, at, text, f"'{short(text)}'")
        if sentence is not None:
            self._names.check_references(document, at, sentence, rules, lists)
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
        rules = {**self._names.rules, **local_rules}
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
    content = stable([each.data for each in documents]) + stable(data)
    return hashlib.sha256(content.encode("utf-8", errors="replace")).hexdigest()


def stable(value: object) -> str:
    """``value`` in writing, the same in every process: sets have no order of their own."""
    if is_dataclass(value) and not isinstance(value, type):
        return stable({field.name: getattr(value, field.name) for field in fields(value)})
    if isinstance(value, Mapping):
        return stable([(key, value[key]) for key in sorted(value, key=repr)])
    if isinstance(value, set | frozenset):
        return stable(sorted(map(stable, value)))
    if isinstance(value, list | tuple):
        return f"[{','.join(map(stable, value))}]"
    return repr(value)
