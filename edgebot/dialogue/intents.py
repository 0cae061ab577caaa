"""Intents that belong to the dialogue itself and to no skill; their sentences are in the files."""

STOP = "stop"
"""Be quiet: silences what rings, ends what is open."""

CANCEL = "cancel"
"""Calls off the question that is open, else what was just done."""

NEVER_MIND = "never_mind"
"""Drops the question that is open."""

ANSWER = "answer"
"""Answers our question; slot ``value``. Only in the states named by :func:`state_of`."""

CORRECT = "correct"
"""Puts right what was just done; slots named by their kind (``duration``, ``moment`` …)."""

FOLLOW_UP = "follow_up"
"""The same question about something else ("and in Paris?"); slot ``text``."""

CANCEL_IT = "cancel_it"
"""Calls off what was last spoken about."""

LOOKING = frozenset(
    {
        *("time_now", "date_now", "date_of", "date_until"),
        *("time_zone", "time_difference", "time_convert"),
        *("calculate", "calculate_more", "unit_convert"),
        *("coin_flip", "dice_roll", "random_number", "random_choice"),
        *("device_temperature", "device_memory", "device_disk", "device_uptime"),
        *("device_load", "device_version", "device_status"),
    }
)
"""Intents that only tell something: nothing has happened when their answer is not wanted."""

STOPPING = (STOP, CANCEL, NEVER_MIND)
OWN = (*STOPPING, ANSWER, CORRECT, FOLLOW_UP, CANCEL_IT)


def state_of(kind: str) -> str:
    """Name of the state in which an answer of this kind is awaited."""
    return f"ask_{kind}"
