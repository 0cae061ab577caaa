"""The names that sentence files share: lists, expansion rules, kinds of slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hassil.expression import ListReference, RuleReference, Sentence, TextChunk
from hassil.intents import Intents, SlotList
from hassil.util import is_template

from edgebot.nlu import slots
from edgebot.nlu.household import RUNTIME_LISTS
from edgebot.nlu.language import LanguageData
from edgebot.nlu.mistakes import near
from edgebot.nlu.spoken import write_out_template
from edgebot.nlu.syntax import TemplateError, circle, parse, references
from edgebot.nlu.yaml_lines import Document, Key


class SharedNames:
    """What any sentence may refer to. Mistakes are noted in the documents."""

    def __init__(self, documents: Sequence[Document], data: LanguageData) -> None:
        self._data = data
        self.rules: dict[str, Sentence] = {}
        self.lists: dict[str, SlotList] = {}
        self.kinds: dict[str, str] = {}
        self._bodies: dict[tuple[str, str], tuple[Any, str]] = {}
        for document in documents:
            self.rules.update(self.rules_in(document, (), document.data))
            self.lists.update(self.lists_in(document, (), document.data))
            kinds = document.data.get("slot_kinds") or {}
            self.kinds.update({name: kind or "text" for name, kind in kinds.items()})
        for document in documents:
            self._check_kinds(document)
            self.check_rules(document, (), document.data, {})

    def parse(self, document: Document, at: Key, text: str, what: str) -> Sentence | None:
        """The expression of ``text``; None, and a mistake at ``at``, when it has none."""
        try:
            return parse(write_out_template(text, self._data))
        except TemplateError as error:
            document.mistake(at, f"{what}: {error}")
            return None

    def rules_in(self, document: Document, at: Key, data: Mapping[str, Any]) -> dict[str, Sentence]:
        """The expansion rules that ``data`` defines."""
        rules: dict[str, Sentence] = {}
        for name, body in (data.get("expansion_rules") or {}).items():
            here = (*at, "expansion_rules", name)
            self._once(document, here, "rule", body)
            sentence = self.parse(document, here, body, f"rule <{name}>") if body else None
            rules[name] = sentence or Sentence(expression=TextChunk(""))
        return rules

    def lists_in(self, document: Document, at: Key, data: Mapping[str, Any]) -> dict[str, SlotList]:
        """The lists that ``data`` defines."""
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
            if is_template(said) and not self.parse(
                document, (*at, "values", index), said, f"'{short(said)}'"
            ):
                continue
            # As hassil does: a template given alone puts the words that were said into the slot.
            alone = {} if is_template(said) else {"out": said}
            rest = value if isinstance(value, dict) else alone
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

    def check_rules(
        self, document: Document, at: Key, data: Mapping[str, Any], local: Mapping[str, Sentence]
    ) -> None:
        """Note references of the rules in ``data`` that lead nowhere or in a circle."""
        everything = {**self.rules, **local}
        for name in data.get("expansion_rules") or {}:
            if name in everything:
                here = (*at, "expansion_rules", name)
                self.check_references(document, here, everything[name], local, {})
        round_trip = circle(everything)
        if round_trip and round_trip[0] in (data.get("expansion_rules") or {}):
            shown = " → ".join(f"<{name}>" for name in round_trip)
            document.mistake(
                (*at, "expansion_rules", round_trip[0]), f"rules go in a circle: {shown}"
            )

    def check_references(
        self,
        document: Document,
        at: Key,
        sentence: Sentence,
        rules: Mapping[str, Sentence],
        lists: Mapping[str, SlotList],
    ) -> None:
        """Note references of ``sentence`` to what is neither shared nor in ``rules``, ``lists``."""
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


def short(text: str) -> str:
    """``text``, cut to fit into a message."""
    return text if len(text) <= 60 else text[:57] + "…"
