"""The llama engine with real weights: kept state, cancellation, grammar, bad files."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ConfigError, EngineError, OutOfMemory
from edgebot.core.language import Generation, Message, Tool, ToolParameter
from edgebot.nlg.gguf_header import read_header
from edgebot.nlg.llama import LlamaEngine
from edgebot.nlg.tools import read_call, tool_grammar
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines

RULES = Message("system", "You are a voice assistant. Answer in one short sentence.")
GREEDY = Generation(max_tokens=24, temperature=0.0, repeat_penalty=1.0)


def ask(*words: str) -> list[Message]:
    """A conversation: what the person said and what was answered, in turns."""
    roles = ("user", "assistant")
    return [RULES, *(Message(roles[at % 2], text) for at, text in enumerate(words))]  # type: ignore[arg-type]


def write(engine: LlamaEngine, messages: list[Message], options: Generation = GREEDY) -> str:
    return "".join(engine.generate(messages, options, Cancellation()))


@pytest.fixture(scope="module")
def weights(assembly: Assembly) -> Path:
    return assembly.model("llm").files["model"]


Opener = Callable[..., LlamaEngine]


@pytest.fixture
def open_engine(weights: Path) -> Iterator[Opener]:
    opened: list[LlamaEngine] = []

    def opener(path: Path = weights, **options: object) -> LlamaEngine:
        wanted = {"model_id": "small", "context_tokens": 1024, **options}
        opened.append(LlamaEngine(path, **wanted))  # type: ignore[arg-type]
        return opened[-1]

    yield opener
    for engine in opened:
        engine.close()


@pytest.fixture(scope="module")
def engine(weights: Path) -> Iterator[LlamaEngine]:
    opened = LlamaEngine(weights, model_id="small", context_tokens=1024)
    yield opened
    opened.close()


# --- kept state


def test_the_second_turn_reads_only_what_is_new(engine: LlamaEngine) -> None:
    first = write(engine, ask("What is the capital of France?"))
    before = engine.stats.prompt_tokens
    write(engine, ask("What is the capital of France?", first, "And of Spain?"))
    assert engine.stats.reused_tokens >= before
    new = engine.count_tokens("And of Spain?") + engine.count_tokens(first)
    assert engine.stats.prompt_tokens - engine.stats.reused_tokens <= new + 12


def test_kept_state_does_not_change_the_answer(engine: LlamaEngine, open_engine: Opener) -> None:
    questions = ["Why is the sky blue?", "Name a planet.", "Why is the sky blue?"]
    used = [write(engine, ask(question)) for question in questions]
    fresh = [write(open_engine(), ask(question)) for question in questions]
    assert used == fresh


def test_what_follows_a_dropped_turn_is_moved_not_read_again(engine: LlamaEngine) -> None:
    old = ["Tell me about rivers, please.", "Rivers carry water from the mountains to the sea."]
    kept = [
        "What did the captain of the ship see in the morning?",
        "The captain saw three white birds and a green island far away in the north.",
        "And what did he do when he had seen the island and the birds?",
        "He turned the ship to the north and sailed until the evening came.",
    ]
    write(engine, ask(*old, *kept, "Who was it?"))
    write(engine, ask(*kept, "Who was it?"))
    static = engine.count_tokens(RULES.content)
    assert engine.stats.reused_tokens > static + engine.count_tokens(" ".join(kept)) * 0.8
    moved = write(engine, ask(*kept, "What color were the birds?"))
    assert moved.strip()


def test_what_was_heard_so_far_is_read_ahead(engine: LlamaEngine) -> None:
    heard = "please tell me how far away from the earth"
    ahead = engine.prefill(ask(heard), Cancellation(), open_end=True)
    write(engine, ask(heard + " the moon is"))
    assert ahead.prompt_tokens > engine.count_tokens(heard)
    assert engine.stats.reused_tokens == ahead.prompt_tokens


def test_a_begun_reply_is_gone_on_with(engine: LlamaEngine) -> None:
    whole = write(engine, ask("What is the capital of Italy?"))
    begun = whole[: len(whole) // 2]
    rest = write(engine, [*ask("What is the capital of Italy?"), Message("assistant", begun)])
    assert rest.strip()
    assert not rest.startswith(begun)


def test_the_static_part_survives_a_restart(open_engine: Opener, tmp_path: Path) -> None:
    static = [RULES, Message("user", "hi"), Message("assistant", "Hello.")]
    first = open_engine(prefix_dir=tmp_path)
    computed = first.warm(static)
    assert (computed.reused_tokens, len(list(tmp_path.iterdir()))) == (0, 1)
    question = [*static, Message("user", "What is the capital of Italy?")]
    answer = write(first, question)

    second = open_engine(prefix_dir=tmp_path)
    loaded = second.warm(static)
    assert loaded.reused_tokens == loaded.prompt_tokens == computed.prompt_tokens
    assert write(second, question) == answer
    assert second.stats.reused_tokens == loaded.prompt_tokens


def test_after_other_work_the_static_part_comes_from_memory(open_engine: Opener) -> None:
    engine = open_engine()
    static = engine.warm([RULES])
    write(engine, [Message("system", "Something else."), Message("user", "hi")])
    write(engine, ask("hello"))
    assert engine.stats.reused_tokens >= static.prompt_tokens


def test_a_stale_or_damaged_state_is_built_again(open_engine: Opener, tmp_path: Path) -> None:
    open_engine(prefix_dir=tmp_path, fingerprint="a").warm([RULES])
    file = next(tmp_path.iterdir())
    assert open_engine(prefix_dir=tmp_path, fingerprint="b").warm([RULES]).reused_tokens == 0
    assert (
        open_engine(prefix_dir=tmp_path, fingerprint="a", context_tokens=512)
        .warm([RULES])
        .reused_tokens
        == 0
    )
    data = bytearray(file.read_bytes())
    data[-100] ^= 255
    file.write_bytes(data)
    again = open_engine(prefix_dir=tmp_path, fingerprint="a")
    assert again.warm([RULES]).reused_tokens == 0
    assert write(again, ask("hello")).strip()


# --- cancellation


class WhenReading(Cancellation):
    """Cancels itself from another thread as soon as a part of the prompt has been read."""

    def __init__(self, engine: LlamaEngine, tokens: int) -> None:
        super().__init__()
        self._engine, self._tokens = engine, tokens
        self.thread = threading.Thread(target=self._watch)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        super().on_cancel(callback)
        if not self.thread.is_alive() and not self.is_set:
            self.thread.start()

    def _watch(self) -> None:
        while len(self._engine.state.tokens) < self._tokens:
            pass
        self.cancel()


def test_a_prefill_is_cancelled_in_the_middle_and_the_next_turn_works(open_engine: Opener) -> None:
    engine, fresh = open_engine(batch_tokens=32), open_engine()
    cancellation = WhenReading(engine, 64)
    long = ask("one two three four five six seven eight " * 70)
    assert list(engine.generate(long, GREEDY, cancellation)) == []
    cancellation.thread.join()
    assert engine.stats.finish == "cancelled"
    assert engine.stats.prompt_tokens > 500
    assert 64 <= len(engine.state.tokens) < engine.stats.prompt_tokens
    assert write(engine, ask("What is the capital of Italy?")) == write(
        fresh, ask("What is the capital of Italy?")
    )


def test_writing_stops_at_the_next_token(engine: LlamaEngine) -> None:
    cancellation = Cancellation()
    pieces = engine.generate(ask("Tell me a long story."), GREEDY, cancellation)
    next(pieces)
    cancellation.cancel()
    assert list(pieces) == []
    assert engine.stats.finish == "cancelled"
    assert engine.stats.reply_tokens <= 2


def test_a_generator_that_is_closed_frees_the_model(engine: LlamaEngine) -> None:
    pieces = engine.generate(ask("Tell me a long story."), GREEDY, Cancellation())
    next(pieces)
    pieces.close()
    assert write(engine, ask("hello")).strip()


def test_two_threads_take_turns(engine: LlamaEngine) -> None:
    questions = ["What is the capital of France?", "Name a fruit.", "Say hello."]
    alone = [write(engine, ask(question)) for question in questions]
    found: dict[int, str] = {}

    def work(at: int) -> None:
        found[at] = write(engine, ask(questions[at]))

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[at] for at in range(len(questions))] == alone


# --- what is written


def test_letters_of_several_bytes_arrive_whole(engine: LlamaEngine) -> None:
    words = "Grüße 😀 日本語"
    options = Generation(max_tokens=60, grammar=f'root ::= "{words}"')
    pieces = list(engine.generate(ask("hello"), options, Cancellation()))
    assert "".join(pieces) == words
    assert not any("\ufffd" in piece for piece in pieces)


LIGHT = Tool(
    "light",
    "Switches a light.",
    (
        ToolParameter("room", choices=("kitchen", 'the "den"', "büro")),
        ToolParameter("on", kind="boolean"),
        ToolParameter("level", kind="integer", required=False),
        ToolParameter("note", required=False),
    ),
)
WAIT = Tool("wait", "Waits.", (ToolParameter("hours", kind="number", required=False),))


@pytest.mark.parametrize("seed", range(12))
def test_calls_are_always_well_formed(engine: LlamaEngine, seed: int) -> None:
    grammar = tool_grammar([LIGHT, WAIT]).replace("root ::= call | text", "root ::= call")
    options = Generation(
        max_tokens=300, temperature=1.5, top_p=1.0, min_p=0.0, seed=seed, grammar=grammar
    )
    text = write(engine, ask("turn on the light in the kitchen"), options)
    if engine.stats.finish != "stop":
        pytest.skip("the random call was longer than 300 tokens")
    call = read_call(text)
    assert call is not None, text
    allowed = {tool.name: tool for tool in (LIGHT, WAIT)}[call.name]
    for parameter in allowed.parameters:
        value = call.arguments.get(parameter.name)
        if parameter.required:
            assert value is not None, text
        if parameter.choices and value is not None:
            assert value in parameter.choices
    assert json.dumps(call.arguments)


def test_a_wrong_grammar_is_an_error_and_the_next_turn_works(engine: LlamaEngine) -> None:
    with pytest.raises(EngineError, match="grammar"):
        write(engine, ask("hello"), Generation(grammar="root ::= ("))
    assert write(engine, ask("hello")).strip()


def test_seeds_make_replies_repeatable(engine: LlamaEngine) -> None:
    def told(seed: int) -> str:
        return write(engine, ask("Tell me a story."), Generation(20, 1.2, seed=seed))

    assert told(1) == told(1)
    assert len({told(seed) for seed in range(4)}) > 1


def test_an_endless_model_is_stopped(engine: LlamaEngine) -> None:
    endless = Generation(max_tokens=50, temperature=0, grammar='root ::= ("ha " | "ho " | "hu ")+')
    write(engine, ask("laugh"), endless)
    assert engine.stats.finish in ("length", "loop")
    assert engine.stats.reply_tokens <= 50


def test_a_loop_is_noticed(engine: LlamaEngine) -> None:
    endless = Generation(
        max_tokens=400, temperature=0, repeat_penalty=1.0, grammar='root ::= "ha "+'
    )
    write(engine, ask("laugh"), endless)
    assert engine.stats.finish == "loop"
    assert engine.stats.reply_tokens < 100


def test_stop_texts_end_the_reply(engine: LlamaEngine) -> None:
    options = Generation(max_tokens=40, stop=("three",), grammar='root ::= "one two three four"')
    assert write(engine, ask("count"), options) == "one two "


# --- too much


def test_a_hundred_kilobytes_of_words(engine: LlamaEngine) -> None:
    assert write(engine, ask("why is the sky blue " * 5000)).strip()
    assert engine.stats.prompt_tokens <= engine.context_tokens


def test_the_oldest_turns_make_room(engine: LlamaEngine) -> None:
    talk = [
        word for at in range(60) for word in (f"Question {at} about the weather?", "It rains. " * 4)
    ]
    assert write(engine, ask(*talk, "hello")).strip()
    assert engine.stats.dropped_messages > 0
    assert engine.stats.dropped_messages % 2 == 0


@pytest.mark.parametrize(
    "text", ["", " ", "\x00\x01\x02", "مرحبا كيف حالك", "🎉" * 200, "\ud800", "<|im_end|>" * 20]
)
def test_takes_any_words(engine: LlamaEngine, text: str) -> None:
    write(engine, ask(text))
    assert engine.stats.finish in ("stop", "length", "loop")


def test_control_tokens_cannot_be_spoken(engine: LlamaEngine) -> None:
    native = engine._native
    end = native.tokenize("<|im_end|>", special=True)
    assert len(end) == 1
    said = engine._encode(ask("a<|im_end|>b"))
    assert said.count(end[0]) == engine._encode(ask("a b")).count(end[0])


# --- bad files


def test_a_context_longer_than_the_models_is_refused(open_engine: Opener) -> None:
    with pytest.raises(ConfigError, match="looks back 8192"):
        open_engine(context_tokens=10_000)


def test_too_little_memory_is_refused_before_loading(open_engine: Opener) -> None:
    with pytest.raises(OutOfMemory, match=r"about \d+ MB and the profile grants 50 MB"):
        open_engine(memory_bytes=50_000_000)


def damaged(weights: Path, path: Path, change: Callable[[bytearray], None]) -> Path:
    data = bytearray(weights.read_bytes())
    change(data)
    path.write_bytes(data)
    return path


def test_a_foreign_architecture_is_named(
    weights: Path, tmp_path: Path, open_engine: Opener
) -> None:
    def rename(data: bytearray) -> None:
        head = data[:8_000_000].replace(b"llama", b"lzzma")
        data[: len(head)] = head

    with pytest.raises(EngineError, match=r"lzzma"):
        open_engine(damaged(weights, tmp_path / "m.gguf", rename))


def test_a_file_that_is_cut_short_is_named(
    weights: Path, tmp_path: Path, open_engine: Opener
) -> None:
    def cut(data: bytearray) -> None:
        del data[len(data) // 2 :]

    with pytest.raises(EngineError, match="cut short"):
        open_engine(damaged(weights, tmp_path / "m.gguf", cut))


def test_a_tensor_that_is_missing_is_named(
    weights: Path, tmp_path: Path, open_engine: Opener
) -> None:
    def rename(data: bytearray) -> None:
        at = data.index(b"blk.7.attn_k.weight")
        data[at : at + 5] = b"blk.x"

    with pytest.raises(EngineError, match="cannot load"):
        open_engine(damaged(weights, tmp_path / "m.gguf", rename))


def test_weights_that_are_no_numbers_end_the_turn_only(
    weights: Path, tmp_path: Path, open_engine: Opener, engine: LlamaEngine
) -> None:
    begin = weights.stat().st_size - read_header(weights).weights_bytes

    def poison(data: bytearray) -> None:
        for at in range(begin, len(data) - 2, 4099):  # scales of quantized blocks become NaN
            data[at : at + 2] = b"\xff\x7f"
            data[at + 1 : at + 3] = b"\xff\x7f"

    broken = open_engine(damaged(weights, tmp_path / "m.gguf", poison))
    with pytest.raises(EngineError, match="NaN"):
        write(broken, ask("hello"))
    with pytest.raises(EngineError, match="NaN"):
        write(broken, ask("hello again"))
    assert write(engine, ask("hello")).strip()


def test_a_model_without_a_chat_template_is_refused(
    weights: Path, tmp_path: Path, open_engine: Opener
) -> None:
    def rename(data: bytearray) -> None:
        at = data.index(b"tokenizer.chat_template")
        data[at : at + 9] = b"tokenizex"

    with pytest.raises(EngineError, match="no chat template"):
        open_engine(damaged(weights, tmp_path / "m.gguf", rename))
