"""Taking turns in a simulated room, with a language of tones for speech."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from edgebot.audio.acoustics import Acoustics
from edgebot.core.audio import RATE_HZ
from edgebot.runtime.live.manners import Manners
from edgebot.runtime.live.people import People
from tests.unit.runtime.live.toneland import scene, speech

COUNT = {"tell me a story": ["one two three four five", "six seven eight nine ten"]}
ROOM = Acoustics(echo_db=-14, noise_dbfs=-70)


def test_wake_word_question_answer() -> None:
    play = scene({"what time is it": ["seven"]})
    play.room.say(speech("nabu what time is it"), 0.5)
    play.play(5)
    assert play.spoken() == "seven"
    assert play.dialogue.history == [("what time is it", "seven")]
    (record,) = play.ledger.last()
    assert record["by"] == "wake"
    assert record["intent"] == "what_time_is_it"
    assert {"endpoint", "final_text", "parsed", "first_audio", "done"} <= set(record["ms"])


def test_nothing_is_answered_without_the_wake_word() -> None:
    play = scene({"what time is it": ["seven"]})
    play.room.say(speech("what time is it"), 0.5)
    play.play(4)
    assert play.spoken() == ""
    assert play.states == []


def test_a_wake_word_that_nobody_follows_goes_back_to_sleep_silently() -> None:
    play = scene({})
    play.room.say(speech("nabu"), 0.5)
    play.room.say(speech("what time is it"), 6.0)
    play.play(8)
    assert play.spoken() == ""
    assert play.states == ["listening", "asleep"]


def test_a_pause_in_an_unfinished_sentence_is_waited_for_and_nothing_happens_twice() -> None:
    play = scene({"go on what time is it": ["seven"]})
    play.room.say(speech("nabu go on"), 0.5)
    play.room.say(speech("what time is it"), 0.5 + 3 * 0.3 + 0.7)
    play.play(6)
    assert play.dialogue.happened == ["go on what time is it"]
    assert play.spoken() == "seven"


def test_who_goes_on_before_the_answer_is_heard_meant_one_sentence() -> None:
    play = scene({"tell me a story": ["no"], "tell me a story one two": ["yes"]}, speed=4.0)
    play.dialogue.route = "knowledge"
    play.room.say(speech("nabu tell me a story"), 0.5)
    rest = play.room.say(speech("one two"), 0.5 + 5 * 0.3 + 0.6)
    play.dialogue.fail = lambda: play.wait_for(lambda: play.room.position > rest.stop)
    play.play(6)
    assert play.dialogue.happened[-1] == "tell me a story one two"
    assert play.spoken() == "yes"
    assert [said for said, _ in play.dialogue.history] == ["tell me a story one two"]


def test_who_goes_on_while_the_answer_begins_meant_one_sentence() -> None:
    replies = {**COUNT, "tell me a story blue colour": ["yes"]}
    play = scene(replies, acoustics=Acoustics(echo_db=-30, noise_dbfs=-70))
    play.dialogue.route = "knowledge"
    play.room.say(speech("nabu tell me a story"), 0.5)
    play.room.say(speech("blue colour", level=0.3), 0.5 + 5 * 0.3 + 0.7)
    play.play(8)
    assert play.dialogue.happened == ["tell me a story", "tell me a story blue colour"]
    assert play.spoken().endswith("yes")
    assert [said for said, _ in play.dialogue.history] == ["tell me a story blue colour"]


def test_what_has_changed_something_is_not_taken_back() -> None:
    play = scene({"tell me a story": ["yes"]}, speed=4.0)
    play.room.say(speech("nabu tell me a story"), 0.5)
    rest = play.room.say(speech("one two"), 0.5 + 5 * 0.3 + 0.6)
    play.dialogue.fail = lambda: play.wait_for(lambda: play.room.position > rest.stop)
    play.play(6)
    assert play.dialogue.happened == ["tell me a story"]
    assert play.spoken() == "yes"


def test_who_speaks_much_later_begins_something_new() -> None:
    play = scene({"tell me a story": ["yes"]}, speed=4.0)
    play.dialogue.route = "knowledge"
    play.room.say(speech("nabu tell me a story"), 0.5)
    late = play.room.say(speech("one two"), 0.5 + 5 * 0.3 + 2.2)
    play.dialogue.fail = lambda: play.wait_for(lambda: play.room.position > late.stop)
    play.play(7)
    assert play.dialogue.happened == ["tell me a story"]
    assert play.spoken() == "yes"


def test_the_button_opens_the_microphone() -> None:
    play = scene({"what time is it": ["seven"]}, speed=5.0)
    play.daemon.order("listen")
    play.room.end_at(12 * RATE_HZ)
    play.start()
    play.wait_for(play.daemon.listener.listening)
    play.room.say(speech("what time is it"))
    play.join()
    assert "seven" in play.spoken()


def test_our_question_opens_the_microphone_by_itself() -> None:
    play = scene({"ask me": ["which colour"], "blue": ["hello"]})
    play.room.say(speech("nabu ask me"), 0.5)
    play.room.say(speech("blue"), 4.0)
    play.play(7)
    assert play.dialogue.happened == ["ask me", "blue"]
    assert play.spoken() == "which colour hello"


def test_after_an_answer_the_microphone_stays_open_if_set_so() -> None:
    play = scene({}, manners=Manners(follow_up_s=5.0))
    play.room.say(speech("nabu yes"), 0.5)
    play.room.say(speech("no"), 4.0)
    play.play(7)
    assert play.dialogue.happened == ["yes", "no"]


def test_a_person_who_breaks_in_is_heard_and_history_keeps_what_they_heard() -> None:
    play = scene({**COUNT, "stop": ["yes"]}, acoustics=ROOM)
    play.room.say(speech("nabu tell me a story"), 0.5)
    begun = play.room.say(speech("stop", level=0.3), 4.0)
    play.play(8)
    assert play.dialogue.happened == ["tell me a story", "stop"]
    asked, heard = play.dialogue.history[0]
    assert asked == "tell me a story"
    assert "ten" not in heard
    assert heard.startswith("one two three")
    story = [frame for frame in play.room.heard() if frame.start < begun.start][-1]
    assert story.end - begun.start <= (0.35 + 0.2) * RATE_HZ


def test_who_breaks_in_with_the_wake_word_is_heard_from_behind_it() -> None:
    play = scene({**COUNT, "what time is it": ["yes"]}, acoustics=Acoustics(echo_db=None))
    play.room.say(speech("nabu tell me a story"), 0.5)
    play.room.say(speech("nabu what time is it", level=0.3), 4.0)
    play.play(10)
    assert play.dialogue.happened == ["tell me a story", "what time is it"]


def test_our_own_voice_does_not_break_us_off() -> None:
    for echo_db in (-30.0, -20.0, -10.0):
        play = scene(COUNT, acoustics=Acoustics(echo_db=echo_db, noise_dbfs=-60))
        play.room.say(speech("nabu tell me a story"), 0.5)
        play.play(9)
        assert play.dialogue.history == [("tell me a story", " ".join(COUNT["tell me a story"]))]


def test_a_noise_that_is_no_word_only_pauses_the_reply() -> None:
    play = scene(COUNT, acoustics=Acoustics(echo_db=None, noise_dbfs=-70))
    play.room.say(speech("nabu tell me a story"), 0.5)
    rumble = speech("one two", level=0.3)
    rumble[:] = (rumble.astype(float) ** 2 / 3000).astype("int16")  # loud, at no word's frequency
    play.room.say(rumble, 3.5)
    play.play(14)
    assert play.dialogue.happened == ["tell me a story"]
    assert play.dialogue.history[0][1].endswith("eight nine ten")
    assert play.spoken().endswith("eight nine ten")


def test_what_is_due_rings_and_is_silenced_by_voice() -> None:
    play = scene({"stop": ["yes"]}, ring_s=40.0)
    play.dialogue.scheduler.promise("timer rings")
    play.room.say(speech("stop", level=0.3), 3.0)
    play.play(8)
    assert play.dialogue.happened == ["stop"]
    assert play.dialogue.scheduler.finished == [1]
    assert play.spoken().startswith("ten timer rings")


def test_what_nobody_silences_rings_for_its_time() -> None:
    play = scene({}, ring_s=2.0)
    play.dialogue.scheduler.promise("timer rings")
    play.play(10)
    assert play.dialogue.scheduler.finished == [1]


def test_a_turn_that_fails_ends_in_an_apology_and_the_next_one_works() -> None:
    failures = [RuntimeError("engine")]

    def fail() -> None:
        if failures:
            raise failures.pop()

    play = scene({"what time is it": ["seven"]}, stt_fails=fail)
    play.room.say(speech("nabu what time is it"), 0.5)
    play.room.say(speech("nabu what time is it"), 5.0)
    play.play(10)
    assert play.spoken() == "sorry broken seven"


def test_three_failures_in_a_row_end_the_daemon() -> None:
    def fail() -> None:
        raise RuntimeError("engine")

    play = scene({}, stt_fails=fail)
    for at_s in (0.5, 5.0, 10.0):
        play.room.say(speech("nabu yes"), at_s)
    with pytest.raises(RuntimeError, match="engine"):
        play.play(60)


def test_two_runs_come_out_the_same() -> None:
    def run() -> list[tuple[int, int]]:
        play = scene({"what time is it": ["seven eight"]}, acoustics=ROOM)
        play.room.say(speech("nabu what time is it"), 0.5)
        play.play(5)
        return [(frame.start, frame.end) for frame in play.room.heard()]

    assert run() == run()


def test_who_speaks_has_a_conversation_of_their_own() -> None:
    play = scene({"what time is it": ["seven"]})
    play.daemon.responder._people = People(
        lambda audio: SimpleNamespace(name="anna" if len(audio) > 16_000 else None, is_telling=True)
    )
    play.room.say(speech("nabu what time is it"), 0.5)
    play.room.say(speech("nabu yes"), 5.0)
    play.play(9)
    assert [record["session"] for record in play.ledger.last()] == ["voice/anna", "local"]
