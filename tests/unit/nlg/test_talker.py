"""The talker: budget, drafts, cleaning, failures, safety, cancellation."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EngineError, ModelMissing
from edgebot.core.knowledge import Passage
from edgebot.core.language import (
    FixedAnswer,
    Generation,
    GenerationStats,
    Message,
    Tool,
    ToolCall,
    ToolResult,
    Ungrounded,
)
from edgebot.core.turn import Turn
from edgebot.nlg.draft import Draft
from edgebot.nlg.pace import Limits, Pace
from edgebot.nlg.persona import PersonaFile
from edgebot.nlg.talker import LanguageTalker
from tests.unit.nlg.fakes import Clock, FakeModel

PERSONA = """
name: Otto
style: Be brief.
examples: [{user: hi, assistant: Hello.}]
sentences: 2
fillers: [Let me think.]
"""


@pytest.fixture
def persona(tmp_path: Path) -> PersonaFile:
    path = tmp_path / "otto.yaml"
    path.write_text(PERSONA)
    return PersonaFile(path)


def talker(model: FakeModel, persona: PersonaFile, **options: Any) -> LanguageTalker:
    return LanguageTalker(lambda: model, persona, model_id="fake", **options)


def say(talk: LanguageTalker, text: str = "hello there", **options: Any) -> list[str]:
    return list(talk.reply(Turn(), text, **options))


def test_the_prompt_is_static_part_history_question(persona: PersonaFile) -> None:
    model = FakeModel("Fine.")
    history = [Message("user", "a"), Message("assistant", "Let me think. b")]
    assert say(talker(model, persona), history=history) == ["Fine."]
    assert [(m.role, m.content) for m in model.prompts[0]] == [
        ("system", "Be brief."),
        ("user", "hi"),
        ("assistant", "Hello."),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "hello there"),
    ]
    assert model.warmed == [model.prompts[0][:3]]


def test_says_no_more_sentences_than_the_persona(persona: PersonaFile) -> None:
    model = FakeModel("This is one sentence. This is number two. This is three.")
    assert say(talker(model, persona)) == ["This is one sentence.", "This is number two."]


def test_the_lead_of_a_list_does_not_count(persona: PersonaFile) -> None:
    model = FakeModel(
        "Here they are:\n1. Mars.\n2. Venus.\n3. Earth.\n4. The Moon of ours.\n5. Sun."
    )
    assert say(talker(model, persona)) == [
        "Here they are.",
        "Mars.",
        "Venus.",
        "Earth.",
        "The Moon of ours.",
    ]


def test_a_torn_sentence_is_not_spoken(persona: PersonaFile) -> None:
    model = FakeModel("This is one sentence. And" + " so it goes on" * 40)
    talk = talker(model, persona, limits=Limits(max_tokens=24))
    assert say(talk) == ["This is one sentence."]
    assert talk.record.notes


def test_if_there_is_nothing_else_a_torn_sentence_is_mended(persona: PersonaFile) -> None:
    model = FakeModel("The sky is blue, " + "because of the light " * 60)
    assert say(talker(model, persona, limits=Limits(max_tokens=24))) == ["The sky is blue,"]


def test_ends_with_the_sentence_at_hand_when_time_is_up(persona: PersonaFile) -> None:
    clock = Clock()

    def slow(_: Sequence[Message]) -> str:
        clock.now = 100.0
        return "This is one sentence. This is number two."

    assert say(talker(FakeModel(slow), persona, clock=clock)) == ["This is one sentence."]


def test_a_slow_board_speaks_a_filler_first(persona: PersonaFile) -> None:
    pace = Pace()
    pace.observe(GenerationStats(prompt_tokens=50, prefill_s=10, reply_tokens=50, decode_s=25))
    talk = talker(FakeModel("Fine."), persona, pace=pace)
    assert say(talk) == ["Let me think.", "Fine."]


@pytest.mark.parametrize("script", ["", "```\ncode\n```", "🎉", "https://a.example", "User: me"])
def test_nothing_to_speak_is_an_error(persona: PersonaFile, script: str) -> None:
    with pytest.raises(EngineError, match="nothing that could be spoken"):
        say(talker(FakeModel(script), persona))


def test_a_failure_before_the_first_sentence_is_raised_and_the_next_turn_works(
    persona: PersonaFile,
) -> None:
    model = FakeModel("One two three.", fail_after=1)
    talk = talker(model, persona)
    with pytest.raises(EngineError, match="broke"):
        say(talk)
    model.fail_after = None
    assert say(talk) == ["One two three."]


def test_a_failure_later_ends_the_reply(persona: PersonaFile) -> None:
    talk = talker(FakeModel("This is one. Two is lost.", fail_after=4), persona)
    assert say(talk) == ["This is one."]
    assert "broken off" in talk.record.notes[-1]


def test_a_missing_model_is_told_when_it_is_needed(persona: PersonaFile) -> None:
    def missing() -> FakeModel:
        raise ModelMissing("run `edgebot models pull`")

    talk = LanguageTalker(missing, persona, model_id="fake")
    with pytest.raises(ModelMissing):
        say(talk)


class Careful:
    def check(self, text: str) -> FixedAnswer | None:
        return FixedAnswer("fire", "Call 112.") if "fire" in text else None


def test_safety_topics_are_answered_without_the_model(persona: PersonaFile) -> None:
    model = FakeModel("Burn it.")
    talk = talker(model, persona, guard=Careful())
    assert say(talk, "there is fire") == ["Call 112."]
    assert model.prompts == []
    assert say(talk, "hello") == ["Burn it."]


def test_ends_quietly_when_cancelled(persona: PersonaFile) -> None:
    model, turn = FakeModel("This is one. This is two."), Turn()
    replies = talker(model, persona).reply(turn, "hello")
    assert next(replies) == "This is one."
    turn.cancel()
    assert list(replies) == []


def test_a_changed_persona_counts_from_the_next_turn(persona: PersonaFile, tmp_path: Path) -> None:
    model = FakeModel("Fine.")
    talk = talker(model, persona)
    say(talk)
    (tmp_path / "otto.yaml").write_text(PERSONA.replace("Be brief.", "Be very brief."))
    say(talk)
    assert model.prompts[1][0].content == "Be very brief."
    assert len(model.warmed) == 2


def test_passages_go_into_the_prompt_as_many_as_can_be_read(persona: PersonaFile) -> None:
    pace = Pace()
    pace.observe(GenerationStats(prompt_tokens=50, prefill_s=5, reply_tokens=50, decode_s=1))
    model = FakeModel("Fine.")
    talk = talker(model, persona, pace=pace, limits=Limits(reading_s=5, filler_after_s=60))
    passages = [Passage(at, "", "", f"note {at} " * 30, 0.3, 1, 1) for at in range(5)]
    assert say(talk, passages=passages) == ["Fine."]
    assert talk.record.passages == 1
    assert '"""note 0' in model.prompts[0][-1].content


HEATING = Passage(1, "", "h.md", "The heating turns off at 10 pm.", 0.9, 1, 1)


def test_an_answer_that_the_passages_bear_out_is_spoken(persona: PersonaFile) -> None:
    model = FakeModel("The heating turns off at 10 pm. It was built by elves.")
    talk = talker(model, persona, can_call=True)
    assert say(talk, passages=[HEATING], toolbox=Box(2)) == ["The heating turns off at 10 pm."]
    assert model.prompts[0][-1].content.startswith('Text:\n"""The heating')
    assert model.options[0].temperature == 0
    assert model.options[0].grammar is None


@pytest.mark.parametrize("script", ["It turns off at 11 pm.", "I don't know.", "Elves do that."])
def test_an_answer_that_they_do_not_bear_out_is_refused(persona: PersonaFile, script: str) -> None:
    with pytest.raises(Ungrounded):
        say(talker(FakeModel(script), persona), passages=[HEATING])


def test_passages_that_hardly_fit_are_only_hints(persona: PersonaFile) -> None:
    hint = Passage(1, "", "h.md", "The heating turns off at 10 pm.", 0.3, 1, 1)
    assert say(talker(FakeModel("Elves do that."), persona), passages=[hint]) == ["Elves do that."]


class Box:
    def __init__(self, count: int) -> None:
        self.tools = [Tool(f"tool{at}", "Does something of use.") for at in range(count)]

    def call(self, turn: Turn, call: ToolCall) -> ToolResult:
        return ToolResult(f"{call.name} was done.", spoken=True)


def test_a_model_that_may_call_is_given_the_tools(persona: PersonaFile) -> None:
    model = FakeModel('{"name": "tool1", "arguments": {}}')
    talk = talker(model, persona, can_call=True)
    assert say(talk, toolbox=Box(3)) == ["Tool1 was done."]
    assert "tool2(): Does something" in model.prompts[0][0].content
    assert [call.name for call in talk.record.calls] == ["tool1"]


def test_a_model_that_may_not_call_is_given_none(persona: PersonaFile) -> None:
    model = FakeModel("Fine.")
    say(talker(model, persona), toolbox=Box(3))
    assert "tool" not in model.prompts[0][0].content
    assert model.options[0].grammar is None


def test_tools_that_would_fill_the_context_are_left_out(persona: PersonaFile) -> None:
    model = FakeModel("Fine.")
    talk = talker(model, persona, can_call=True, tool_tokens=200)
    assert say(talk, toolbox=Box(100)) == ["Fine."]
    assert not talk.can_call


def test_a_call_is_never_drafted(persona: PersonaFile) -> None:
    model = FakeModel('{"name": "tool1", "arguments": {}}')
    talk = talker(model, persona, can_call=True)
    talk.prepare(Turn(), "do it", toolbox=Box(3), draft=True)
    assert model.generated.wait(5)
    talk.close()
    assert model.prompts == []


# --- working ahead


def test_what_was_heard_so_far_is_read_ahead(persona: PersonaFile) -> None:
    model = FakeModel("Fine.")
    talk = talker(model, persona)
    talk.prepare(Turn(), "what is the")
    assert model.generated.wait(5)
    talk.close()
    messages, open_end = model.prefilled[0]
    assert messages[-1] == Message("user", "what is the")
    assert open_end
    assert model.prompts == []


def test_a_draft_of_the_same_words_is_taken(persona: PersonaFile) -> None:
    model, turn = FakeModel("The only sentence."), Turn()
    talk = talker(model, persona)
    talk.prepare(turn, "what is it", draft=True)
    assert model.generated.wait(5)
    assert list(talk.reply(turn, "what is it")) == ["The only sentence."]
    assert talk.record.drafted
    assert len(model.prompts) == 1
    talk.close()


def test_a_draft_goes_on_where_it_rested(persona: PersonaFile) -> None:
    resting = threading.Event()

    def script(messages: Sequence[Message]) -> str:
        if messages[-1].role == "assistant":
            return "rest of it."
        resting.set()
        return "This is one. The never said because it rests here"

    model, turn = FakeModel(script), Turn()
    talk = talker(model, persona)
    talk.prepare(turn, "what is it", draft=True)
    assert resting.wait(5)
    assert next(iter(talk.reply(turn, "what is it"))) == "This is one."
    talk.close()


def test_a_draft_that_is_taken_rests_until_somebody_wants_more_than_its_first_clause() -> None:
    taken = threading.Event()

    class Writer(FakeModel):
        def generate(self, *asked: Any) -> Any:
            for count, word in enumerate(super().generate(*asked)):
                if count == 3:
                    assert taken.wait(5)
                yield word

    model = Writer("As far as anybody knows, it is the only one of its kind.", " goes on")
    draft = Draft([Message("user", "what is it")], Generation())
    writing = threading.Thread(target=draft.write, args=(model, "en"))
    writing.start()
    pieces = draft.take(model, Cancellation())
    said = [next(pieces) for _ in range(3)]
    taken.set()
    writing.join(5)
    assert len(model.prompts) == 1
    said += [next(pieces) for _ in range(3)]
    assert "".join(said) == "As far as anybody knows, it"
    assert next(pieces) == ""  # asked for more: the model goes on
    assert model.prompts[1][-1] == Message("assistant", "As far as anybody knows, it")


def test_a_draft_of_other_words_is_dropped(persona: PersonaFile) -> None:
    model, turn = FakeModel(lambda messages: f"You said {messages[-1].content}."), Turn()
    talk = talker(model, persona)
    talk.prepare(turn, "what is", draft=True)
    assert model.generated.wait(5)
    assert list(talk.reply(turn, "what is it")) == ["You said what is it."]
    assert not talk.record.drafted
    talk.close()


def test_a_cancelled_turn_leaves_no_draft_behind(persona: PersonaFile) -> None:
    model, turn = FakeModel("The only sentence."), Turn()
    talk = talker(model, persona)
    turn.cancel()
    talk.prepare(turn, "what is it", draft=True)
    talk.close()
    assert model.prompts == []


def test_what_fails_ahead_fails_again_in_the_reply(persona: PersonaFile) -> None:
    model, turn = FakeModel("One two.", fail_after=0), Turn()
    talk = talker(model, persona)
    talk.prepare(turn, "what is it", draft=True)
    with pytest.raises(EngineError, match="broke"):
        list(talk.reply(turn, "what is it"))
    talk.close()


def test_nothing_is_drafted_for_the_network(persona: PersonaFile) -> None:
    model, turn = FakeModel("Fine."), Turn()
    talk = talker(model, persona, asks_network=lambda: True)
    talk.prepare(turn, "what is it", draft=True)
    assert model.generated.wait(5)
    talk.close()
    assert model.prompts == []
    assert model.prefilled
