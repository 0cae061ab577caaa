"""Shopping and other lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgebot.dialogue.skill import (
    NOTHING,
    OWNER,
    Intent,
    Outcome,
    Phrase,
    Question,
    Request,
    Slot,
    Topic,
    ask,
)
from edgebot.dialogue.store.lists import Lists
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
    Intent(
        "list_add",
        "Put things on a list.",
        (ITEMS, NAME),
        follow_up="items",
        correctable=True,
        personal=True,
    ),
    Intent("list_read", "Read a list.", (NAME,), follow_up="list_name", personal=True),
    Intent("list_remove", "Take things off a list.", (ITEMS, NAME), personal=True),
    Intent("list_check", "Check things off a list.", (ITEMS, NAME), tool=False, personal=True),
    Intent(
        "list_contains",
        "Tell whether something is on a list.",
        (ITEM, NAME),
        follow_up="item",
        tool=False,
        personal=True,
    ),
    Intent("list_clear", "Empty a list.", (NAME,), irreversible=True, tool=False, personal=True),
    Intent(
        "list_clear_checked", "Take what is checked off a list.", (NAME,), tool=False, personal=True
    ),
    Intent("list_create", "Start a new list.", (NAME,), tool=False, personal=True),
    Intent(
        "list_delete", "Do away with a list.", (NAME,), irreversible=True, tool=False, personal=True
    ),
    Intent("list_names", "Tell which lists there are.", tool=False),
)


STARTING = frozenset({"list_add", "list_create"})
"""Intents that start a list where there is none."""


@dataclass(frozen=True, slots=True)
class Which:
    """The list that is meant."""

    name: str
    lists: Lists
    """Those it belongs to: the household's, or one person's."""

    owner: str

    @property
    def args(self) -> dict[str, object]:
        """What replies need to name it: "your" list has one owner, "the" list many."""
        return {"list": self.name, "owners": 1 if self.owner else 2}


class ShoppingAndOtherLists:
    """Keeps lists."""

    name = "lists"
    intents = INTENTS

    def __init__(self, store: Store, language: str) -> None:
        self._lists = store.lists
        self._default = str(words_of(language)["default_list"])
        self._aliases = words_of(language)["list_aliases"]
        self._pronouns = frozenset(words_of(language)["pronouns"])
        self.mine = frozenset(words_of(language)["mine"])
        """By these words a known person calls a list their own."""

        self._endings = tuple(words_of(language)["plural_endings"])
        self._actions: dict[str, Callable[[Request, Which], Outcome]] = {
            "list_add": self._add,
            "list_read": self._read,
            "list_remove": self._remove,
            "list_check": self._check,
            "list_contains": self._contains,
            "list_clear": self._clear,
            "list_clear_checked": self._clear_checked,
            "list_create": self._create,
            "list_delete": self._delete,
            "list_names": lambda request, which: self._names(request),
        }

    def handle(self, request: Request) -> Outcome:
        """Do what the intent says, to the list that is meant."""
        return self._actions[request.intent](request, self._meant(request))

    def _meant(self, request: Request) -> Which:
        """The list named, else the one spoken about, else the usual one.

        The person's own where they called it so, or where only they have one of that name.
        """
        name, owner = request.slots.get("list_name"), request.owner
        topic = request.topic
        if not name and topic is not None and topic.kind == "list":
            name = topic.refers.get("list_name")
            owner = owner or (request.person and str(topic.refers.get(OWNER, "")))
        name = str(name or self._default)
        name = str(self._aliases.get(name.casefold(), name))[:MAX_CHARACTERS]
        if owner != request.person:
            owner = ""
        if request.intent not in STARTING:
            candidates = (request.person, "") if owner else ("", request.person)
            there = (one for one in candidates if self._of(one).items(name) is not None)
            owner = next(there, "")
        return self._which(name, owner)

    def _which(self, name: str, owner: str) -> Which:
        return Which(name, self._of(owner), owner)

    def _of(self, owner: str) -> Lists:
        return self._lists.of(owner) if owner else self._lists

    def _things(self, request: Request) -> list[str]:
        """The things named; what was last spoken about where they are only "it" or "them"."""
        items = [str(item)[:MAX_CHARACTERS] for item in request.slots["items"]][:MAX_ITEMS]
        if not all(item.casefold() in self._pronouns for item in items):
            return items
        about = request.topic.refers.get("items") if request.topic is not None else None
        return [str(item) for item in about or ()]

    def _add(self, request: Request, which: Which) -> Outcome:
        items = self._things(request)
        if not items:
            return Outcome(
                question=ask(ITEMS, request.intent, {"list_name": which.name, OWNER: which.owner})
            )
        topic = request.corrects
        if topic is not None and topic.kind == "list" and topic.refers.get("items"):
            owner = str(topic.refers.get(OWNER, ""))
            which = self._which(
                str(topic.refers["list_name"]), owner if owner == request.person else ""
            )
            which.lists.remove(which.name, topic.refers["items"])
        added = which.lists.add(which.name, items)
        if not added:
            return _about(which, items, "lists.already")
        reply = "lists.corrected" if topic is not None else "lists.added"
        return _about(which, added, reply)

    def _read(self, request: Request, which: Which) -> Outcome:
        items = which.lists.items(which.name)
        if items is None and which.name != self._default:
            return Outcome("lists.no_such", which.args)
        waiting = [item.text for item in items or () if not item.checked]
        if not waiting:
            return _about(which, [], "lists.all_checked" if items else "lists.empty")
        reply = "lists.read" if len(waiting) > 1 else "lists.read_one"
        if len(waiting) > READ_AT_ONCE:
            more = len(waiting) - READ_AT_ONCE
            return _about(which, waiting[:READ_AT_ONCE], "lists.read_long", more=more)
        return _about(which, waiting, reply, count=len(waiting))

    def _remove(self, request: Request, which: Which) -> Outcome:
        return self._each(request, which, which.lists.remove, "lists.removed")

    def _check(self, request: Request, which: Which) -> Outcome:
        return self._each(request, which, which.lists.check, "lists.checked")

    def _each(
        self,
        request: Request,
        which: Which,
        action: Callable[[str, list[str]], list[str]],
        reply: str,
    ) -> Outcome:
        there = [item.text for item in which.lists.items(which.name) or ()]
        wanted = self._things(request)
        meant = [same_thing(item, there, self._endings) or item for item in wanted]
        found = action(which.name, meant)
        if found:
            return _about(which, found, reply)
        return _about(which, wanted, "lists.not_on_it")

    def _contains(self, request: Request, which: Which) -> Outcome:
        wanted = str(request.slots["item"])
        waiting = [item.text for item in which.lists.items(which.name) or () if not item.checked]
        thing = same_thing(wanted, waiting, self._endings)
        found = [thing] if thing else []
        return _about(which, found or [wanted], "lists.is_on_it" if found else "lists.not_on_it")

    def _clear(self, request: Request, which: Which) -> Outcome:
        items = which.lists.items(which.name)
        if not items:
            return _about(which, [], "lists.empty")
        if not request.confirmed:
            return _sure(request, which, "lists.confirm_clear", len(items))
        which.lists.clear(which.name)
        return _about(which, [], "lists.cleared")

    def _clear_checked(self, request: Request, which: Which) -> Outcome:
        gone = which.lists.clear(which.name, only_checked=True)
        return _about(which, [], "lists.tidied" if gone else "lists.nothing_checked", count=gone)

    def _create(self, request: Request, which: Which) -> Outcome:
        fresh = which.lists.create(which.name)
        return _about(which, [], "lists.created" if fresh else "lists.exists")

    def _delete(self, request: Request, which: Which) -> Outcome:
        items = which.lists.items(which.name)
        if items is None:
            return Outcome("lists.no_such", which.args)
        if not request.confirmed:
            return _sure(request, which, "lists.confirm_delete", len(items))
        which.lists.delete(which.name)
        return Outcome("lists.deleted", which.args, topic=NOTHING)

    def _names(self, request: Request) -> Outcome:
        names: list[str | Phrase] = list(self._lists.names())
        if request.person:
            own = self._lists.of(request.person).names()
            names += [Phrase("lists.own_name", {"list": name}) for name in own]
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


def _sure(request: Request, which: Which, reply: str, count: int) -> Outcome:
    question = Question(
        "yes_no",
        request.intent,
        reply,
        {**which.args, "count": count},
        {**request.slots, "list_name": which.name, OWNER: which.owner},
        slot_kind="yes_no",
    )
    return Outcome(question=question)


def _about(which: Which, items: list[str], reply: str, **args: object) -> Outcome:
    verbs = {"cancel": "list_remove"} if reply in ("lists.added", "lists.corrected") else {}
    topic = Topic("list", {"list_name": which.name, "items": items, OWNER: which.owner}, verbs)
    return Outcome(reply, {**which.args, "items": items, **args}, topic=topic)
