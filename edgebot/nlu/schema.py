"""The shape of sentence files: which keys there are and what may stand behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from edgebot.nlu import slots
from edgebot.nlu.mistakes import near
from edgebot.nlu.yaml_lines import Document, Key

TOP_KEYS = {
    "language": str,
    "intents": dict,
    "lists": dict,
    "expansion_rules": dict,
    "skip_words": list,
    "settings": dict,
    "responses": dict,
    "slot_kinds": dict,
    "slot_examples": dict,
    "help": dict,
}
"""Home Assistant's own keys and, from ``slot_kinds`` on, ours."""

BLOCK_KEYS = {
    "sentences": list,
    "slots": dict,
    "requires_context": dict,
    "excludes_context": dict,
    "expansion_rules": dict,
    "lists": dict,
    "response": str,
    "metadata": dict,
    "required_keywords": list,
    "inferred_domain": str,
    "name_domains": list,
    "settings": dict,
}
LIST_KEYS = ("values", "range", "wildcard")
RANGE_KEYS = (
    "from",
    "to",
    "step",
    "type",
    "multiplier",
    "fractions",
    "digits",
    "words",
    "words_language",
)
VALUE_KEYS = ("in", "out", "context", "metadata")
_CALLED: Mapping[Any, str] = {dict: "'key: value' lines", list: "a list", str: "text"}
_NAME = re.compile(r"[^\s{}<>()\[\]|:;@]+")


def check_shape(document: Document, language: str | None) -> bool:
    """Note every mistake in the shape of ``document``; True when there is none."""
    before = len(document.mistakes)
    data = document.data
    if not isinstance(data, dict):
        document.mistake((), "expected 'key: value' lines (language, intents …)")
        return False
    _keys(document, (), data, TOP_KEYS)
    for key in ("intents", "lists", "expansion_rules", "slot_kinds", "slot_examples", "help"):
        for name in _mapping(data, key):
            if not isinstance(name, str):
                document.mistake(
                    (key, str(name)),
                    f"{name!r} is no name; put it in quotes (to YAML, yes, no, on and off are "
                    "truth values, and figures are numbers)",
                )
    _language(document, data.get("language"), language)
    for name, intent in _mapping(data, "intents").items():
        _intent(document, ("intents", name), intent)
    _lists(document, (), data)
    _rules(document, (), data)
    _words(document, ("skip_words",), data.get("skip_words"))
    for name, kind in _mapping(data, "slot_kinds").items():
        if kind not in slots.KINDS:
            hint = near(str(kind), slots.KINDS)
            document.mistake(("slot_kinds", name), f"there is no kind of slot '{kind}'{hint}")
    for key in ("slot_examples", "help"):
        for name, words in _mapping(data, key).items():
            _words(document, (key, name), words)
    return len(document.mistakes) == before


def _keys(document: Document, at: Key, data: Mapping[Any, Any], known: Mapping[str, type]) -> None:
    for key, value in data.items():
        if key not in known:
            document.mistake((*at, str(key)), f"unknown key '{key}'{near(str(key), known)}")
        elif value is not None and not isinstance(value, known[key]):
            document.mistake((*at, key), f"'{key}' must be {_CALLED[known[key]]}")


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _language(document: Document, found: Any, wanted: str | None) -> None:
    if not isinstance(found, str) or not re.fullmatch(r"[a-z]{2,3}([-_][A-Za-z]+)?", found):
        document.mistake(("language",), "needs a language code, such as 'language: en'")
    elif wanted is not None and found != wanted:
        document.mistake(("language",), f"is '{found}', but the folder is '{wanted}'")


def _intent(document: Document, at: Key, intent: Any) -> None:
    if not isinstance(intent, dict) or not isinstance(intent.get("data"), list):
        document.mistake(at, f"'{at[-1]}' needs 'data:' with a list of sentence blocks")
        return
    _keys(document, at, intent, {"data": list})
    for index, block in enumerate(intent["data"]):
        here = (*at, "data", index)
        if not isinstance(block, dict):
            document.mistake(here, "a block needs 'sentences:' and a list")
            continue
        _keys(document, here, block, BLOCK_KEYS)
        if not block.get("sentences"):
            document.mistake(here, "'sentences' is missing or empty")
        _words(document, (*here, "sentences"), block.get("sentences"))
        _lists(document, here, block)
        _rules(document, here, block)


def _words(document: Document, at: Key, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, list):
        document.mistake(at, f"'{at[-1]}' must be a list")
        return
    for index, each in enumerate(value):
        if not isinstance(each, str) or not each.strip():
            document.mistake((*at, index), f"{each!r} is no text; put it in quotes")


def _rules(document: Document, at: Key, data: Mapping[str, Any]) -> None:
    for name, body in _mapping(data, "expansion_rules").items():
        if not isinstance(body, str) or not body.strip():
            document.mistake((*at, "expansion_rules", name), f"<{name}> must be text in quotes")


def _lists(document: Document, at: Key, data: Mapping[str, Any]) -> None:
    for name, entry in _mapping(data, "lists").items():
        here = (*at, "lists", name)
        if not _NAME.fullmatch(str(name)):
            document.mistake(here, f"'{name}' is no name of a list")
        if not isinstance(entry, dict) or sum(key in entry for key in LIST_KEYS) != 1:
            document.mistake(here, f"list '{name}' needs one of: values, range, wildcard")
            continue
        for key in entry:
            if key not in LIST_KEYS:
                document.mistake((*here, key), f"unknown key '{key}'{near(str(key), LIST_KEYS)}")
        if "values" in entry:
            _values(document, here, entry["values"])
        elif "range" in entry:
            _range(document, here, entry["range"])
        elif not isinstance(entry["wildcard"], bool):
            document.mistake(here, "'wildcard' must be true")


def _values(document: Document, at: Key, values: Any) -> None:
    if not isinstance(values, list) or not values:
        document.mistake((*at, "values"), "'values' must be a list that is not empty")
        return
    for index, value in enumerate(values):
        here = (*at, "values", index)
        if isinstance(value, dict):
            if not isinstance(value.get("in"), str):
                document.mistake(here, "a value needs 'in:' with text in quotes")
            for key in value:
                if key not in VALUE_KEYS:
                    hint = near(str(key), VALUE_KEYS)
                    document.mistake((*here, key), f"unknown key '{key}'{hint}")
        elif not isinstance(value, str):
            document.mistake(here, f"{value!r} is no text; put it in quotes")


def _range(document: Document, at: Key, entry: Any) -> None:
    here = (*at, "range")
    if not isinstance(entry, dict):
        document.mistake(here, "'range' needs 'from:' and 'to:'")
        return
    for key in entry:
        if key not in RANGE_KEYS:
            document.mistake((*here, key), f"unknown key '{key}'{near(str(key), RANGE_KEYS)}")
    first, last = entry.get("from"), entry.get("to")
    if not isinstance(first, int) or not isinstance(last, int):
        document.mistake(here, "'from' and 'to' must be whole numbers")
    elif first > last:
        document.mistake(here, f"'from' ({first}) is greater than 'to' ({last})")
    elif last - first > 100_000:
        document.mistake(here, "more than 100,000 numbers; use a wildcard of kind 'number'")
    step = entry.get("step", 1)
    if not isinstance(step, int) or step < 1:
        document.mistake(here, "'step' must be a whole number above 0")
