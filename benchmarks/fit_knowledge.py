"""Fits the models of the knowledge base: ``python -m benchmarks.fit_knowledge [MODEL …]``.

Writes ``edgebot/knowledge/data/weights.json`` and ``spans.npz``, and prints how well each model
tells right from wrong on articles it was not fitted on (cross-validation by article), and what
comes of all of them together on such articles.
"""

from __future__ import annotations

import functools
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks import knowledge_spans as network
from benchmarks.knowledge_answers import exact, f1
from benchmarks.knowledge_data import (
    SETS,
    Asked,
    hold_out_pairs,
    outside,
    questions,
    write_passages,
)
from benchmarks.knowledge_fitting import WEIGHTS, Array, Base, Remembering, Table, learn
from edgebot.config.loader import load_settings
from edgebot.knowledge import logistic, short
from edgebot.knowledge.align import align
from edgebot.knowledge.base import LIKELY, READ, SURE
from edgebot.knowledge.extract import Extractor, Reading, asked_for, sentence_features
from edgebot.knowledge.retrieve import passage_features
from edgebot.knowledge.span_model import SpanModel, packed, span_model
from edgebot.runtime.wiring import Assembly

NETWORK = WEIGHTS.with_name("spans.npz")
HALVES = 3
"""Fits of the network, each without a part of the articles."""


def right(asked: Asked, source: str, text: str) -> bool:
    """Whether ``text`` of ``source`` holds an answer."""
    return source == asked.source and any(answer in text for answer in asked.answers)


def passages(base: Base, table: Table) -> None:
    for asked in base.asked:
        question = base.question(asked)
        if asked.kind == "tricky":
            continue  # their passage is the right place to look: nothing to learn about places
        for one in base.retriever.candidates(question, base.vector(asked), 16):
            label = right(asked, Path(one.row.source).stem, one.row.text)
            table.add(passage_features(question, one), label, asked)


def sentences(base: Base, table: Table) -> None:
    for asked in base.asked:
        for passage in base.found(asked) if asked.kind == "answerable" else []:
            if passage.question or Path(passage.source).stem != asked.source:
                continue
            question = base.question(asked)
            pieces = base.embedder.tokens(question.text)
            aligned = align(question, pieces, passage.text, base.embedder.tokens(passage.text))
            for _, sentence, features in sentence_features(question, passage, aligned):
                table.add(features, right(asked, asked.source, sentence), asked)


def answers(pairs: bool, nets: Sequence[SpanModel] = ()) -> Callable[[Base, Table], None]:
    def collect(base: Base, table: Table) -> None:
        extractor = Extractor(base.embedder)
        for asked in base.asked:
            if nets:
                short.span_model = functools.partial(net_for, nets, asked)  # type: ignore[assignment]
            found = [one for one in base.found(asked, READ) if bool(one.question) == pairs]
            for reading in extractor.read(base.question(asked), found):
                source = Path(reading.passage.source).stem
                held = reading.passage.text if pairs else reading.sentence
                table.add(reading.features, right(asked, source, held), asked, reading)
        short.span_model = span_model

    return collect


def shorts(base: Base, answered: Table) -> Table:
    """Of the sentences with the answer and those without: are the few words the answer?"""
    table = Table()
    for features, (asked, reading) in zip(answered.rows, answered.readings, strict=True):
        if reading is None or not reading.short or asked.kind == "outside":
            continue
        good = max((f1(reading.short, gold) for gold in asked.answers), default=0.0)
        signs = features | asked_for(base.question(asked))
        table.add(signs, good >= 0.6, asked, reading)
    return table


def net_for(nets: Sequence[SpanModel], asked: Asked) -> SpanModel:
    """The network that has not seen the article of ``asked``."""
    return nets[part_of(asked.group)]


def part_of(group: str) -> int:
    return sum(group.encode()) % HALVES


def networks(bases: Sequence[Base]) -> list[SpanModel]:
    """Fits without each part of the articles, and, last, the one that is kept."""
    examples = [one for base in bases for one in stretches(base)]
    turning = network.turning_of(examples)
    inputs = [network.inputs_of(turning, one) for one in examples]
    parts = [part_of(one.asked.group) for one in examples]
    nets = []
    for left_out in range(HALVES + 1):
        chosen = [i for i, part in enumerate(parts) if part != left_out]
        net = network.fit_network(
            turning, [inputs[i] for i in chosen], [examples[i].right for i in chosen]
        )
        nets.append(net)
    said = []
    for one, part, rows in zip(examples, parts, inputs, strict=True):
        best = int(nets[part].logits(rows.astype(np.float32)).argmax())
        text = network.texts_of(one.found)[best]
        gold = one.asked.answers
        said.append((max(exact(text, g) for g in gold), max(f1(text, g) for g in gold)))
    em, overlap = np.array(said).mean(axis=0)
    print(f"network: {len(examples)} passages with the answer; unseen em {em:.3f} f1 {overlap:.3f}")
    NETWORK.write_bytes(packed(nets[-1]))
    span_model.cache_clear()
    return nets


def stretches(base: Base) -> list[network.Example]:
    """Passages with the answer, and what of them may be it."""
    model = logistic.fitted("sentence")
    examples = []
    for asked in base.asked:
        for passage in base.found(asked, READ) if asked.kind == "answerable" else []:
            if passage.question or not right(asked, Path(passage.source).stem, passage.text):
                continue
            question = base.question(asked)
            pieces = base.embedder.tokens(question.text)
            inside = base.embedder.tokens(passage.text)
            aligned = align(question, pieces, passage.text, inside)
            scores = [
                model.logit(features)
                for *_, features in sentence_features(question, passage, aligned)
            ]
            found = short.stretches(
                question, pieces, passage.text, inside, np.array(scores, np.float32)
            )
            if found is None:
                continue
            overlap = [max(f1(t, g) for g in asked.answers) for t in network.texts_of(found)]
            if one := network.example(asked, question, pieces, found, overlap):
                examples.append(one)
    return examples


def unseen(table: Table, scores: Array, short_table: Table, sure: Array) -> None:
    """What would be answered on articles that nothing was fitted on, by the threshold."""
    certain = {id(r): s for (_, r), s in zip(short_table.readings, sure, strict=True)}
    best: dict[int, tuple[float, Asked, Reading]] = {}
    for (asked, reading), score in zip(table.readings, scores, strict=True):
        if reading is not None and (id(asked) not in best or score > best[id(asked)][0]):
            best[id(asked)] = (float(score), asked, reading)
    for threshold in (0.2, 0.25, 0.3, 0.35, 0.4, 0.5):
        told: dict[str, list[float]] = defaultdict(list)
        for score, asked, reading in best.values():
            told[f"refused {asked.kind}"].append(score < threshold)
            if asked.kind != "answerable":
                continue
            said = score >= threshold
            lead = said and certain.get(id(reading), 0.0) >= SURE
            few = said and certain.get(id(reading), 0.0) >= LIKELY
            words = reading.short if few else reading.sentence
            told["holds"].append(said and any(one in reading.sentence for one in asked.answers))
            told["led"].append(lead)
            told["em"].append(max(exact(words, one) for one in asked.answers) * said)
            told["f1"].append(max(f1(words, one) for one in asked.answers) * said)
            told["few"].append(few)
            told["short f1"].append(max(f1(reading.short, one) for one in asked.answers) * said)
            if lead:
                told["lead em"].append(max(exact(reading.short, one) for one in asked.answers))
                told["lead f1"].append(max(f1(reading.short, one) for one in asked.answers))
        figures = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in told.items())
        print(f"at {threshold}: {figures}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, Assembly(load_settings()) as assembly:
        embedder = Remembering(assembly.embedder())  # type: ignore[arg-type]
        folder = Path(name)
        bases = []
        for number, one in enumerate(SETS):
            write_passages(one, folder / one)
            asked = questions(one) + outside(400 if number == 0 else 100, seed=number)
            bases.append(Base(folder / one, asked, embedder))
        held = hold_out_pairs(folder / "shipped")
        bases.append(Base(folder / "shipped", held + outside(400, seed=7), embedder))
        fit_all(bases, sys.argv[1:])


def gathered(bases: Sequence[Base], collect: Callable[[Base, Table], None]) -> Table:
    table = Table()
    for base in bases:
        collect(base, table)
    return table


def fit_all(bases: Sequence[Base], wanted: Sequence[str] = ()) -> None:
    """Fit the models in the order in which they build on one another, or those ``wanted``."""
    for name, collect in (("passage", passages), ("sentence", sentences)):
        if not wanted or name in wanted:
            learn(name, gathered(bases, collect))
    if not wanted or "answer" in wanted:
        nets = networks(bases[:-1])
        table = gathered(bases, answers(pairs=False, nets=nets))
        scores = learn("answer", table)
        few = shorts(bases[0], table)
        unseen(table, scores, few, learn("short", few))
    if not wanted or "pair" in wanted:
        learn("pair", gathered(bases, answers(pairs=True)))


if __name__ == "__main__":
    main()
