"""What speaks for a stretch of words as the answer to a question: a row of numbers each.

Is it the kind of thing asked for, does it stand near the words of the question without being one
of them, what stands on either side of it, and do its words mean something like the noun asked for
("which river", "what company").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.knowledge.features import Question
from edgebot.knowledge.span_shapes import count_signs, shape_signs, side_signs, sum_over
from edgebot.knowledge.spans import Places, Words, word_vectors, words_in
from edgebot.knowledge.vocabulary import VAGUE, WH
from edgebot.knowledge.words import STOP_WORDS

KINDS = ("person", "time", "place", "number", "reason", "manner", "yesno", "other")
_FADE = (0.7, 0.93)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the stretches are compared with it."""

    kind: str
    weights: Vectors
    """Share of the information of each word; sums to 1 or less."""

    stems: tuple[str, ...]
    vectors: Vectors
    wh: int
    """Place of the question word; 0 where there is none."""

    focus: tuple[int, ...]
    """Places of the noun asked for, "year" of "in what year"."""

    follower: int
    """Place of the first telling word behind it, usually the verb; -1 where there is none."""


def asked_of(question: Question, pieces: TokenVectors) -> Asked:
    """Take a question apart for comparing."""
    words = words_in(question.text)
    weights = np.array([question.weights.get(one, 0.0) for one in words.stems], np.float32)
    wh = next((place for place, one in enumerate(words.folded) if one in WH), 0)
    focus = _focus(words, wh)
    behind = (focus[-1] if focus else wh) + 1
    follower = next((place for place in range(behind, len(words)) if weights[place] > 0), -1)
    return Asked(
        question.kind, weights, words.stems, word_vectors(words, pieces), wh, focus, follower
    )


def _focus(words: Words, wh: int) -> tuple[int, ...]:
    """The noun behind "what", "which", "how many"; of "what is the name of the X" the X."""
    if not len(words) or words.folded[wh] not in ("what", "which", "how", "whose"):
        return ()
    place = wh + 1
    if words.folded[wh] == "how":
        if place >= len(words) or words.folded[place] not in ("many", "much"):
            return ()
        place += 1
    found: list[int] = []
    for one in range(place, min(place + 4, len(words))):
        word = words.folded[one]
        if word in STOP_WORDS and not (found or word in ("of", "the")):
            break
        if word in STOP_WORDS and found:
            break
        if word in VAGUE or word in STOP_WORDS:
            continue
        found.append(one)
    return tuple(found[:3])


def span_matrix(
    question: Question,
    asked: Asked,
    words: Words,
    vectors: Vectors,
    firsts: Places,
    lasts: Places,
    sentence_scores: Vectors,
) -> tuple[list[str], Vectors]:
    """Names of the features, and a row for each stretch ``firsts`` … ``lasts``.

    ``sentence_scores`` are the logits of the passage's sentences.
    """
    known = np.array([one in question.weights for one in words.stems], np.bool_)
    small = np.array([one in STOP_WORDS for one in words.folded], np.bool_)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    columns |= shape_signs(words, firsts, lasts, small)
    columns |= side_signs(words, firsts, lasts)
    of_kind = KINDS.index(asked.kind)
    columns |= count_signs(words, firsts, lasts, known, small)
    columns |= _nearness(asked, words, vectors, firsts, lasts)
    columns |= _meanings(asked, vectors, firsts, lasts)
    columns |= _focus_signs(asked, words, firsts, lasts)
    sentence = words.sentence[firsts]
    order = np.argsort(np.argsort(-sentence_scores))
    columns["sentence_score"] = np.clip(sentence_scores[sentence], -6, 6) / 6
    columns["sentence_best"] = order[sentence] == 0
    columns["sentence_margin"] = (
        np.clip(sentence_scores[sentence] - sentence_scores.max(initial=-9), -4, 0) / 4
    )
    columns["place"] = firsts / max(len(words), 1)
    for place, name in enumerate(KINDS):
        columns[f"asks_{name}"] = np.full(len(firsts), place == of_kind)
    names = list(columns)
    return names, np.stack([np.asarray(one, np.float32) for one in columns.values()], axis=1)


def _nearness(
    asked: Asked, words: Words, vectors: Vectors, firsts: Places, lasts: Places
) -> dict[str, npt.NDArray[np.generic]]:
    """How close the question's words stand on either side, exactly or by meaning."""
    used = np.flatnonzero(asked.weights > 0)
    found: dict[str, npt.NDArray[np.generic]] = {}
    count = len(words)
    weights = asked.weights[used] / max(float(asked.weights[used].sum()), 1e-6)
    exact = np.array(
        [[one == asked.stems[place] for one in words.stems] for place in used], np.float32
    ).reshape(len(used), count)
    soft = np.maximum(np.clip(_unit(asked.vectors[used]) @ _unit(vectors).T, 0, 1) ** 2, exact)
    follower = np.flatnonzero(used == asked.follower)
    apart = np.arange(count)[:, np.newaxis] - np.arange(count)
    together = words.sentence[:, np.newaxis] == words.sentence
    edge = np.append(words.sentence, -1)
    for fade in _FADE:
        # Row: where one stands; column: where the word of the question does.
        behind = np.where(together & (apart >= 0), fade ** np.abs(apart), 0.0).astype(np.float32)
        for name, match in (("exact", exact), ("soft", soft)):
            reach = (match[:, np.newaxis, :] * behind).max(axis=2, initial=0.0)
            ahead = (match[:, np.newaxis, :] * behind.T).max(axis=2, initial=0.0)
            left = reach[:, firsts - 1] * (edge[firsts - 1] == words.sentence[firsts])
            goes_on = edge[lasts + 1] == words.sentence[lasts]
            right = ahead[:, np.minimum(lasts + 1, count - 1)] * goes_on
            key = f"{name}_{int(fade * 100)}"
            found[f"near_{key}"] = weights @ np.maximum(left, right)
            found[f"left_of_{key}"] = weights @ left
            found[f"right_of_{key}"] = weights @ right
            verb = follower[:1]
            found[f"verb_left_{key}"] = left[verb].sum(axis=0)
            found[f"verb_right_{key}"] = right[verb].sum(axis=0)
    return found


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)
    return np.asarray(vectors / lengths, np.float32)


def span_vectors(vectors: Vectors, firsts: Places, lasts: Places) -> Vectors:
    """Mean of the words of each stretch, of length one."""
    total = np.concatenate(
        [np.zeros((1, vectors.shape[1]), np.float32), np.cumsum(vectors, axis=0)]
    )
    return _unit(np.asarray(total[lasts + 1] - total[firsts], np.float32))


def _meanings(
    asked: Asked, vectors: Vectors, firsts: Places, lasts: Places
) -> dict[str, npt.NDArray[np.generic]]:
    spans = span_vectors(vectors, firsts, lasts)
    heads = _unit(vectors)[lasts]
    question = _unit(asked.vectors)
    whole = _unit(asked.vectors.sum(axis=0))
    zero = np.zeros(len(firsts), np.float32)
    wh = question[asked.wh] if len(question) else None
    focus = _unit(asked.vectors[list(asked.focus)].sum(axis=0)) if asked.focus else None
    return {
        "mean_wh": spans @ wh if wh is not None else zero,
        "mean_focus": spans @ focus if focus is not None else zero,
        "head_focus": heads @ focus if focus is not None else zero,
        "mean_whole": spans @ whole if len(question) else zero,
        "has_focus": np.full(len(firsts), focus is not None),
    }


def _focus_signs(
    asked: Asked, words: Words, firsts: Places, lasts: Places
) -> dict[str, npt.NDArray[np.generic]]:
    """The noun asked for within the stretch, at its end, or beside it."""
    stems = {asked.stems[place] for place in asked.focus}
    here = np.array([one in stems for one in words.stems], np.bool_)
    padded = np.concatenate([[False, False, False], here, [False, False, False]])
    inside = sum_over(here, firsts, lasts) > 0
    return {
        "focus_inside": inside,
        "focus_last": here[lasts],
        "focus_left": padded[firsts + 2] | padded[firsts + 1],
        "focus_right": padded[lasts + 4] | padded[lasts + 5],
    }
