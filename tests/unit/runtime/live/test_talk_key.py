"""A key for talking: tapped, held, while something rings, while we speak."""

from __future__ import annotations

from edgebot.core.audio import RATE_HZ
from edgebot.runtime.endpointing import Event
from edgebot.runtime.live.holding import Hold, TalkKey
from tests.unit.runtime.live.toneland import Scene, scene, speech

STORY = "one two three four five six seven"


def at(play: Scene, seconds: float) -> None:
    """Wait until the room's clock has come so far."""
    play.wait_for(lambda: play.room.seconds() >= seconds)


def test_a_tap_opens_the_microphone_and_the_end_is_found_as_usual() -> None:
    play = scene({"what time is it": ["seven"]}, speed=2.0)
    key = TalkKey(play.daemon)
    play.start()
    key.down()
    key.up()
    play.wait_for(play.daemon.listener.listening)
    play.room.say(speech("what time is it"))
    play.wait_for(lambda: bool(play.outcomes))
    play.room.close()
    play.join()
    assert play.dialogue.history == [("what time is it", "seven")]


def test_while_it_is_held_a_pause_is_no_end_and_letting_go_is() -> None:
    play = scene({"what time is it": ["seven"]}, speed=2.0)
    key = TalkKey(play.daemon)
    play.start()
    key.down()
    play.wait_for(play.daemon.listener.listening)
    play.room.say(speech("what time"), play.room.seconds() + 0.2)
    rest = play.room.say(speech("is it"), play.room.seconds() + 5.0)
    at(play, rest.stop / RATE_HZ)
    assert play.daemon.listener.listening()
    assert play.dialogue.happened == []
    key.up()
    play.wait_for(lambda: bool(play.outcomes))
    play.room.close()
    play.join()
    assert play.dialogue.history == [("what time is it", "seven")]


def test_held_and_let_go_without_a_word_it_goes_back_to_sleep() -> None:
    play = scene({}, speed=4.0)
    key = TalkKey(play.daemon)
    play.start()
    key.down()
    play.wait_for(play.daemon.listener.listening)
    at(play, play.room.seconds() + 6.0)  # longer than anybody is waited for otherwise
    assert play.daemon.listener.listening()
    key.up()
    play.wait_for(lambda: not play.daemon.listener.listening())
    play.room.close()
    play.join()
    assert play.states == ["listening", "asleep"]
    assert play.spoken() == ""


def test_a_key_pressed_in_the_middle_of_a_reply_breaks_it_off() -> None:
    play = scene({"tell me a story": [STORY], "what time is it": ["ten"]}, speed=2.0)
    key = TalkKey(play.daemon)
    play.start()
    play.daemon.listener.open()
    play.room.say(speech("tell me a story"), play.room.seconds() + 0.3)
    play.wait_for(play.daemon.speaker.speaking)
    key.down()
    play.wait_for(play.daemon.listener.listening)
    said = play.room.say(speech("what time is it"), play.room.seconds() + 0.2)
    at(play, said.stop / RATE_HZ)
    key.up()
    play.wait_for(lambda: len(play.outcomes) >= 2)
    play.room.close()
    play.join()
    assert play.outcomes[0].interrupted
    assert play.dialogue.history[-1] == ("what time is it", "ten")


def test_while_something_rings_it_silences_that_and_opens_nothing() -> None:
    play = scene({}, speed=2.0, ring_s=30.0)
    key = TalkKey(play.daemon)
    play.dialogue.scheduler.promise("timer rings")
    play.start()
    play.daemon.ringer.nudge()
    play.wait_for(play.daemon.speaker.speaking)
    key.down()
    play.wait_for(lambda: not play.daemon.speaker.speaking())
    key.up()
    play.room.close()
    play.join()
    assert play.dialogue.scheduler.finished == [1]
    assert play.states == []


def test_with_the_microphone_muted_it_opens_nothing() -> None:
    play = scene({}, speed=4.0)
    play.start()
    play.daemon.mute_microphone(True)
    key = TalkKey(play.daemon)
    key.down()
    key.up()
    play.daemon.mute_microphone(False)
    at(play, play.room.seconds() + 1.0)
    play.room.close()
    play.join()
    assert play.states == []


def test_what_lies_on_the_key_is_no_person() -> None:
    hold = Hold()
    assert hold.judge([Event.ENDED], 59 * RATE_HZ, started=True) == []
    assert hold.judge([], 60 * RATE_HZ, started=True) == [Event.ENDED]
    assert hold.judge([], 60 * RATE_HZ, started=False) == [Event.NOTHING]


def test_the_last_syllable_is_heard_after_the_key_was_let_go() -> None:
    hold = Hold()
    assert hold.judge([Event.STARTED], RATE_HZ, started=True) == [Event.STARTED]
    hold.let_go()
    assert hold.judge([], RATE_HZ + 512, started=True) == []
    assert hold.judge([], RATE_HZ + 512 + 3200, started=True) == [Event.ENDED]
