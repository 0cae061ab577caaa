"""The prompt: what never changes first, then the conversation, then what was asked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgebot.core.knowledge import Passage
from edgebot.core.language import Message
from edgebot.nlg.persona import Persona

LONGEST_QUESTION = 4000
"""Characters of a question that are read at most; nobody speaks as much in one breath."""

_ORDERS = re.compile(
    r"[^.!?\n]*\b(?:ignore|disregard|forget)\b[^.!?\n]*\b(?:instruction|prompt|rule|above|previous)"
    r"\w*[^.!?\n]*[.!?]?|[^.!?\n]*\b(?:system prompt|you are now|act as)\b[^.!?\n]*[.!?]?",
    re.IGNORECASE,
)


def static_part(persona: Persona, tools: str = "", *, examples: bool = True) -> list[Message]:
    """The messages every prompt of ``persona`` begins with; ``tools``: how to call which.

    ``examples``: a model of 135 million weights follows them better than rules; one of 500 million
    follows the rules, and knows a third less once it has seen examples (docs/language-model.md).
    """
    rules = f"{persona.system}\n\n{tools}" if tools else persona.system
    messages = [Message("system", rules)]
    for example in persona.examples if examples else ():
        messages += [Message("user", example.user), Message("assistant", example.assistant)]
    return messages


def asked(text: str, passages: Sequence[Passage] = (), most: int = LONGEST_QUESTION) -> Message:
    """The last message: the person's words, with passages to draw on quoted as data."""
    text = shortened(text, most)
    if not passages:
        return Message("user", text)
    return Message("user", f"Notes:\n{quoted(passages)}\n\nUse the notes if they help. {text}")


def reading(question: str, passages: Sequence[Passage], unknown: str) -> Message:
    """The request to answer ``question`` from ``passages`` and from nothing else."""
    return Message(
        "user",
        f"Text:\n{quoted(passages)}\n\n"
        f"Answer in one short sentence, only from the text above. If it does not say, answer: "
        f"{unknown}\nQuestion: {shortened(question)}",
    )


def quoted(passages: Sequence[Passage]) -> str:
    """``passages`` between quotation marks, without marks of their own and without orders."""
    return "\n".join(f'"""{as_data(passage.text)}"""' for passage in passages)


def as_data(text: str) -> str:
    """``text`` from outside so that it cannot pass for the prompt's own words."""
    return " ".join(_ORDERS.sub(" ", text).replace('"""', '"').split())


def shortened(text: str, most: int = LONGEST_QUESTION) -> str:
    """``text`` on one line; of one longer than ``most`` its beginning and its end."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} … {text[-half:]}"


def spoken_history(history: Sequence[Message], fillers: Sequence[str]) -> list[Message]:
    """``history`` with our fillers taken out and messages of one side in a row joined.

    Chat templates want the sides to take turns; an interrupted reply may have left a gap.
    """
    joined: list[Message] = []
    for message in history:
        text = message.content.strip()
        if message.role == "assistant":
            for filler in fillers:
                text = text.removeprefix(filler).strip()
        if not text:
            continue
        if joined and joined[-1].role == message.role:
            joined[-1] = Message(message.role, f"{joined[-1].content} {text}")
        else:
            joined.append(Message(message.role, text))
    while joined and joined[0].role == "assistant":
        joined.pop(0)
    while joined and joined[-1].role == "user":
        joined.pop()
    return joined
