"""The time here and elsewhere, dates, days until something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from edgebot.dialogue.skill import Intent, Outcome, Request, Slot
from edgebot.dialogue.skills.holidays import next_holiday
from edgebot.dialogue.skills.places import ManyZones, Places
from edgebot.dialogue.words import words_of

PLACE = Slot("place", "text", "a city or a country")
OTHER = Slot("other_place", "text", "a second city or country; here when absent")
MOMENT = Slot("moment", "moment", 'a day or a time, such as "next Friday" or "five pm"')
HOLIDAY = Slot("holiday", "text", "a day with a name, such as Christmas")
PART = Slot("part", "text", "what of it", choices=("day", "date", "month", "year", "week"))

INTENTS = (
    Intent("time_now", "Tell the time, here or in another place.", (PLACE,), follow_up="place"),
    Intent("date_now", "Tell today's day, date, month, year or week.", (PART,), tool=False),
    Intent(
        "date_of", "Tell which day a date or holiday is.", (MOMENT, HOLIDAY), follow_up="moment"
    ),
    Intent("date_until", "Tell how long it is until a date or holiday.", (MOMENT, HOLIDAY)),
    Intent(
        "time_zone", "Tell which time zone a place is in.", (PLACE,), follow_up="place", tool=False
    ),
    Intent(
        "time_difference",
        "Tell the time difference between two places.",
        (PLACE, OTHER),
        tool=False,
    ),
    Intent(
        "time_convert",
        "Tell what a time in one place is in another.",
        (Slot("moment", "moment", "the time there", required=True), PLACE, OTHER),
        tool=False,
    ),
)


class TimeAndDate:
    """Reads clocks and calendars."""

    name = "time"
    intents = INTENTS

    def __init__(self, language: str) -> None:
        self._language = language
        self._places = Places(language)
        self._actions: dict[str, Callable[[Request], Outcome]] = {
            "time_now": self._time,
            "date_now": self._date,
            "date_of": self._day_of,
            "date_until": self._until,
            "time_zone": self._time_zone,
            "time_difference": self._difference,
            "time_convert": self._convert,
        }

    def handle(self, request: Request) -> Outcome:
        """Tell what was asked."""
        try:
            return self._actions[request.intent](request)
        except ManyZones as place:
            return Outcome("time.many_zones", {"place": self._proper(str(place))})
        except LookupError as place:
            return Outcome("time.unknown_place", {"place": self._proper(place.args[0])})
        except OverflowError:
            return Outcome("time.too_far")

    def _time(self, request: Request) -> Outcome:
        place = request.slots.get("place")
        if not place:
            return Outcome("time.now", {"now": request.now})
        there = request.now.astimezone(self._zone(place))
        ahead = (there.date() - request.now.date()).days
        reply = {1: "time.there_tomorrow", -1: "time.there_yesterday"}.get(ahead, "time.there")
        return Outcome(
            reply, {"place": self._proper(place), "now": there.replace(tzinfo=request.now.tzinfo)}
        )

    def _date(self, request: Request) -> Outcome:
        part = request.slots.get("part") or "date"
        week = request.now.isocalendar().week
        args = {"today": request.now.date(), "year": request.now.year, "week": week}
        return Outcome(f"time.{part if part in PART.choices else 'date'}", args)

    def _day_of(self, request: Request) -> Outcome:
        day = self._day(request)
        if day is None:
            return Outcome("time.which_day")
        if holiday := request.slots.get("holiday"):
            return Outcome("time.holiday_is", {"holiday": self._proper(holiday), "day": day})
        tense = "was" if day < request.now.date() else "is"
        return Outcome(f"time.day_{tense}", {"day": day})

    def _until(self, request: Request) -> Outcome:
        day = self._day(request)
        if day is None:
            return Outcome("time.which_day")
        moment = request.slots.get("moment") or {}
        holiday = request.slots.get("holiday")
        at = datetime.fromisoformat(moment["at"]) if moment.get("has_time") else None
        if at is not None and abs((at - request.now).total_seconds()) < 2 * 86_400:
            left = (at - request.now).total_seconds()
            if left < 0:
                return Outcome("time.past", {"day": day, "days": 0})
            return Outcome("time.until_time", {"left": round(left / 60) * 60, "at": at})
        days = (day - request.now.date()).days
        args = {
            "days": days,
            "day": day,
            "holiday": self._proper(holiday),
            "weeks": days // 7,
            "rest": days % 7,
        }
        if days < 0:
            return Outcome("time.past", {**args, "days": -days})
        if days == 0:
            return Outcome("time.today_holiday" if holiday else "time.is_today", args)
        return Outcome("time.until_holiday" if holiday else "time.until_day", args)

    def _time_zone(self, request: Request) -> Outcome:
        place = request.slots.get("place")
        if not place:
            return Outcome("time.which_place")
        there = request.now.astimezone(self._zone(place))
        gap = (there.utcoffset() or timedelta()).total_seconds()
        direction = "same" if gap == 0 else "ahead" if gap > 0 else "behind"
        args = {"place": self._proper(place), "gap": abs(gap)}
        return Outcome(f"time.zone_{direction}", args)

    def _difference(self, request: Request) -> Outcome:
        place, other = request.slots.get("place"), request.slots.get("other_place")
        if not place:
            return Outcome("time.which_place")
        there = self._offset(request.now, self._zone(place))
        here = self._offset(request.now, self._zone(other) if other else None)
        gap = (there - here).total_seconds()
        here_or_there = "two" if other else "here"
        direction = "same" if gap == 0 else "ahead" if gap > 0 else "behind"
        args = {"place": self._proper(place), "other": self._proper(other), "gap": abs(gap)}
        return Outcome(f"time.{direction}_{here_or_there}", args)

    def _convert(self, request: Request) -> Outcome:
        place, other = request.slots.get("place"), request.slots.get("other_place")
        if not place and not other:
            return Outcome("time.which_place")
        moment = datetime.fromisoformat(request.slots["moment"]["at"])
        start = self._zone(place) if place else request.now.tzinfo
        end = self._zone(other) if other else request.now.tzinfo
        then = moment.replace(tzinfo=start).astimezone(end)
        args = {
            "there": moment.replace(tzinfo=request.now.tzinfo),
            "then": then.replace(tzinfo=request.now.tzinfo),
            "place": self._proper(place),
            "other": self._proper(other),
        }
        reply = "between" if place and other else "here" if place else "elsewhere"
        return Outcome(f"time.convert_{reply}", args)

    def _day(self, request: Request) -> date | None:
        """The day asked about, of the moment or of the holiday."""
        if holiday := request.slots.get("holiday"):
            return next_holiday(holiday, request.now.date(), self._language)
        if moment := request.slots.get("moment"):
            return datetime.fromisoformat(moment["at"]).date()
        ahead = request.slots.get("ahead")  # "tomorrow's date"
        return None if ahead is None else request.now.date() + timedelta(days=ahead)

    def _zone(self, place: str) -> ZoneInfo:
        """The zone of ``place``; ``LookupError`` when it is unknown."""
        zone = self._places.zone(place)
        if zone is None:
            raise LookupError(place)
        return zone

    @staticmethod
    def _offset(now: datetime, zone: ZoneInfo | None) -> timedelta:
        return (now.astimezone(zone) if zone else now).utcoffset() or timedelta()

    def _proper(self, name: str | None) -> str:
        return proper(str(name or ""), frozenset(words_of(self._language)["small_words"]))


def proper(name: str, small: frozenset[str] = frozenset()) -> str:
    """A name that was heard, written as one: "New York", "Isle of Man", "der Schweiz".

    ``small`` words are never written with a capital.
    """
    words = name.split()
    return " ".join(
        word if word in small or (n and len(word) < 4) else word[:1].upper() + word[1:]
        for n, word in enumerate(words)
    )
