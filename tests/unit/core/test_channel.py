from __future__ import annotations

import threading

import pytest

from edgebot.core.channel import Channel, ChannelClosed


def test_items_come_out_in_order_and_iteration_ends_when_closed() -> None:
    channel: Channel[int] = Channel(capacity=3)
    for item in (1, 2, 3):
        channel.put(item)
    channel.close()
    assert list(channel) == [1, 2, 3]


def test_close_with_discard_drops_the_rest() -> None:
    channel: Channel[int] = Channel()
    channel.put(1)
    channel.close(discard=True)
    assert list(channel) == []


def test_putting_into_a_closed_channel_fails() -> None:
    channel: Channel[int] = Channel()
    channel.close()
    with pytest.raises(ChannelClosed):
        channel.put(1)


def test_a_full_channel_holds_the_writer_back_until_it_is_read() -> None:
    channel: Channel[int] = Channel(capacity=1)
    written: list[int] = []

    def write() -> None:
        for item in range(50):
            channel.put(item)
            written.append(item)
        channel.close()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    for item in channel:
        # One item read, one in the channel, one in the writer's hand: never further ahead.
        assert len(written) <= item + 2
        seen.append(item)
    writer.join()
    assert seen == list(range(50))


def test_closing_frees_a_writer_that_waits() -> None:
    channel: Channel[int] = Channel(capacity=1)
    channel.put(0)
    outcome: list[str] = []
    waiting = threading.Event()

    def write() -> None:
        waiting.set()
        try:
            channel.put(1)
        except ChannelClosed:
            outcome.append("closed")

    writer = threading.Thread(target=write)
    writer.start()
    waiting.wait()
    channel.close(discard=True)
    writer.join()
    assert outcome == ["closed"]


def test_a_channel_needs_room() -> None:
    with pytest.raises(ValueError, match="room"):
        Channel(capacity=0)
