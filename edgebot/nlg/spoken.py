"""Makes what a language model wrote fit to be spoken, or drops it.

Works on sentences as :mod:`edgebot.nlg.sentences` cuts them; a line break ends a sentence, so that
code blocks, lists and tables arrive line by line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

_FENCE = re.compile(r"^\s*(```|~~~)")
_INLINE_FENCE = re.compile(r"```.*?```|~~~.*?~~~")
_TABLE = re.compile(r"^\s*\|.*\||^[\s|:+=-]{3,}$")
_HEAD = re.compile(r"^\s*(?:#{1,6}\s+|>+\s*|[-*+•–·▪]\s+|\(?\d{1,3}[.)]\s+|\(?[a-zA-Z]\)\s+)+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(
    r"\b(?:https?|ftp)://\S+|\bwww\.\S+|\b[\w.+-]+@[\w-]+\.\w[\w.-]*"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|gov|edu|html?)\b(?:/\S*)?",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,80}>|<\|[^<>|]{0,40}\|>|\[/?INST\]|</?s>")
_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3}|~~|`+)(?=\S)(.+?)(?<=\S)\1")
_CODE = re.compile(
    "|".join(
        (
            r"\\[a-z]+\{?|[{};=<>|\\]{2,}|->",  # LaTeX, runs of signs
            r"\w\((?!s\))",  # a call, but not "item(s)"
            r"\bdef \w|^\s*\w+ [+*-]?= ",
            r"^\s*(?:import|from|return|class) \w+(?:\s|$)(?!.*[a-z]{3}.*\s[a-z]{3})",
        )
    ),
    re.IGNORECASE,
)
_CLICHE = re.compile(
    r"^(?:as|being|since i am|since i'm) an? (?:ai|artificial intelligence|language model|"
    r"virtual assistant|ai language model|large language model)(?: [a-z]+){0,3},\s*",
    re.IGNORECASE,
)
_MAKERS = re.compile(
    r"(?<=\w),? (?:that was |which was )?(?:created|developed|trained|made|built|designed) by "
    r"(?:OpenAI|Alibaba(?: Cloud)?|Anthropic|Google|Meta|Hugging ?Face|Microsoft)\b",
    re.IGNORECASE,
)
_OF_ITSELF = re.compile(r"^(?:hello[,!.]? )?(?:i am|i'm|my name)\b", re.IGNORECASE)
_OTHERS_TURN = re.compile(r"^\W*(?:user|human|question|system|you|q)\s*:", re.IGNORECASE)
_OWN_LABEL = r"^\W*(?:assistant|ai|answer|reply|response|bot|a{name})\s*:\s*"
_SPACE = re.compile(r"\s+")
_BEFORE_MARK = re.compile(r"\s+([,.;:!?…])")
_FIRST_MARKS = re.compile(r"^(?:[-–—•,;:.!?]+(?!\d)\s*)+")  # but "-5 degrees" keeps its minus
_ENDED = re.compile(r"[.!?…。！？]+[\"'”’)\]]*$")
_EMPTY = re.compile(r"\(\s*\)|\[\s*\]|\"\s*\"|“\s*”")
_WORD = re.compile(r"\w+", re.UNICODE)

_KEPT_SYMBOLS = "°%€$£¥+−±×÷½¼¾²³"
_RECITED_WORDS = 7
_TWICE_AND_OUT = 2


class SpokenText:
    """Cleans the sentences of one reply; remembers what it has seen of it."""

    def __init__(self, *, name: str = "", prompt: str = "", language: str = "en") -> None:
        """``name``: the assistant's; ``prompt``: the system prompt, which is not to be recited."""
        own = f"|{re.escape(name)}" if name else ""
        self._label = re.compile(_OWN_LABEL.replace("{name}", own), re.IGNORECASE)
        self._prompt = _runs(prompt)
        self._latin = language not in ("zh", "ja", "ko", "ru", "uk", "el", "ar", "he", "hi", "th")
        self._in_code = False
        self._seen: set[str] = set()
        self._repeats = 0
        self.ended = False
        """True once nothing of what follows is worth speaking (it plays the person, or loops)."""

    def clean(self, sentence: str) -> str:
        """``sentence`` as it is to be spoken; empty when it is not."""
        if self.ended or self._skips_code(sentence) or _TABLE.match(sentence):
            return ""
        text = self._label.sub("", _TAG.sub(" ", sentence))
        if _OTHERS_TURN.match(text):
            self.ended = True
            return ""
        text = _tidy(_without_symbols(_without_markup(text)))
        if not self._makes_sense(text.rstrip(".")):
            return ""
        return text if self._is_new(text) else ""

    def _skips_code(self, sentence: str) -> bool:
        if _FENCE.match(sentence) and not _INLINE_FENCE.search(sentence):
            self._in_code = not self._in_code
            return True
        return self._in_code

    def _makes_sense(self, text: str) -> bool:
        letters = sum(character.isalnum() for character in text)
        if not letters or letters < len(text.replace(" ", "")) * 0.6:
            return False
        if len(text) == 1 and not text.isdigit():
            return False
        if _CODE.search(text) or (self._latin and _foreign(text)):
            return False
        return not (self._prompt & _runs(text))

    def _is_new(self, text: str) -> bool:
        key = " ".join(_WORD.findall(text.lower()))
        if key in self._seen:
            self._repeats += 1
            self.ended = self._repeats >= _TWICE_AND_OUT
            return False
        self._seen.add(key)
        return True


def speakable(
    sentences: Iterable[str], *, name: str = "", prompt: str = "", language: str = "en"
) -> Iterator[str]:
    """The sentences of one reply that can be spoken, cleaned; see :class:`SpokenText`."""
    cleaner = SpokenText(name=name, prompt=prompt, language=language)
    for sentence in sentences:
        if text := cleaner.clean(sentence):
            yield text
        if cleaner.ended:
            return


def _without_markup(text: str) -> str:
    text = _INLINE_FENCE.sub(" ", text)
    text = _HEAD.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _ADDRESS.sub("", text)
    for _ in range(3):  # bold within italics within code
        text = _EMPHASIS.sub(r"\2", text)
    text = _CLICHE.sub("", text.replace("**", "").replace("`", "").replace("__", ""))
    # whoever made the weights did not make the assistant, and the model guesses at that
    return _MAKERS.sub("", text) if _OF_ITSELF.match(text) else text


def _without_symbols(text: str) -> str:
    """``text`` without emoji, control characters and what else has no sound."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(character)
        if character in _KEPT_SYMBOLS or kind[0] in "LNMPZ" or kind == "Sc":
            kept.append(character)
        elif kind in ("Cc", "Cf", "So", "Sk", "Co", "Cs", "Cn"):
            kept.append(" ")
        else:
            kept.append(character)
    return "".join(kept).replace("\ufe0f", "").replace("\u20e3", "")


def _tidy(text: str) -> str:
    text = _EMPTY.sub("", text)
    text = _BEFORE_MARK.sub(r"\1", _SPACE.sub(" ", text)).strip(" \t*_~|>#")
    text = _FIRST_MARKS.sub("", text)
    if text.count('"') % 2:  # the other half stands in another sentence
        text = text.replace('"', "")
    if text and not _ENDED.search(text):
        text = text.rstrip(" ,;:-–—") + "."
    return text[:1].upper() + text[1:] if text[:1].islower() else text


def _foreign(text: str) -> bool:
    """Whether more than a third of the letters belong to no Latin alphabet."""
    letters = [character for character in text if character.isalpha()]
    others = sum("LATIN" not in unicodedata.name(character, "") for character in letters)
    return others * 3 > len(letters)


def _runs(text: str) -> set[tuple[str, ...]]:
    """All runs of seven words: two texts that share one share no accident."""
    words = _WORD.findall(text.lower())
    return {tuple(words[at : at + _RECITED_WORDS]) for at in range(len(words) - _RECITED_WORDS + 1)}
