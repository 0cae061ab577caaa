"""What a person said, said back to them: "my locker" is "your locker"."""

from __future__ import annotations

import re

from edgebot.dialogue.words import words_of


def said_back(text: str, language: str) -> str:
    """``text`` with its persons swapped, by the language's table."""
    swaps = words_of(language)["swaps"]
    longest = sorted(swaps, key=len, reverse=True)
    pattern = r"(?<![\w'])(" + "|".join(map(re.escape, longest)) + r")(?![\w'])"
    return re.sub(pattern, lambda found: str(swaps[found[0].casefold()]), text, flags=re.IGNORECASE)
