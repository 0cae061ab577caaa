"""Shopping and other lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgebot.dialogue.skill import (
    NOTHING,
    Intent,
    Outcome,
    Question,
    Request,
    Slot,
    Topic,
    ask,
)
from edgebot.dialogue.store.store import Store
from edgebot.dialogue.words import words_of

MAX_ITEMS = 50
MAX_CHARACTERS = 120
READ_AT_ONCE = 12
"""Items read out in one go."""

ITEMS = Slot("items", "item_list", 'what, such as "eggs and milk"', required=True)
NAME = Slot("list_name", "name", "which list; the shopping list when absent")
ITEM = Slot("item", "name", "one thing", required=True, prompt="ask.item_list")

INTENTS = (
    Intent("list_add", "Put things on a list.", (ITEMS, NAME), follow_up="items", correctable=True),
    Intent("list_read", "Read a list.", (NAME,), follow_up="list_name"),
    Intent("list_remove", "Take things off a list.", (ITEMS, NAME)),
    Intent("list_check", "Check things off a list.", (ITEMS, NAME), tool=False),
    Intent(
        "list_contains",
        "Tell whether something is on a list.",
        (ITEM, NAME),
        follow_up="item",
        tool=False,
    ),
    Intent("list_clear", "Empty a list.", (NAME,), irreversible=True, tool=False),
    Intent("list_clear_checked", "Take what is checked off a list.", (NAME,), tool=False),
    Intent("list_create", "Start a new list.", (NAME,), tool=False),
    Intent("list_delete", "Do away with a list.", (NAME,), irreversible=True, tool=False),
    Intent("list_names", "Tell which lists there are.", tool=False),
)


class ShoppingAndOtherLists:
    """Keeps lists."""

    name = "lists"
    intents = INTENTS

    def __init__(self, store: Store, language: str) -> None:
        self._lists = store.lists
        self._default = str(words_of(language)["default_list"])
        self._aliases = words_of(language)["list_aliases"]
        self._pronouns = frozenset(words_of(language)["pronouns"])
        self._endings = tuple(words_of(language)["plural_endings"])
        self._actions: dict[str, Callable[[Request, str], Outcome]] = {
            "list_add": self._add,
            "list_read": self._read,
            "list_remove": self._remove,
            "list_check": self._check,
            "list_contains": self._contains,
            "list_clear": self._clear,
            "list_clear_checked": self._clear_checked,
            "list_create": self._create,
            "list_delete": self._delete,
            "list_names": lambda request, name: self._names(),
        }

    def handle(self, request: Request) -> Outcome:
        """Do what the intent says, to the list that is meant."""
        return self._actions[request.intent](request, self._meant(request))

    def _meant(self, request: Request) -> str:
        """The list named, else the one spoken about, else the usual one."""
        name = request.slots.get("list_name")
        if not name and request.topic is not None and request.topic.kind == "list":
            name = request.topic.refers.get("list_name")
        name = str(name or self._default)
        return str(self._aliases.get(name.casefold(), name))[:MAX_CHARACTERS]

    def _things(self, request: Request) -> list[str]:
        """The things named; what was last spoken about where they are only "it" or "them"."""
        items = [str(item)[:MAX_CHARACTERS] for item in request.slots["items"]][:MAX_ITEMS]
        if not all(item.casefold() in self._pronouns for item in items):
            return items
        about = request.topic.refers.get("items") if request.topic is not None else None
        return [str(item) for item in about or ()]

    def _add(self, request: Request, name: str) -> Outcome:
        items = self._things(request)
        if not items:
            return Outcome(question=ask(ITEMS, request.intent, {"list_name": name}))
        topic = request.corrects
        if topic is not None and topic.kind == "list" and topic.refers.get("items"):
            name = str(topic.refers["list_name"])
            self._lists.remove(name, topic.refers["items"])
        added = self._lists.add(name, items)
        if not added:
            return _about(name, items, "lists.already")
        reply = "lists.corrected" if topic is not None else "lists.added"
        return _about(name, added, reply)

    def _read(self, request: Request, name: str) -> Outcome:
        items = self._lists.items(name)
        if items is None and name != self._default:
            return Outcome("lists.no_such", {"list": name})
        waiting = [item.text for item in items or () if not item.checked]
        if not waiting:
            return _about(name, [], "lists.all_checked" if items else "lists.empty")
        reply = "lists.read" if len(waiting) > 1 else "lists.read_one"
        if len(waiting) > READ_AT_ONCE:
            more = len(waiting) - READ_AT_ONCE
            return _about(name, waiting[:READ_AT_ONCE], "lists.read_long", more=more)
        return _about(name, waiting, reply, count=len(waiting))

    def _remove(self, request: Request, name: str) -> Outcome:
        return self._each(request, name, self._lists.remove, "lists.removed")

    def _check(self, request: Request, name: str) -> Outcome:
        return self._each(request, name, self._lists.check, "lists.checked")

    def _each(
        self,
        request: Request,
        name: str,
        action: Callable[[str, list[str]], list[str]],
        reply: str,
    ) -> Outcome:
        there = [item.text for item in self._lists.items(name) or ()]
        wanted = self._things(request)
        meant = [same_thing(item, there, self._endings) or item for item in wanted]
        found = action(name, meant)
        if found:
            return _about(name, found, reply)
        return _about(name, wanted, "lists.not_on_it")

    def _contains(self, request: Request, name: str) -> Outcome:
        wanted = str(request.slots["item"])
        waiting = [item.text for item in self._lists.items(name) or () if not item.checked]
        thing = same_thing(wanted, waiting, self._endings)
        found = [thing] if thing else []
        return _about(name, found or [wanted], "lists.is_on_it" if found else "lists.not_on_it")

    def _clear(self, request: Request, name: str) -> Outcome:
        items = self._lists.items(name)
        if not items:
            return _about(name, [], "lists.empty")
        if not request.confirmed:
            return _sure(request, name, "lists.confirm_clear", len(items))
        self._lists.clear(name)
        return _about(name, [], "lists.cleared")

    def _clear_checked(self, request: Request, name: str) -> Outcome:
        gone = self._lists.clear(name, only_checked=True)
        return _about(name, [], "lists.tidied" if gone else "lists.nothing_checked", count=gone)

    def _create(self, request: Request, name: str) -> Outcome:
        fresh = self._lists.create(name)
        return _about(name, [], "lists.created" if fresh else "lists.exists")

    def _delete(self, request: Request, name: str) -> Outcome:
        items = self._lists.items(name)
        if items is None:
            return Outcome("lists.no_such", {"list": name})
        if not request.confirmed:
            return _sure(request, name, "lists.confirm_delete", len(items))
        self._lists.delete(name)
        return Outcome("lists.deleted", {"list": name}, topic=NOTHING)

    def _names(self) -> Outcome:
        names = self._lists.names()
        if not names:
            return Outcome("lists.none")
        return Outcome("lists.names", {"count": len(names), "names": names})


def same_thing(wanted: str, there: Sequence[str], endings: Sequence[str]) -> str | None:
    """The one of ``there`` that ``wanted`` means; None when there is none or it is unclear.

    The same words, singular or plural ("egg", "eggs"), else the only one that has all of its words
    ("bread" for "two loaves of bread").
    """

    def alike(one: str, other: str) -> bool:
        shorter, longer = sorted((one, other), key=len)
        return longer in (shorter, *(shorter + ending for ending in endings))

    words = wanted.casefold().split()
    known = {text: text.casefold().split() for text in there}
    for text, its in known.items():
        if len(its) == len(words) and all(map(alike, words, its)):
            return text
    found = [
        text for text, its in known.items() if all(any(alike(w, i) for i in its) for w in words)
    ]
    return found[0] if len(found) == 1 else None


def _sure(request: Request, name: str, reply: str, count: int) -> Outcome:
    question = Question(
        "yes_no",
        request.intent,
        reply,
        {"list": name, "count": count},
        {**request.slots, "list_name": name},
        slot_kind="yes_no",
    )
    return Outcome(question=question)


def _about(name: str, items: list[str], reply: str, **args: object) -> Outcome:
    verbs = {"cancel": "list_remove"} if reply in ("lists.added", "lists.corrected") else {}
    topic = Topic("list", {"list_name": name, "items": items}, verbs)
    return Outcome(reply, {"list": name, "items": items, **args}, topic=topic)
