"""``/v1/models``: what may be named."""

from __future__ import annotations

from edgebot.core.errors import EdgebotError
from edgebot.server.house import House
from edgebot.server.http.openai.wire import ModelList, OneModel
from edgebot.server.http.operation import Call, Refusal

ASSISTANT = "edgebot"
"""The whole assistant: skills, knowledge and language model."""


async def models(call: Call) -> ModelList:
    """All that may be named."""
    return ModelList(data=[OneModel(id=name) for name in _names(call.house).values() if name])


async def model(call: Call) -> OneModel:
    """One of them."""
    name = call.path["model"]
    if name not in _names(call.house).values():
        raise unknown(call.house, name)
    return OneModel(id=name)


def language_model_of(house: House, name: str) -> str:
    """``name`` if it is the language model; raises what tells what there is."""
    if name != _names(house).get("llm"):
        raise unknown(house, name)
    return name


def unknown(house: House, name: str) -> Refusal:
    """There is no such model."""
    known = ", ".join(name for name in _names(house).values() if name)
    return Refusal(404, "model_not_found", f"there is no model {name[:100]!r}; there are: {known}")


def check(house: House, stage: str, name: str) -> None:
    """Clients that name OpenAI's own model for ``stage`` mean ours; raises where there is none."""
    names = _names(house)
    if stage not in names:
        raise Refusal(503, "unavailable", f"this machine goes without a model for {stage}")
    if name != names[stage] and not name.startswith(_THEIRS):
        raise unknown(house, name)


_THEIRS = ("whisper", "tts-1", "gpt-4o-mini-tts", "gpt-4o-transcribe", "gpt-4o-mini-transcribe",
           "text-embedding-")  # fmt: skip


def _names(house: House) -> dict[str, str | None]:
    names: dict[str, str | None] = {"assistant": ASSISTANT}
    try:
        picks = house.assembly.plan.picks
    except EdgebotError:
        return names
    for stage in ("llm", "embedder", "stt", "tts"):
        pick = picks.get(stage)
        if pick is not None and pick.entry is not None:
            names[stage] = pick.entry.id
    return names
