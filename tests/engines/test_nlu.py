"""Understanding with the real sentence encoder, on real and on our own sentences."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from edgebot.cli.main import cli
from edgebot.cli.parse import understand
from edgebot.core.nlu import NluContext
from edgebot.nlu.classifier.evaluating import evaluate
from edgebot.nlu.classifier.intents import IntentClassifier
from edgebot.nlu.classifier.training import train
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines


def rows_of(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(row["text"], row["intent"]) for row in map(json.loads, lines)]


def columns(rows: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [text for text, _ in rows], [intent for _, intent in rows]


def test_snips_from_two_hundred_examples_an_intent(assembly: Assembly, shared_data: Path) -> None:
    rows = rows_of(shared_data / "nlu" / "snips" / "train.jsonl")
    random.Random(1).shuffle(rows)
    by_intent: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        by_intent.setdefault(row[1], []).append(row)
    known = [row for group in by_intent.values() for row in group[:200]]
    new = [row for group in by_intent.values() for row in group[200:260]]
    model = train(*columns(known), assembly.embedder())
    found = evaluate(model, *columns(new), assembly.embedder())
    assert found.accuracy > 0.95


def test_strangers_among_a_third_of_clinc(assembly: Assembly, shared_data: Path) -> None:
    folder = shared_data / "nlu" / "clinc150"
    rows = rows_of(folder / "train.jsonl")
    chosen = set(sorted({intent for _, intent in rows})[::3])
    known = [row for row in rows if row[1] in chosen][::2] + rows_of(folder / "oos_train.jsonl")
    new = [row for row in rows_of(folder / "val.jsonl") if row[1] in chosen][::2]
    new += rows_of(folder / "oos_val.jsonl")
    model = train(*columns(known), assembly.embedder())
    found = evaluate(model, *columns(new), assembly.embedder())
    assert (found.in_scope_accuracy or 0) > 0.92
    assert (found.oos_recall or 0) > 0.7


@pytest.fixture(scope="module")
def paraphrases(root: Path) -> dict[str, list[str]]:
    loaded: dict[str, list[str]] = yaml.safe_load(
        (root / "tests" / "engines" / "paraphrases.yaml").read_text(encoding="utf-8")
    )
    return loaded


def test_paraphrases_nobody_prepared_us_for(
    assembly: Assembly, paraphrases: dict[str, list[str]]
) -> None:
    understander = assembly.understander()
    right, wrong, silent = [], [], []
    for intent, texts in paraphrases.items():
        for text in texts if intent != "oos" else []:
            found = understand(understander, text, NluContext())[0].intent
            (right if found == intent else silent if found is None else wrong).append(
                (text, intent, found)
            )
    total = len(right) + len(wrong) + len(silent)
    assert len(right) >= 0.7 * total, [*wrong, *silent]
    assert len(wrong) <= 0.1 * total, wrong


def test_strangers_are_left_to_others(
    assembly: Assembly, paraphrases: dict[str, list[str]]
) -> None:
    understander = assembly.understander()
    taken = [
        (text, found)
        for text in paraphrases["oos"]
        if (found := understand(understander, text, NluContext())[0].intent) is not None
    ]
    assert len(taken) <= 0.1 * len(paraphrases["oos"]), taken


def test_the_weight_of_words_is_told(assembly: Assembly) -> None:
    classifier = assembly.understander().classifier()
    assert isinstance(classifier, IntentClassifier)
    weights = dict(classifier.attribute("let a coin decide for me"))
    assert max(weights, key=lambda word: weights[word]) == "coin"


def test_train_and_eval_by_the_command_line(
    settings: object, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(shared_data / "nlu" / "slurp" / "devel.jsonl")
    known, new = rows[:800], rows[800:900]
    (tmp_path / "train.tsv").write_text(
        "text\tintent\n" + "".join(f"{text}\t{intent}\n" for text, intent in known) + "bad row\n"
    )
    (tmp_path / "new.jsonl").write_text(
        "".join(json.dumps({"text": text, "intent": intent}) + "\n" for text, intent in new)
    )
    runner = CliRunner()
    trained = runner.invoke(
        cli,
        ["nlu", "train", "--data", f"{tmp_path}/train.tsv", "--out", f"{tmp_path}/model", "--json"],
    )
    assert trained.exit_code == 0, trained.output
    assert "train.tsv:802: 1 columns" in trained.stderr
    assert json.loads(trained.stdout)["examples"] == 800
    judged = runner.invoke(
        cli,
        [
            "nlu", "eval", "--model", f"{tmp_path}/model", "--data", f"{tmp_path}/new.jsonl",
            "--picture", f"{tmp_path}/confusion.svg", "--json",
        ],
    )  # fmt: skip
    assert judged.exit_code == 0, judged.output
    figures = json.loads(judged.stdout)
    assert figures["accuracy"] > 0.5
    assert {"in_scope_accuracy", "oos_recall", "macro_f1", "ms_per_text", "confusion"} <= set(
        figures
    )
    assert (tmp_path / "confusion.svg").is_file()
    assert (tmp_path / "confusion.png").is_file()
