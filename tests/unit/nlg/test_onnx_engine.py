"""The onnx engine on a tiny model: kept state, cancellation, what is written, bad files."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgebot.build.onnx_export import export
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ConfigError, EngineError, OutOfMemory
from edgebot.core.language import Generation, Message
from edgebot.nlg.onnx import OnnxEngine
from edgebot.nlg.onnx_native import past_names
from tests.unit.build.tiny import LAYERS, write_gguf

GREEDY = Generation(max_tokens=12, temperature=0.0, repeat_penalty=1.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    return export(write_gguf(folder / "tiny.gguf"), folder / "out", 8).folder


Opener = Callable[..., OnnxEngine]


@pytest.fixture
def open_engine(made: Path) -> Iterator[Opener]:
    opened: list[OnnxEngine] = []

    def opener(folder: Path = made, **options: Any) -> OnnxEngine:
        wanted = {"model_id": "tiny", "threads": 1, "context_tokens": 256, **options}
        opened.append(OnnxEngine(folder / "model.json", **wanted))
        return opened[-1]

    yield opener
    for engine in opened:
        engine.close()


def ask(*words: str) -> list[Message]:
    roles = ("user", "assistant")
    return [Message(roles[at % 2], text) for at, text in enumerate(words)]  # type: ignore[arg-type]


def write(engine: OnnxEngine, messages: list[Message], options: Generation = GREEDY) -> str:
    return "".join(engine.generate(messages, options, Cancellation()))


# --- kept state


def test_later_turns_read_only_what_is_new(open_engine: Opener) -> None:
    engine = open_engine()
    write(engine, ask("the other"))
    before = engine.stats.prompt_tokens
    write(engine, ask("the other", "one", "and"))
    assert engine.stats.reused_tokens == before  # all that was read; another reply was written
    assert engine.stats.prompt_tokens > before


def test_kept_state_does_not_change_the_answer(open_engine: Opener) -> None:
    engine = open_engine()
    questions = ["the one", "in the sea", "the one"]
    assert [write(engine, ask(q)) for q in questions] == [
        write(open_engine(), ask(q)) for q in questions
    ]


def test_the_static_part_survives_a_restart(open_engine: Opener, tmp_path: Path) -> None:
    rules = [Message("system", "in the other sea")]
    first = open_engine(prefix_dir=tmp_path)
    computed = first.warm(rules)
    answer = write(first, [*rules, *ask("the")])
    second = open_engine(prefix_dir=tmp_path)
    loaded = second.warm(rules)
    assert (computed.reused_tokens, loaded.reused_tokens) == (0, computed.prompt_tokens)
    assert write(second, [*rules, *ask("the")]) == answer
    assert second.stats.reused_tokens == loaded.prompt_tokens
    other = open_engine(prefix_dir=tmp_path, fingerprint="another")
    assert other.warm(rules).reused_tokens == 0


def test_a_state_of_another_size_is_not_taken(open_engine: Opener) -> None:
    native = open_engine()._native
    assert not native.restore(b"\0" * 7)
    assert not native.restore(b"\0" * (native.description.geometry.state_bytes_per_token * 257))


def test_keys_behind_a_gap_are_turned_to_their_new_place(open_engine: Opener) -> None:
    """The first layer's keys depend on token and position alone, so there it must be exact."""
    engine = open_engine()
    native = engine._native
    tokens = engine._encode(ask("a b c d e f g h i j"))
    engine.state.append([*tokens[:5], *tokens[:7], *tokens[5:]])
    native.forget(5, 12)
    native.close_gap(12, 7)
    moved = native._state[0, 0, :, : len(tokens)].copy()
    engine.state.forget()
    engine.state.append(tokens)
    assert np.allclose(native._state[0, 0, :, : len(tokens)], moved, atol=1e-4)


# --- cancellation


def test_a_prefill_ends_between_two_nodes_and_the_next_turn_works(open_engine: Opener) -> None:
    engine = open_engine(context_tokens=512, batch_tokens=400)
    cancellation = Cancellation()
    real = engine._native._session

    class Cancelling:
        """Cancels when the run has begun."""

        def run_with_iobinding(self, binding: Any, options: Any) -> None:
            threading.Timer(0.0, cancellation.cancel).start()
            while not cancellation.is_set:
                pass
            real.run_with_iobinding(binding, options)

    engine._native._session = Cancelling()
    assert list(engine.generate(ask("a b c d " * 100), GREEDY, cancellation)) == []
    assert engine.stats.finish == "cancelled"
    assert engine.state.tokens == []
    engine._native._session = real
    assert write(engine, ask("the one")) == write(open_engine(), ask("the one"))


def test_writing_stops_at_the_next_token(open_engine: Opener) -> None:
    engine, cancellation = open_engine(), Cancellation()
    pieces = engine.generate(ask("the"), Generation(100, 1.0, seed=3), cancellation)
    next(pieces)
    cancellation.cancel()
    assert list(pieces) == []
    assert engine.stats.finish == "cancelled"


def test_cancelled_before_it_began(open_engine: Opener) -> None:
    engine, cancellation = open_engine(), Cancellation()
    cancellation.cancel()
    assert list(engine.generate(ask("the"), GREEDY, cancellation)) == []
    assert engine.stats.finish == "cancelled"


# --- what is written


def test_seeds_make_replies_repeatable(open_engine: Opener) -> None:
    engine = open_engine()
    told = [write(engine, ask("the"), Generation(20, 1.5, seed=seed)) for seed in (1, 1, 2)]
    assert told[0] == told[1] != told[2]


def test_stop_texts_end_the_reply(open_engine: Opener) -> None:
    engine = open_engine()
    free = Generation(30, 1.0, top_p=1.0, min_p=0.0, seed=5)
    whole = write(engine, ask("the"), free)
    stop = whole[len(whole) // 2 :][:2]
    held = Generation(30, 1.0, top_p=1.0, min_p=0.0, seed=5, stop=(stop,))
    assert write(engine, ask("the"), held) == whole[: whole.index(stop)]


def test_an_endless_model_is_stopped(open_engine: Opener) -> None:
    engine = open_engine()
    engine._native._ends = frozenset()
    write(engine, ask("the"), Generation(10_000, 0.0, repeat_penalty=1.0))
    assert engine.stats.finish in ("loop", "length")
    assert len(engine.state.tokens) <= 256


def test_a_hundred_kilobytes_of_words(open_engine: Opener) -> None:
    engine = open_engine()
    write(engine, ask("the other one " * 8000))
    assert engine.stats.prompt_tokens <= 256


@pytest.mark.parametrize("text", ["", "\x00", "مرحبا", "🎉" * 50, "\ud800", "<|im_end|>" * 9])
def test_takes_any_words(open_engine: Opener, text: str) -> None:
    engine = open_engine()
    write(engine, ask(text))
    assert engine.stats.finish in ("stop", "length", "loop")


def test_control_tokens_cannot_be_spoken(open_engine: Opener) -> None:
    engine = open_engine()
    assert engine._encode(ask("a<|im_end|>b")).count(1) == engine._encode(ask("ab")).count(1)


def test_a_grammar_ends_the_turn_only(open_engine: Opener) -> None:
    engine = open_engine()
    with pytest.raises(EngineError, match="no grammars"):
        write(engine, ask("the"), Generation(grammar='root ::= "x"'))
    write(engine, ask("the"))
    assert engine.stats.finish


# --- refused before loading


def test_a_context_longer_than_the_models(open_engine: Opener) -> None:
    with pytest.raises(ConfigError, match="looks back 512"):
        open_engine(context_tokens=513)


def test_too_little_memory(open_engine: Opener, made: Path, tmp_path: Path) -> None:
    broken = copied(made, tmp_path)
    size = (broken / "model.onnx").stat().st_size
    (broken / "model.onnx").write_bytes(b"\0" * size)  # nobody has looked at it yet
    with pytest.raises(OutOfMemory, match=r"about \d+ MB and the profile grants 50 MB"):
        open_engine(broken, memory_bytes=50_000_000)


# --- bad files


def copied(made: Path, folder: Path) -> Path:
    for path in made.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change ``model.json``, sizes as they are now."""
    file = folder / "model.json"
    data = json.loads(file.read_text())
    for name, facts in data["files"].items():
        facts["size"] = (folder / name).stat().st_size
    change(data)
    file.write_text(json.dumps(data))


@pytest.mark.parametrize("name", ["tokenizer.json", "model.onnx", "model.onnx.data"])
def test_a_missing_or_cut_file_is_named(
    made: Path, tmp_path: Path, open_engine: Opener, name: str
) -> None:
    folder = copied(made, tmp_path)
    (folder / name).write_bytes((folder / name).read_bytes()[:-9])
    with pytest.raises(EngineError, match=rf"{name}: \d+ bytes of"):
        open_engine(folder)
    (folder / name).unlink()
    with pytest.raises(EngineError, match=rf"{name}: belongs to the model and is not there"):
        open_engine(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "model.onnx"])
def test_a_damaged_file_is_named(
    made: Path, tmp_path: Path, open_engine: Opener, name: str
) -> None:
    folder = copied(made, tmp_path)
    (folder / name).write_bytes(b"\x7f" * (folder / name).stat().st_size)
    with pytest.raises(EngineError, match=name):
        open_engine(folder)


def test_weights_that_are_no_numbers_end_the_turn_only(
    made: Path, tmp_path: Path, open_engine: Opener
) -> None:
    folder = copied(made, tmp_path)
    data = folder / "model.onnx.data"
    data.write_bytes(b"\xff" * data.stat().st_size)
    engine = open_engine(folder)
    for _ in range(2):
        with pytest.raises(EngineError, match="NaN"):
            write(engine, ask("the"))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "\x00", '{"format": 1}', '{"files": 3}', "null", "[" * 5000]
)
def test_a_description_that_is_none(
    made: Path, tmp_path: Path, open_engine: Opener, text: str
) -> None:
    folder = copied(made, tmp_path)
    (folder / "model.json").write_text(text)
    with pytest.raises(EngineError, match=r"model\.json"):
        open_engine(folder)


def test_a_description_of_a_later_format(made: Path, tmp_path: Path, open_engine: Opener) -> None:
    folder = copied(made, tmp_path)
    rewrite(folder, lambda data: data.update(format=2))
    with pytest.raises(EngineError, match="format 2"):
        open_engine(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("kv_heads", 4), ("head_width", 64), ("layers", 3), ("layers", 1), ("vocabulary", 300)],
)
def test_a_geometry_that_is_not_the_graphs(
    made: Path, tmp_path: Path, open_engine: Opener, key: str, value: int
) -> None:
    folder = copied(made, tmp_path)
    rewrite(folder, lambda data: data["geometry"].update({key: value}))
    with pytest.raises(EngineError, match=r"model\.onnx"):
        open_engine(folder)


@pytest.mark.parametrize(
    ("key", "value"), [("kv_heads", 3), ("layers", 0), ("heads", "4"), ("layers", True), ("x", 1)]
)
def test_an_impossible_geometry(
    made: Path, tmp_path: Path, open_engine: Opener, key: str, value: object
) -> None:
    folder = copied(made, tmp_path)
    rewrite(folder, lambda data: data["geometry"].update({key: value}))
    with pytest.raises(EngineError, match="does not describe"):
        open_engine(folder)


def test_a_model_without_past_is_refused(made: Path, tmp_path: Path, open_engine: Opener) -> None:
    """A graph that computes every prompt from its beginning: what plain exporters give."""
    folder = copied(made, tmp_path)
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    past = {name for names in past_names(LAYERS) for name in names[:2]}
    kept = [one for one in model.graph.input if one.name not in past]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    scores = [one for one in model.graph.output if one.name not in past]
    del model.graph.output[:]
    model.graph.output.extend(scores)
    for node in model.graph.node:
        if node.op_type == "GroupQueryAttention":
            node.input[3] = node.input[4] = ""
    onnx.save_model(model, str(folder / "model.onnx"))
    rewrite(folder, lambda data: None)
    with pytest.raises(EngineError, match=r"past_key_values\.0\.key|cannot load"):
        open_engine(folder)


def test_the_next_turn_works_after_the_runtime_failed(open_engine: Opener) -> None:
    engine = open_engine()
    real = engine._native._session

    class Failing:
        def run_with_iobinding(self, *_: object) -> None:
            raise ValueError("out of something\nand a stack")

    engine._native._session = Failing()
    with pytest.raises(EngineError, match="out of something"):
        write(engine, ask("the"))
    engine._native._session = real
    assert write(engine, ask("the")) == write(open_engine(), ask("the"))
