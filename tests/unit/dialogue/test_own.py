"""What belongs to one person, in the real store."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from edgebot.dialogue.commands import _owned
from edgebot.dialogue.session import Call
from edgebot.dialogue.skill import OWNER
from edgebot.dialogue.store import migrations as steps
from edgebot.dialogue.store.store import FILE, Store
from tests.unit.dialogue.fakes import FakeClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path, FakeClock())
    yield opened
    opened.close()


def test_lists_of_the_same_name_do_not_mix(store: Store) -> None:
    anna, ben = store.lists.of("anna"), store.lists.of("ben")
    assert store.lists.add("shopping", ["bread"]) == ["bread"]
    assert anna.add("Shopping", ["milk", "eggs"]) == ["milk", "eggs"]
    assert anna.add("shopping", ["Milk"]) == []
    assert [item.text for item in store.lists.items("shopping") or ()] == ["bread"]
    assert [item.text for item in anna.items("SHOPPING") or ()] == ["milk", "eggs"]
    assert ben.items("shopping") is None
    assert (store.lists.names(), anna.names(), ben.names()) == (["shopping"], ["Shopping"], [])
    assert ben.remove("shopping", ["milk"]) == []
    assert anna.check("shopping", ["milk"]) == ["milk"]
    assert anna.clear("shopping", only_checked=True) == 1
    assert anna.delete("shopping")
    assert [item.text for item in store.lists.items("shopping") or ()] == ["bread"]


def test_names_of_all_lists_are_words_once(store: Store) -> None:
    store.lists.create("shopping")
    store.lists.of("anna").create("Shopping")
    store.lists.of("anna").create("presents")
    assert sorted(store.lists.every_name()) == ["presents", "shopping"]


def test_a_memory_is_told_to_its_owner_alone(store: Store) -> None:
    shared = store.memories.add("the key is under the mat")
    own = store.memories.add("my locker is 42", owner="anna")
    store.memories.add("my locker is 7", owner="ben")
    assert own.id < 0 < shared.id
    assert {one.text for one in store.memories.all("Anna")} == {shared.text, own.text}
    assert [one.text for one in store.memories.all()] == [shared.text]
    assert store.memories.forget([own.id]) == 1
    assert [one.text for one in store.memories.all("anna")] == [shared.text]
    assert len(store.memories.all("ben")) == 2


def test_a_file_of_the_release_before_is_read_and_it_reads_ours(tmp_path: Path) -> None:
    before = Migrations("edgebot.dialogue")
    for step in (steps.m001_promises, steps.m002_lists, steps.m003_memories,
                 steps.m004_preferences, steps.m005_revision):  # fmt: skip
        before()(step)
    old = Database(sqlite3.connect(tmp_path / FILE))
    before.apply(old)
    old.execute("INSERT INTO lists (name, created_at) VALUES ('shopping', 'then')")
    old.execute("INSERT INTO memories (text, said_at) VALUES ('the key', 'then')")
    old.conn.commit()
    old.close()
    store = Store(tmp_path, FakeClock())
    assert store.lists.names() == ["shopping"]
    store.lists.of("anna").add("shopping", ["milk"])
    store.memories.add("my locker is 42", owner="anna")
    store.close()

    shutil.copy(tmp_path / FILE, tmp_path / "went-back.db")
    old = Database(sqlite3.connect(tmp_path / "went-back.db"))
    before.apply(old)  # the release before starts on it, and tells nobody what is Anna's
    assert [row["name"] for row in old["lists"].rows] == ["shopping"]
    assert old["items"].count == 0
    assert [row["text"] for row in old["memories"].rows] == ["the key"]
    old.execute("INSERT INTO lists (name, created_at) VALUES ('to do', 'then')")
    old.close()


MINE = frozenset({"my"})


@pytest.mark.parametrize(
    ("slots", "said", "person", "owner"),
    [
        ({}, "add milk to my list", "anna", "anna"),
        ({}, "milk, on MY, list!", "anna", "anna"),
        ({}, "add milk to the list", "anna", None),
        ({}, "add mylk to the list", "anna", None),
        ({}, "add milk to my list", None, None),
        ({OWNER: "anna"}, "eggs", "anna", "anna"),
        ({OWNER: "anna"}, "eggs", "ben", None),
        ({OWNER: "anna"}, "eggs", None, None),
        ({OWNER: "anna"}, "add milk to my list", "ben", "ben"),
    ],
)
def test_whose_it_is(
    slots: dict[str, str], said: str, person: str | None, owner: str | None
) -> None:
    call = _owned(Call("list_add", dict(slots)), MINE, said, person)
    assert call.slots.get(OWNER) == owner
