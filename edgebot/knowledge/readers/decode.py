"""From the bytes of a text file to its text."""

from __future__ import annotations

import codecs
import re

from edgebot.core.errors import KnowledgeError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it starts with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 65_536
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def decode(content: bytes) -> str:
    """The text of ``content``, in UTF-8, UTF-16, UTF-32 or Windows-1252 (Latin-1).

    Control characters are dropped and line ends become ``\\n``. Raises ``KnowledgeError`` for
    what is no text.
    """
    text = _decoded(content)
    sample = text[:_SAMPLE_BYTES]
    if len(_CONTROL.findall(sample)) > len(sample) / 100:
        raise KnowledgeError("this is binary data, not text")
    return _CONTROL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> str:
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content.decode(encoding, errors="replace")
    if wide := _wide(content[:_SAMPLE_BYTES]):
        return content.decode(wide, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        # A stray bad byte in a long UTF-8 text is no reason to read all of it as Latin-1.
        if _looks_like_utf8(content):
            return content.decode("utf-8", errors="replace")
        if b"\x00" in content[:_SAMPLE_BYTES]:
            raise KnowledgeError("this is binary data, not text") from error
        return content.decode("cp1252", errors="replace")


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other byte of Western text is zero."""
    if len(sample) < 4:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _looks_like_utf8(content: bytes) -> bool:
    replaced = content.decode("utf-8", errors="replace")
    bad = replaced.count("�")
    good = sum(1 for character in replaced if ord(character) > 127) - bad
    return good > 9 * bad
