"""Understanding and answering for Wyoming peers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.intent import Entity, Intent, NotRecognized

from edgebot.core.errors import UsageError
from edgebot.core.language import ToolCall
from edgebot.core.nlu import Parse
from edgebot.core.turn import Turn
from edgebot.server.house import House, readable
from edgebot.server.wyoming.work import Work

BY = "wyoming"

_TEXT = 2000
"""Longest text in characters; nobody says more at once."""


def session_for(data: Mapping[str, Any], otherwise: str) -> str:
    """The conversation that an event belongs to, by the id in its context."""
    context = data.get("context")
    name = context.get("conversation_id") if isinstance(context, dict) else None
    if not isinstance(name, str) or not name:
        return otherwise
    return f"{BY}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:16]}"


async def recognize(house: House, work: Work, data: Mapping[str, Any], session: str) -> Event:
    """The intent of a text; nothing is done about it."""
    text, context = text_of(data), data.get("context")
    parse = await work(lambda: _parse(house, text, session))
    if parse is None or parse.intent is None:
        return NotRecognized(context=context).event()
    entities = [Entity(name, value) for name, value in parse.slots.items()]
    return Intent(parse.intent, entities, context=context).event()


async def handle(house: House, data: Mapping[str, Any], session: str) -> Event:
    """The answer to a text."""
    answer = await house.ask(text_of(data), session, by=BY)
    context = data.get("context")
    if answer.report.decision.route == "repair":
        return NotHandled(answer.reply, context=context).event()
    return Handled(answer.reply, context=context).event()


async def carry_out(house: House, work: Work, data: Mapping[str, Any], session: str) -> Event:
    """Do what an intent, recognised elsewhere, asks for."""
    name = data.get("name")
    entities = data.get("entities") or []
    if not isinstance(name, str) or not isinstance(entities, list):
        raise UsageError("an intent needs a name and a list of entities")
    arguments = {
        str(one["name"]): one.get("value")
        for one in entities
        if isinstance(one, dict) and "name" in one
    }
    toolbox = house.dialogue().toolbox
    call = ToolCall(name, arguments)
    result = await work(lambda: toolbox.call(Turn(session), call))
    context = data.get("context")
    if not result.spoken:
        return NotHandled(result.text, context=context).event()
    return Handled(result.text, context=context).event()


def text_of(data: Mapping[str, Any]) -> str:
    """The text of an event; raises ``UsageError`` where there is none."""
    text = data.get("text")
    if not isinstance(text, str) or not readable(text):
        raise UsageError("the event has no text")
    return readable(text)[:_TEXT]


def _parse(house: House, text: str, session: str) -> Parse | None:
    understander = house.assembly.understander()
    context = house.dialogue().context(session)
    if found := understander.match(text, context):
        return found[0]
    parse = understander.classify(text, context)
    sure = parse.score >= house.settings.nlu.classifier_threshold
    return parse if parse.intent is not None and sure else None
