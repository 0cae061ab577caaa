"""Sentences in documents that give orders to an assistant: data, never to be followed.

A language model reads a document and the request about it through the same door, so that a document
can try to speak with the voice of the request ("indirect prompt injection", K. Greshake et al.,
2023). Such sentences are taken out before a model sees a passage, and are not read out as answers.
The list is not complete and cannot be: what a model says is checked against the passages as well.
"""

from __future__ import annotations

import re

_WORDS = r"(?:instruction|prompt|rule|guideline|direction|command|order)s?"
_PATTERNS = (
    rf"\b(?:ignore|disregard|forget|override|bypass)\b.*\b(?:{_WORDS}|above|previous|prior|earlier)\b",
    rf"\b(?:new|updated|hidden|secret|following|real|these) {_WORDS}\s*(?::|are\b|is\b|from\b)",
    r"\b(?:system|developer) (?:prompt|message|mode)\b|\bjailbreak\b|\bprompt injection\b",
    r"\b(?:you are|you're) now\b|\bfrom now on\b.*\b(?:you|your|answer|reply|respond|say)\b",
    r"\b(?:act|behave|respond|answer|reply) as (?:if you|a|an|the)\b",
    r"\bpretend (?:to be|that you|you)\b",
    r"^\W*(?:please )?(?:say|repeat|announce|claim|state|admit) that (?:you|your|i)\b",
    r"\b(?:answer|reply|respond|say|speak|output|print|write|end|start|begin)\b.*"
    r"\b(?:every|all|each|any|the next)\b (?:\w+ )?"
    r"(?:question|answer|reply|replies|request|sentence|message|response|output)s?\b",
    r"\b(?:answer|reply|respond)\b (?:only|just|always|instead|exclusively)?\s*with\b",
    r"\b(?:do not|don't|never) (?:tell|inform|reveal|mention|say)\b.*"
    r"\b(?:user|person|human|anyone)\b",
    r"\b(?:tell|inform|convince) (?:the user|everybody|everyone|anyone|whoever)\b",
    r"\b(?:ai|language|chat) ?(?:model|assistant|bot)s?\b.*"
    r"\b(?:must|should|shall|please|have to)\b",
    r"\b(?:if|when|as) (?:you are|you're) (?:an ai|a language model|an assistant|a chatbot)\b",
    r"^\W*(?:system|assistant|user|human|ai|instructions?)\s*:",
    r"<\|[^|>]*\|?>|\[/?INST\]|<</?SYS>>|^\W*#+ ?(?:system|instruction|assistant)\b",
)
_ORDER = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.IGNORECASE)


def is_order(sentence: str) -> bool:
    """Whether ``sentence`` tells an assistant what to do."""
    return bool(_ORDER.search(sentence))
