"""The intent classifier with an encoder that needs no model."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.classifier.embedding import embed_once
from edgebot.nlu.classifier.evaluating import Evaluation, evaluate
from edgebot.nlu.classifier.intents import IntentClassifier
from edgebot.nlu.classifier.linear import pack, softmax, train_head
from edgebot.nlu.classifier.model import IntentModel
from edgebot.nlu.classifier.ngrams import NgramFeatures
from edgebot.nlu.classifier.scope import belonging, choose_threshold, fit_certainty, signs_of
from edgebot.nlu.classifier.training import train
from tests.unit.nlu.conftest import WordEncoder

VERBS = {"light": ["switch", "turn", "dim"], "music": ["play", "start", "queue"],
         "weather": ["show", "tell", "give"], "call": ["phone", "ring", "dial"],
         "mail": ["send", "write", "read"]}  # fmt: skip
NOUNS = {"light": ["lamp", "light", "bulb", "spots"], "music": ["song", "album", "tune", "jazz"],
         "weather": ["forecast", "rain", "sun", "wind"], "call": ["mum", "doctor", "office", "bob"],
         "mail": ["letter", "message", "mail", "note"]}  # fmt: skip
STRANGE = ["quantum", "elephant", "mortgage", "volcano", "sonnet", "gravel", "tariff", "enzyme"]


def examples(count: int, seed: int, strangers: int = 0) -> tuple[list[str], list[str]]:
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        intent = rng.choice(sorted(VERBS))
        rows.append((f"{rng.choice(VERBS[intent])} the {rng.choice(NOUNS[intent])} now", intent))
    for _ in range(strangers):
        first, second = rng.sample(STRANGE, 2)
        rows.append((f"{first} the {second} now", "oos"))
    rng.shuffle(rows)
    return [text for text, _ in rows], [intent for _, intent in rows]


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return train(*examples(300, 1, strangers=40), WordEncoder())


def test_ngrams_are_words_pairs_and_pieces_that_texts_share() -> None:
    features = NgramFeatures.fit(["play it", "play on", "stop"])
    assert "wplay" in features.grams
    assert "b play" in features.grams
    assert "wstop" not in features.grams
    row = features.row("play play it!")
    words = [not features.grams[column].startswith("c") for column in row.columns]
    assert np.isclose(np.linalg.norm(row.values[words]), 1.0)
    assert len(features.row("zzz").columns) == 0
    assert len(features.row("").columns) == 0


def test_packing_keeps_the_rows() -> None:
    features = NgramFeatures.fit(["play it", "play on", "stop it"])
    rows = [features.row("play it"), features.row(""), features.row("stop on")]
    columns, packed = pack(rows)
    dense = np.zeros((3, len(features)), np.float32)
    dense[:, columns] = packed
    for number, row in enumerate(rows):
        expected = np.zeros(len(features), np.float32)
        expected[row.columns] = row.values
        assert np.allclose(dense[number], expected)


def test_the_head_learns_and_learns_the_same_again() -> None:
    texts, labels = examples(200, 2)
    names = sorted(set(labels))
    features = NgramFeatures.fit(texts)
    rows = [features.row(text) for text in texts]
    classes = np.array([names.index(label) for label in labels], np.int32)
    dense = np.zeros((len(texts), 1), np.float32)
    first = train_head(rows, dense, classes, (len(features), len(names)), epochs=4)
    again = train_head(rows, dense, classes, (len(features), len(names)), epochs=4)
    assert np.array_equal(first.sparse, again.sparse)
    assert (first.logits(rows, dense).argmax(axis=1) == classes).mean() > 0.98


def test_softmax_is_a_distribution_even_for_huge_logits() -> None:
    chances = softmax(np.array([[1e4, 0.0], [-1e4, -1e4]], np.float32))
    assert np.allclose(chances.sum(axis=1), 1.0)


def test_intents_are_told_and_strangers_turned_down(model: IntentModel) -> None:
    found = evaluate(model, *examples(120, 7, strangers=40), WordEncoder())
    assert found.in_scope_accuracy is not None
    assert found.in_scope_accuracy > 0.95
    assert found.oos_recall is not None
    assert found.oos_recall > 0.9
    assert found.ms_per_text > 0


def test_strangers_are_turned_down_without_having_seen_any() -> None:
    model = train(*examples(300, 1), WordEncoder())
    assert model.about["oos_from_examples"] is False
    found = evaluate(model, *examples(120, 7, strangers=60), WordEncoder())
    assert (found.in_scope_accuracy or 0) > 0.95
    assert (found.oos_recall or 0) > 0.5


def test_scores_are_higher_for_what_is_known(model: IntentModel) -> None:
    classifier = IntentClassifier(model, WordEncoder())
    intent, known, others = classifier.classify("dim the lamp now")
    assert (intent, known > 0.8) == ("light", True)
    assert [name for name, _ in others if name == "light"] == []
    nothing, strange, refused = classifier.classify("volcano tariff sonnet")
    assert nothing is None
    assert strange < known
    assert len(refused) == 5


def test_a_higher_threshold_can_be_asked_for(model: IntentModel) -> None:
    assert IntentClassifier(model, WordEncoder(), threshold=0.9999).classify("song")[0] is None


def test_words_that_carry_the_decision_weigh_most(model: IntentModel) -> None:
    weights = dict(IntentClassifier(model, WordEncoder()).attribute("please dim the lamp now"))
    assert max(weights, key=lambda word: weights[word]) in {"dim", "lamp"}
    assert max(abs(weight) for weight in weights.values()) == 1.0
    assert weights["the"] < weights["dim"] + weights["lamp"]
    assert IntentClassifier(model, WordEncoder()).attribute("?!") == []


def test_one_intent_is_not_enough() -> None:
    with pytest.raises(UnderstandingError, match="two intents"):
        train(["a b", "b c", "c d"], ["one", "one", "oos"], WordEncoder())


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c", "d", "e", "f"]])
def test_hardly_any_examples_are_no_disaster(labels: list[str]) -> None:
    texts = [f"{word} now" for word in ["play", "stop", "dim", "ring", "send", "show"]]
    model = train(texts[: len(labels)], labels, WordEncoder())
    assert set(model.intents) == set(labels)
    assert 0.0 <= model.threshold <= 0.5


def test_a_text_is_embedded_once_however_often_it_occurs() -> None:
    encoder = WordEncoder()
    done: list[int] = []
    vectors = embed_once(["b", "a", "b"], encoder, done.append)
    assert encoder.calls == 1
    assert np.array_equal(vectors[0], vectors[2])
    assert sum(done) == 3


def test_saved_is_loaded_the_same(model: IntentModel, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    again = IntentModel.load(tmp_path / "model")
    texts, _ = examples(50, 9, strangers=10)
    vectors = WordEncoder().embed(texts)
    before, after = model.judge(texts, vectors), again.judge(texts, vectors)
    assert np.allclose(before[1], after[1], atol=2e-3)
    assert (again.intents, again.threshold, again.about) == (
        model.intents,
        model.threshold,
        model.about,
    )
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "model.json",
        "weights.npz",
    ]


def spoil_bytes(directory: Path) -> None:
    weights = directory / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-40] + b"x" * 40)


def spoil_json(directory: Path) -> None:
    (directory / "model.json").write_text("{")


def spoil_version(directory: Path) -> None:
    about = json.loads((directory / "model.json").read_text())
    (directory / "model.json").write_text(json.dumps({**about, "version": 99}))


def spoil_keys(directory: Path) -> None:
    about = json.loads((directory / "model.json").read_text())
    del about["grams"]
    (directory / "model.json").write_text(json.dumps(about))


def spoil_grams(directory: Path) -> None:
    about = json.loads((directory / "model.json").read_text())
    (directory / "model.json").write_text(json.dumps({**about, "grams": about["grams"][:-1]}))


def spoil_missing(directory: Path) -> None:
    (directory / "weights.npz").unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_bytes, "SHA-256"),
        (spoil_json, "damaged"),
        (spoil_version, "version 99"),
        (spoil_keys, "damaged"),
        (spoil_grams, "do not fit"),
        (spoil_missing, "no such model"),
    ],
)
def test_a_damaged_model_is_refused(
    model: IntentModel, tmp_path: Path, spoil: object, words: str
) -> None:
    assert callable(spoil)
    model.save(tmp_path / "model")
    spoil(tmp_path / "model")
    with pytest.raises(UnderstandingError, match=words) as caught:
        IntentModel.load(tmp_path / "model")
    assert "edgebot nlu train" in str(caught.value)


def test_another_encoder_is_refused(model: IntentModel) -> None:
    other = WordEncoder()
    other.model_id = "other"
    with pytest.raises(UnderstandingError, match="trained with words"):
        IntentClassifier(model, other)


def test_belonging_counts_standard_deviations_of_both_signs() -> None:
    signs = np.array([[2.0, 1.0], [0.0, 0.0]])
    assert belonging(signs, np.zeros(2), np.array([1.0, 0.5])).tolist() == [4.0, 0.0]


def test_energy_falls_for_flat_logits() -> None:
    logits = np.array([[8.0, 0.0, 0.0], [1.0, 1.0, 1.0]], np.float32)
    signs = signs_of(logits, np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32))
    assert signs[0, 0] > signs[1, 0]
    assert signs[0, 1] == 1.0


def test_certainty_is_calibrated_on_what_it_was_fitted_on() -> None:
    rng = np.random.default_rng(0)
    out = np.arange(2000) >= 1500
    signs = np.stack(
        [rng.normal(np.where(out, -2.0, 0.0)), rng.normal(np.where(out, -2.0, 0.0))], 1
    )
    logits = rng.normal(size=(2000, 4)).astype(np.float32)
    labels = logits.argmax(axis=1).astype(np.int32)
    certainty = fit_certainty(signs, logits, labels, out, np.ones(2000))
    belongs = certainty.belongs(signs)
    assert abs(belongs.mean() - 0.75) < 0.02
    sure = belongs > 0.9
    assert (~out)[sure].mean() > 0.9


def test_the_threshold_gives_up_little_unless_strangers_are_real() -> None:
    rng = np.random.default_rng(1)
    out = np.arange(1000) >= 800
    score = np.clip(np.where(out, rng.normal(0.3, 0.15, 1000), rng.normal(0.9, 0.1, 1000)), 0, 1)
    guarded = choose_threshold(score, ~out, out, trusted=False)
    trusted = choose_threshold(score, ~out, out, trusted=True)
    assert (score[~out] < guarded).mean() <= 0.003
    assert (score[out] < trusted).mean() > (score[out] < guarded).mean()


def test_figures_of_an_evaluation() -> None:
    found = Evaluation(
        expected=("a", "a", "b", "oos", "oos"),
        answered=("a", "b", "b", "oos", "a"),
        ms_per_text=2.0,
    )
    described = found.described()
    assert described["accuracy"] == 0.6
    assert described["in_scope_accuracy"] == 0.6667
    assert described["oos_recall"] == 0.5
    assert described["oos_precision"] == 1.0
    assert described["macro_f1"] == round((2 / 4 + 2 / 3 + 2 / 3) / 3, 4)
    assert described["confusion"] == {
        "a": {"a": 1, "b": 1},
        "b": {"b": 1},
        "oos": {"a": 1, "oos": 1},
    }
    nothing = Evaluation(("a",), ("a",), 1.0).described()
    assert (nothing["oos_recall"], nothing["oos_precision"]) == (None, None)
