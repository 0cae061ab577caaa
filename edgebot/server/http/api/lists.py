"""Shopping and other lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias

from pydantic import Field

from edgebot.server.house import House, readable
from edgebot.server.http.operation import Call, Operation, Refusal, Wire, not_found

Name = Annotated[str, Field(min_length=1, max_length=100)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Work: TypeAlias = Callable[[House, str], None]


class Item(Wire):
    """One thing on a list."""

    text: str
    checked: bool


class OneList(Wire):
    """A list and what is on it."""

    name: str
    items: list[Item]


class Lists(Wire):
    """All lists."""

    lists: list[OneList]


class NewList(Wire):
    """A list to be started."""

    name: Name
    items: list[Text] = Field(default=[], max_length=500)


class NewItems(Wire):
    """Things to be put on a list."""

    items: list[Text] = Field(min_length=1, max_length=500)


class Check(Wire):
    """A thing to be checked off, or opened again."""

    text: Text
    checked: bool


class Which(Wire):
    """One thing on a list."""

    text: Text


async def lists(call: Call) -> Lists:
    """All of them."""
    house = call.house
    found = await house.look(
        lambda: [one for name in house.store.lists.names() if (one := _look(house, name))]
    )
    return Lists(lists=found)


async def one_list(call: Call) -> OneList:
    """One of them."""
    return await call.house.look(lambda: _found(call.house, call.path["name"]))


async def create(call: Call) -> OneList:
    """Start one."""
    house, wanted = call.house, call.json(NewList)
    name = _clean(wanted.name)
    items = [_clean(text) for text in wanted.items]

    def work() -> OneList:
        if not house.store.lists.create(name):
            raise Refusal(409, "exists", "there is a list of this name already")
        if items:
            house.store.lists.add(name, items)
        return _found(house, name)

    made = await house.look(work)
    house.changed("lists")
    return made


async def delete(call: Call) -> None:
    """Do away with one."""
    if not await call.house.look(lambda: call.house.store.lists.delete(call.path["name"])):
        raise not_found("there is no such list")
    call.house.changed("lists")


async def add(call: Call) -> OneList:
    """Put things on it."""
    items = [_clean(text) for text in call.json(NewItems).items]

    def work(house: House, name: str) -> None:
        house.store.lists.add(name, items)

    return await _change(call, work)


async def check(call: Call) -> OneList:
    """Check a thing off."""
    wanted = call.json(Check)

    def work(house: House, name: str) -> None:
        if not house.store.lists.check(name, [wanted.text], wanted.checked):
            raise not_found("this is not on the list")

    return await _change(call, work)


async def remove(call: Call) -> OneList:
    """Take a thing off."""
    text = call.query(Which).text

    def work(house: House, name: str) -> None:
        if not house.store.lists.remove(name, [text]):
            raise not_found("this is not on the list")

    return await _change(call, work)


async def _change(call: Call, work: Work) -> OneList:
    house, name = call.house, call.path["name"]

    def changed() -> OneList:
        _found(house, name)
        work(house, name)
        return _found(house, name)

    made = await house.look(changed)
    house.changed("lists")
    return made


def _look(house: House, name: str) -> OneList | None:
    items = house.store.lists.items(name)
    if items is None:
        return None
    return OneList(name=name, items=[Item(text=one.text, checked=one.checked) for one in items])


def _found(house: House, name: str) -> OneList:
    found = _look(house, name)
    if found is None:
        raise not_found("there is no such list")
    return found


def _clean(text: str) -> str:
    cleaned = readable(text)
    if not cleaned:
        raise Refusal(400, "invalid", "there are no words in it")
    return cleaned


_EXISTS = {409: "There is a list of this name already."}
_ITEMS = "/api/lists/{name}/items"

OPERATIONS = (
    Operation("GET", "/api/lists", "Show all lists.", lists, "lists", answer=Lists),
    Operation(
        "POST", "/api/lists", "Start a list.", create, "lists",
        body=NewList, answer=OneList, status=201, refusals=_EXISTS,
    ),
    Operation("GET", "/api/lists/{name}", "Show a list.", one_list, "lists", answer=OneList),
    Operation("DELETE", "/api/lists/{name}", "Do away with a list.", delete, "lists", status=204),
    Operation(
        "POST", _ITEMS, "Put things on a list.", add, "lists", body=NewItems, answer=OneList
    ),
    Operation("PATCH", _ITEMS, "Check a thing off.", check, "lists", body=Check, answer=OneList),
    Operation(
        "DELETE", _ITEMS, "Take a thing off a list.", remove, "lists", query=Which, answer=OneList
    ),
)  # fmt: skip
