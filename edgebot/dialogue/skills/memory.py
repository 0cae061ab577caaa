"""Personal memory: "remember that my locker is 42"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from edgebot.core.nlu import SlotValue
from edgebot.dialogue.skill import NOTHING, Intent, Outcome, Request, Slot, Topic
from edgebot.dialogue.skills.choosing import confirm
from edgebot.dialogue.skills.person import said_back
from edgebot.dialogue.store.memories import Memory
from edgebot.dialogue.store.store import Store
from edgebot.dialogue.words import words_of

MAX_CHARACTERS = 500
TOLD_AT_ONCE = 5
TEXT = Slot("text", "text", "what to remember", required=True, prompt="memory.what")
ABOUT = Slot("about", "text", "what it is about")

INTENTS = (
    Intent("memory_add", "Remember something the person says.", (TEXT,), correctable=True),
    Intent(
        "memory_ask",
        "Tell what the person said about something.",
        (ABOUT,),
        follow_up="about",
        tentative=True,
        personal=True,
    ),
    Intent("memory_list", "Tell everything the person asked to remember.", tool=False),
    Intent("memory_forget", "Forget one thing that was remembered.", (ABOUT,), tool=False),
    Intent(
        "memory_forget_all", "Forget everything that was remembered.", irreversible=True, tool=False
    ),
)
VERBS = {"cancel": "memory_forget"}
IDS = "memory_ids"


class PersonalMemory:
    """Remembers word for word, and forgets when told to.

    What a known person says of themselves is told to nobody else; the rest is the household's.
    """

    name = "memory"
    intents = INTENTS

    def __init__(self, store: Store, language: str) -> None:
        self._memories = store.memories
        self._language = language
        self._first_person = frozenset(words_of(language)["first_person"])
        self._empty = frozenset(words_of(language)["stop_words"])
        self._endings = sorted(words_of(language)["word_endings"], key=len, reverse=True)
        self._actions: dict[str, Callable[[Request], Outcome]] = {
            "memory_add": self._add,
            "memory_ask": self._ask,
            "memory_list": lambda request: self._tell(self._memories.all(request.person)),
            "memory_forget": self._forget,
            "memory_forget_all": self._forget_all,
        }

    def handle(self, request: Request) -> Outcome:
        """Remember, tell or forget."""
        return self._actions[request.intent](request)

    def knows(self, intent: str, slots: Mapping[str, SlotValue], person: str = "") -> bool:
        """Whether anything is remembered about what was asked, for ``person``."""
        about = slots.get("about")
        return not about or bool(self._search(str(about), person))

    def _add(self, request: Request) -> Outcome:
        text = str(request.slots["text"]).strip().rstrip(".!")
        if len(text) > MAX_CHARACTERS:
            return Outcome("memory.too_long")
        topic = request.corrects
        if topic is not None and topic.kind == "memory":
            self._memories.forget(list(topic.refers[IDS]))
        own = not self._first_person.isdisjoint(re.findall(r"[\w']+", text.casefold()))
        memory = self._memories.add(text, request.session, request.person if own else "")
        return self._about([memory], "memory.added")

    def _ask(self, request: Request) -> Outcome:
        about = request.slots.get("about")
        if not about:
            return self._tell(self._memories.all(request.person))
        found = self._search(str(about), request.person)
        if not found:
            return Outcome("memory.nothing_about", {"about": said_back(str(about), self._language)})
        return self._tell(found)

    def _tell(self, memories: list[Memory]) -> Outcome:
        if not memories:
            return Outcome("memory.nothing")
        told = memories[:TOLD_AT_ONCE]
        if len(told) == 1:
            return self._about(told, "memory.one")
        reply = "memory.several" if len(told) == len(memories) else "memory.many"
        return self._about(told, reply, count=len(memories))

    def _forget(self, request: Request) -> Outcome:
        memories = self._memories.all(request.person)
        if not memories:
            return Outcome("memory.nothing")
        ids = request.slots.get(IDS)
        about = request.slots.get("about")
        if not ids and not about and request.topic is not None and request.topic.kind == "memory":
            ids = request.topic.refers[IDS]
        if ids:
            found = [memory for memory in memories if memory.id in ids]
        else:
            found = self._search(str(about), request.person) if about else memories[:1]
        if not found:
            return Outcome("memory.nothing_about", {"about": said_back(str(about), self._language)})
        self._memories.forget([memory.id for memory in found])
        return Outcome("memory.forgotten", {"facts": self._back(found)}, topic=NOTHING)

    def _forget_all(self, request: Request) -> Outcome:
        memories = self._memories.all(request.person)
        if not memories:
            return Outcome("memory.nothing")
        if not request.confirmed:
            return confirm(request, "memory.confirm_all", len(memories))
        self._memories.forget([memory.id for memory in memories])
        return Outcome("memory.all_forgotten", topic=NOTHING)

    def _search(self, about: str, person: str) -> list[Memory]:
        """What ``person`` may hear of that shares the most telling words with ``about``, newest
        first."""
        wanted = self._telling(about)
        if not wanted:
            return []
        scored = [(len(wanted & self._telling(m.text)), m) for m in self._memories.all(person)]
        best = max((score for score, _ in scored), default=0)
        return [memory for score, memory in scored if best and score == best]

    def _telling(self, text: str) -> set[str]:
        words = re.findall(r"[\w']+", text.casefold())
        return {self._stem(word) for word in words if word not in self._empty}

    def _stem(self, word: str) -> str:
        """Without its ending, so that "park" finds "parked"."""
        ending = next((end for end in self._endings if word.endswith(end)), "")
        return word.removesuffix(ending) if len(word) - len(ending) > 2 else word

    def _back(self, memories: list[Memory]) -> list[str]:
        return [said_back(memory.text, self._language) for memory in memories]

    def _about(self, memories: list[Memory], reply: str, **args: object) -> Outcome:
        topic = Topic("memory", {IDS: [memory.id for memory in memories]}, VERBS)
        return Outcome(reply, {"facts": self._back(memories), **args}, topic=topic)
