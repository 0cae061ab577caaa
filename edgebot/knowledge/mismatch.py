"""What speaks against a sentence: it names somebody else, says the opposite, or denies.

Questions that cannot be answered are often one word away from one that can: another name, another
year, "smallest" for "largest", "never" where there was none (P. Rajpurkar, R. Jia, P. Liang, "Know
What You Don't Know: Unanswerable Questions for SQuAD", ACL 2018, table 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgebot.knowledge.features import Question
from edgebot.knowledge.porter import stem
from edgebot.knowledge.vocabulary import NOT
from edgebot.knowledge.words import STOP_WORDS, fold, words_of

_OPPOSITES = """
large small; largest smallest; big little; bigger smaller; high low; higher lower; highest lowest;
most least; more less; more fewer; many few; first last; first second; early late; earlier later;
earliest latest; before after; old new; oldest newest; older younger; old young; long short;
longest shortest; start end; begin end; begin finish; beginning end; open close; opened closed;
increase decrease; increased decreased; rise fall; rose fell; grow shrink; gain lose; gained lost;
win lose; won lost; victory defeat; allow forbid; allow prohibit; allowed prohibited; permit ban;
legal illegal; accept reject; accepted rejected; agree disagree; support oppose; supported opposed;
approve oppose; encourage discourage; include exclude; included excluded; join leave; joined left;
enter leave; build destroy; built destroyed; create destroy; created destroyed; found dissolve;
founded dissolved; live die; born died; birth death; love hate; like dislike; strong weak;
stronger weaker; strength weakness; rich poor; hot cold; warm cool; wet dry; fast slow;
faster slower; easy difficult; easy hard; simple complex; good bad; better worse; best worst;
positive negative; active passive; public private; internal external; inside outside; north south;
northern southern; east west; eastern western; northeast southwest; left right; upper lower;
above below; top bottom; over under; up down; near far; present absent; success failure;
succeed fail; successful unsuccessful; possible impossible; known unknown; common rare; common
uncommon; popular unpopular; important unimportant; related unrelated; equal unequal; male female;
man woman; men women; king queen; husband wife; father mother; son daughter; brother sister;
boy girl; buy sell; bought sold; import export; attack defend; enemy ally; friend enemy; war peace;
ancient modern; past future; major minor; maximum minimum; natural artificial; add remove;
added removed; push pull; expand contract; rural urban; land sea; even odd; full empty; heavy light;
deep shallow; wide narrow; thick thin; true false; correct incorrect; always never; day night;
summer winter; spring autumn; sunrise sunset; majority minority; north east; south west
"""
_PAIRS = frozenset(
    frozenset(map(stem, pair.split()))
    for pair in re.split(r"[;\n]", _OPPOSITES)
    if len(pair.split()) == 2
)
_NAME = re.compile(r"(?<![.?!] )(?<!^)\b[A-Z][\w’'-]*\w")
_NUMBER = re.compile(r"\d[\d.,]*\d|\d")


def mismatch_features(question: Question, sentence: str, context: set[str]) -> dict[str, float]:
    """What of ``question`` the ``sentence`` contradicts; ``context`` are the passage's stems."""
    words = words_of(sentence)
    stems = set(map(stem, words))
    asked = question.known
    names = [fold(one) for one in _NAME.findall(question.text) if fold(one) not in STOP_WORDS]
    numbers = _NUMBER.findall(question.text)
    return {
        "mismatch_names": _missing(map(stem, names), stems),
        "mismatch_names_context": _missing(map(stem, names), context),
        "mismatch_numbers": _missing(numbers, set(_NUMBER.findall(sentence))),
        "mismatch_opposite": float(_opposed(question, stems)),
        "mismatch_negation": float(_denies(asked) != _denies(words)),
        "mismatch_negated_question": float(_denies(asked) and not _denies(words)),
        "mismatch_context": _missing(question.weights, context),
    }


def _missing(wanted: Iterable[str], there: set[str]) -> float:
    """Share of ``wanted`` that is not ``there``; 0 when nothing is wanted."""
    listed = list(wanted)
    return sum(one not in there for one in listed) / len(listed) if listed else 0.0


def _opposed(question: Question, stems: set[str]) -> bool:
    """A word of the question is missing, and its opposite is there."""
    missing = [one for one in question.weights if one not in stems]
    return any(frozenset((one, other)) in _PAIRS for one in missing for other in stems)


def _denies(words: Iterable[str]) -> bool:
    return any(one in NOT for one in words)
