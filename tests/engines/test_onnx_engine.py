"""The onnx engine with real weights: it is the model it was made from, and answers in a turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebot.build import catalog_entry
from edgebot.build.agreement import agreement
from edgebot.build.onnx_export import Exported, export
from edgebot.core.cancel import Cancellation
from edgebot.core.language import Generation, Message
from edgebot.core.turn import Turn
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.nlg.llama import LlamaEngine
from edgebot.nlg.onnx import OnnxEngine
from edgebot.nlg.persona import PersonaFile
from edgebot.nlg.talker import LanguageTalker
from edgebot.runtime.wiring import LLM, Assembly

pytestmark = pytest.mark.engines

RULES = Message("system", "You are a voice assistant. Answer in one short sentence.")
QUESTIONS = [
    "What is the capital of France?", "Tell me a joke.", "Why is the sky blue?",
    "How do I boil an egg?", "Name three animals.", "What should I cook tonight?",
    "Good morning", "How many days are in a week?", "What is the largest planet?",
    "Explain rain to a child.", "Say hello in Spanish.", "What do bees make?",
    "Thank you very much", "Where does bread come from?", "What is a light year?",
]  # fmt: skip
GREEDY = Generation(max_tokens=24, temperature=0.0, repeat_penalty=1.0)


def ask(*words: str) -> list[Message]:
    roles = ("user", "assistant")
    return [RULES, *(Message(roles[at % 2], text) for at, text in enumerate(words))]  # type: ignore[arg-type]


def write(engine: OnnxEngine | LlamaEngine, messages: list[Message]) -> str:
    return "".join(engine.generate(messages, GREEDY, Cancellation()))


@pytest.fixture(scope="module")
def weights(assembly: Assembly) -> Path:
    return assembly.model("llm").files["model"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def llama(weights: Path) -> Iterator[LlamaEngine]:
    engine = LlamaEngine(weights, model_id="gguf", context_tokens=1024)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def engine(weights: Path, folder: Path) -> Iterator[OnnxEngine]:
    made = export(weights, folder / "eight", 8)
    engine = OnnxEngine(made.folder / "model.json", model_id="int8", context_tokens=1024)
    yield engine
    engine.close()


def test_it_is_the_same_model(engine: OnnxEngine, llama: LlamaEngine) -> None:
    """Measured: 0.012 nats, most of it from llama.cpp's own rounding of what it multiplies."""
    found = agreement(llama, engine, [ask(question) for question in QUESTIONS])
    assert found.mean_divergence < 0.03
    assert found.most_divergence < 0.1
    assert found.same_first >= 0.8


def test_with_four_bits_it_is_still_near(weights: Path, folder: Path, llama: LlamaEngine) -> None:
    """Measured: 0.06 nats; 0.31 with all weights in four bits."""
    made = export(weights, folder / "four", 4)
    engine = OnnxEngine(made.folder / "model.json", model_id="int4", context_tokens=1024)
    found = agreement(llama, engine, [ask(question) for question in QUESTIONS])
    engine.close()
    assert found.mean_divergence < 0.12
    assert found.same_first >= 0.6


def test_text_is_cut_into_the_same_tokens(
    engine: OnnxEngine, llama: LlamaEngine, root: Path
) -> None:
    texts = [file.read_text() for file in sorted((root / "docs").glob("*.md"))]
    texts += [
        "日本語 한국어 مرحبا 😀👩‍👩‍👧 Grüße e\u0301 ﬁ",
        "1234567 ½ ² ٣",
        "  \n\n \t x \r\n",
        "I'LL they've",
    ]
    texts += ["<|im_start|>user\nhi<|im_end|>", "", "\x00\x01", "a" * 700, "\u00a0\u3000\u200b"]
    for text in texts:
        for special in (True, False):
            expected = llama._native.tokenize(text, special=special)
            assert engine._native.tokenize(text, special=special) == expected
    prompt = ask("hello", "Hi there.", "how are you?")
    assert engine._encode(prompt) == llama._encode(prompt)


def test_the_second_turn_reads_only_what_is_new(engine: OnnxEngine) -> None:
    first = write(engine, ask("What is the capital of France?"))
    assert "Paris" in first
    before = engine.stats.prompt_tokens
    write(engine, ask("What is the capital of France?", first, "And of Spain?"))
    assert engine.stats.reused_tokens >= before


def test_what_follows_a_dropped_turn_is_moved_not_read_again(engine: OnnxEngine) -> None:
    old = ["Tell me about rivers, please.", "Rivers carry water from the mountains to the sea."]
    kept = [
        "What did the captain of the ship see in the morning?",
        "The captain saw three white birds and a green island far away in the north.",
        "And what did he do when he had seen the island and the birds?",
        "He turned the ship to the north and sailed until the evening came.",
    ]
    write(engine, ask(*old, *kept, "Who was it?"))
    moved = write(engine, ask(*kept, "What color were the birds?"))
    static = engine.count_tokens(RULES.content)
    assert engine.stats.reused_tokens > static + engine.count_tokens(" ".join(kept)) * 0.8
    assert moved.strip()


def test_a_reply_in_clean_sentences(engine: OnnxEngine, root: Path) -> None:
    persona = PersonaFile(root / "models" / "personas" / "default.yaml")
    talker = LanguageTalker(lambda: engine, persona, model_id="int8", sampling={"seed": 1})
    sentences = list(talker.reply(Turn(), "what is the capital of italy"))
    talker.close()
    assert sentences
    assert not any(mark in " ".join(sentences) for mark in ("**", "<|", "\n", "#"))


def test_the_settings_choose_it(
    engine: OnnxEngine, folder: Path, assembly: Assembly, tmp_path: Path
) -> None:
    """From ``llm.model`` by way of catalogue and plan to the engine: as ``edgebot ask`` does it."""
    settings = assembly.settings
    source = assembly.model("llm").entry
    made = Exported(folder / "eight", engine._native.description)
    entry = catalog_entry.make_entry("mine", made, source)
    catalog_entry.install(entry, made.folder, tmp_path, load_catalog(catalog_files(tmp_path)))
    wanted = settings.model_copy(
        update={
            "models_dir": tmp_path,
            "llm": settings.llm.model_copy(update={"model": "mine", "context_tokens": 512}),
        }
    )
    with Assembly(wanted) as wired:
        assert wired.model("llm").entry.engine in LLM.names
        model = wired.language_model()
        assert isinstance(model, OnnxEngine)
        assert model.context_tokens == 512
        assert not wired.talker().can_call
        pieces = model.generate(ask("What is the capital of Italy?"), GREEDY, Cancellation())
        assert "Rome" in "".join(pieces)
