"""The tables, step by step. A step that was released is never edited; a new one is added.

Steps only add (tables, columns with defaults), so that the release before still reads the file.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations


def m001_promises(db: Database) -> None:
    """Timers, alarms and reminders, and what rang of them."""
    db.execute(
        """
        CREATE TABLE promises (
            id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: replies refer to it
            kind TEXT NOT NULL,          -- timer, alarm, reminder
            label TEXT NOT NULL DEFAULT '',
            state TEXT NOT NULL,         -- waiting, paused, delivered, cancelled
            due_at TEXT,                 -- UTC, ISO 8601; NULL while paused
            length_s REAL,               -- timers: as it was set
            remaining_s REAL,            -- timers: while paused
            boot_id TEXT,                -- timers: the boot that due_boot_s counts in
            due_boot_s REAL,             -- timers: due on the clock that does not jump
            recurrence TEXT,             -- JSON: {"days": [0…6, Monday is 0], "at": "07:00"}
            zone TEXT NOT NULL DEFAULT '', -- IANA name of the zone that "at" is meant in
            session TEXT NOT NULL DEFAULT '',
            set_at TEXT NOT NULL,
            ended_at TEXT
        )
        """
    )
    db.execute("CREATE INDEX promises_by_due ON promises (state, due_at)")
    db.execute(
        """
        CREATE TABLE rings (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            promise_id INTEGER NOT NULL REFERENCES promises (id),
            kind TEXT NOT NULL,
            label TEXT NOT NULL DEFAULT '',
            due_at TEXT NOT NULL,
            claimed_at TEXT NOT NULL,
            owner TEXT NOT NULL,         -- the process that tells it
            missed INTEGER NOT NULL DEFAULT 0,
            done_at TEXT
        )
        """
    )
    db.execute("CREATE INDEX rings_open ON rings (done_at, owner)")


def m002_lists(db: Database) -> None:
    """Shopping and other lists."""
    db.execute(
        """
        CREATE TABLE lists (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            created_at TEXT NOT NULL
        )
        """
    )
    db.execute(
        """
        CREATE TABLE items (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            list_id INTEGER NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
            text TEXT NOT NULL COLLATE NOCASE,
            checked INTEGER NOT NULL DEFAULT 0,
            added_at TEXT NOT NULL
        )
        """
    )
    db.execute("CREATE INDEX items_by_list ON items (list_id)")


def m003_memories(db: Database) -> None:
    """What people asked to be remembered, word for word."""
    db.execute(
        """
        CREATE TABLE memories (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            text TEXT NOT NULL,
            session TEXT NOT NULL DEFAULT '',
            said_at TEXT NOT NULL
        )
        """
    )


def m004_preferences(db: Database) -> None:
    """Small values that skills keep: volume, mute, a plug-in's own."""
    db.execute(
        """
        CREATE TABLE preferences (
            owner TEXT NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL, -- JSON
            PRIMARY KEY (owner, key)
        )
        """
    )


def m005_revision(db: Database) -> None:
    """Counts the writes: tells whether a backup is still current, and which one is newest."""
    db.execute("CREATE TABLE revision (id INTEGER PRIMARY KEY CHECK (id = 1), n INTEGER NOT NULL)")
    db.execute("INSERT INTO revision (id, n) VALUES (1, 0)")


def m006_own(db: Database) -> None:
    """Lists and memories of one person, in tables of their own.

    Not a column beside the household's: the release before does not know whose a row is, and would
    tell everybody.
    """
    db.execute(
        """
        CREATE TABLE own_lists (
            id INTEGER PRIMARY KEY,
            owner TEXT NOT NULL COLLATE NOCASE, -- name of the enrolled voice
            name TEXT NOT NULL COLLATE NOCASE,
            created_at TEXT NOT NULL,
            UNIQUE (owner, name)
        )
        """
    )
    db.execute(
        """
        CREATE TABLE own_items (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            list_id INTEGER NOT NULL REFERENCES own_lists (id) ON DELETE CASCADE,
            text TEXT NOT NULL COLLATE NOCASE,
            checked INTEGER NOT NULL DEFAULT 0,
            added_at TEXT NOT NULL
        )
        """
    )
    db.execute("CREATE INDEX own_items_by_list ON own_items (list_id)")
    db.execute(
        """
        CREATE TABLE own_memories (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            owner TEXT NOT NULL COLLATE NOCASE,
            text TEXT NOT NULL,
            session TEXT NOT NULL DEFAULT '',
            said_at TEXT NOT NULL
        )
        """
    )


migrations = Migrations("edgebot.dialogue")
for _step in (m001_promises, m002_lists, m003_memories, m004_preferences, m005_revision, m006_own):
    migrations()(_step)
