"""Time zones, calendars and durations: what a model gets wrong when it does it in its head."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated, Literal, Optional

from gateway_sdk import InvalidArguments, tool

import zones

_OUTSIDE = InvalidArguments("that is outside of the years 1 to 9999")

Zone = Annotated[str, "a time zone of the IANA database, such as Europe/Berlin"]
Moment = Annotated[str, "a time as in ISO 8601, such as 2026-03-29T14:30 or 2026-03-29T14:30:00+02:00"]


@dataclass
class Instant:
    """One moment, as a zone has it.

    Attributes:
        time: The time in ISO 8601, with its offset from UTC.
        zone: The zone.
        abbreviation: What the zone's time is called then, such as CEST.
        summer_time: Whether summer time is in force.
        weekday: The day of the week.
        unix: Seconds since 1970-01-01T00:00:00Z.
    """

    time: str
    zone: str
    abbreviation: str
    summer_time: bool
    weekday: str
    unix: float


@dataclass
class Difference:
    """What lies between two moments.

    Attributes:
        seconds: In all; negative where the second is earlier.
        text: The same in years, months, days, hours, minutes and seconds, by the calendar.
        days: Whole days in all.
        working_days: Mondays to Fridays from the first day, counted, to the second, not counted.
    """

    seconds: float
    text: str
    days: int
    working_days: int


@dataclass
class Day:
    """A day of the calendar.

    Attributes:
        date: The day in ISO 8601.
        weekday: The day of the week.
        iso_week: The week of ISO 8601, such as 2026-W01.
        day_of_year: 1 to 366.
        quarter: 1 to 4.
        leap_year: Whether the year has 366 days.
        days_in_month: 28 to 31.
    """

    date: str
    weekday: str
    iso_week: str
    day_of_year: int
    quarter: int
    leap_year: bool
    days_in_month: int


@tool(title="Current time", read_only=True, open_world=False)
def now(zone: Zone = "UTC") -> Instant:
    """The time now, in a time zone."""
    return _instant(dt.datetime.now(dt.timezone.utc), zone)


@tool(title="Time in another zone", read_only=True, idempotent=True, open_world=False)
def convert(time: Moment, to: Zone, zone: Zone = "UTC") -> Instant:
    """Tell what a time is in another time zone, summer time included.

    Args:
        zone: the zone that the time is meant in where it says no offset itself
    """
    return _instant(_moment(time, zone), to)


@tool(title="Time between", read_only=True, idempotent=True, open_world=False)
def difference(start: Moment, end: Moment, zone: Zone = "UTC") -> Difference:
    """Tell what lies between two times, by the clock and by the calendar."""
    first, last = _moment(start, zone), _moment(end, zone)
    # Of two times in one zone, Python takes the difference between what the clocks show.
    seconds = (last.astimezone(dt.timezone.utc) - first.astimezone(dt.timezone.utc)).total_seconds()
    days = int(seconds // 86400) if seconds >= 0 else -int(-seconds // 86400)
    return Difference(seconds, _between(first, last), days, _working_days(first.date(), last.date()))


@tool(title="Add to a time", read_only=True, idempotent=True, open_world=False)
def add(
    time: Moment,
    zone: Zone = "UTC",
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
    working_days: int = 0,
    hours: int = 0,
    minutes: int = 0,
    seconds: int = 0,
) -> Instant:
    """Add to a time, or subtract from it with negative numbers.

    Years to days are added by the calendar of the zone (the last day of a month where the day does not exist), hours to
    seconds by the clock.
    """
    local = _moment(time, zone).astimezone(zones.find(zone))
    moved = local.replace(tzinfo=None)
    try:
        moved = _months(moved, 12 * years + months) + dt.timedelta(weeks=weeks, days=days)
        moved = _skip(moved, working_days)
        clock = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
        moved_utc = moved.replace(tzinfo=local.tzinfo).astimezone(dt.timezone.utc) + clock
    except OverflowError:
        raise _OUTSIDE from None
    return _instant(moved_utc, zone)


@tool(title="About a day", read_only=True, idempotent=True, open_world=False)
def day(date: dt.date) -> Day:
    """Tell weekday, ISO week, quarter and more of a day.

    Args:
        date: the day in ISO 8601
    """
    year, week, _ = date.isocalendar()
    return Day(
        date=date.isoformat(),
        weekday=calendar.day_name[date.weekday()],
        iso_week=f"{year:04}-W{week:02}",
        day_of_year=date.timetuple().tm_yday,
        quarter=(date.month + 2) // 3,
        leap_year=calendar.isleap(date.year),
        days_in_month=calendar.monthrange(date.year, date.month)[1],
    )


@tool(title="Calendar of a month", read_only=True, idempotent=True, open_world=False)
def month(
    year: Annotated[int, {"minimum": 1, "maximum": 9999}],
    month: Annotated[int, {"minimum": 1, "maximum": 12}],
    first_day: Literal["monday", "sunday"] = "monday",
) -> str:
    """Show a month as a table of weeks."""
    text = calendar.TextCalendar(calendar.MONDAY if first_day == "monday" else calendar.SUNDAY)
    return text.formatmonth(year, month).rstrip()


@tool(name="zones", title="Find time zones", read_only=True, idempotent=True, open_world=False)
def find_zones(contains: Optional[str] = None) -> str:
    """List the known time zones, one in a line.

    Args:
        contains: only those whose name has this in it, such as a city; upper and lower case are the same
    """
    wanted = (contains or "").lower().replace(" ", "_")
    return "\n".join(name for name in zones.names() if wanted in name.lower())


def _moment(text: str, zone: str) -> dt.datetime:
    known = zones.find(zone)
    try:
        # `Z` is what Python before 3.11 does not know.
        moment = dt.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text.strip()))
    except ValueError:
        raise InvalidArguments(f"{text!r} is no time of ISO 8601") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=known)
    try:
        moment.astimezone(dt.timezone.utc)
    except OverflowError:
        raise _OUTSIDE from None
    return moment


def _instant(moment: dt.datetime, zone: str) -> Instant:
    try:
        local = moment.astimezone(zones.find(zone))
    except OverflowError:
        raise _OUTSIDE from None
    return Instant(
        time=local.isoformat(),
        zone=zone,
        abbreviation=local.tzname() or "",
        summer_time=bool(local.dst()),
        weekday=calendar.day_name[local.weekday()],
        unix=moment.timestamp(),
    )


def _months(moment: dt.datetime, months: int) -> dt.datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _skip(moment: dt.datetime, working_days: int) -> dt.datetime:
    """So many Mondays to Fridays further; whole weeks in one step."""
    step = dt.timedelta(days=1 if working_days > 0 else -1)
    weeks, rest = divmod(abs(working_days), 5)
    moment += step * 7 * weeks
    while rest:
        moment += step
        rest -= moment.weekday() < calendar.SATURDAY
    while working_days and moment.weekday() >= calendar.SATURDAY:
        moment += step
    return moment


def _working_days(first: dt.date, last: dt.date) -> int:
    if last < first:
        return -_working_days(last, first)
    weeks, rest = divmod((last - first).days, 7)
    return 5 * weeks + sum((first.weekday() + each) % 7 < calendar.SATURDAY for each in range(rest))


def _between(first: dt.datetime, last: dt.datetime) -> str:
    if last.timestamp() < first.timestamp():
        return "-" + _between(last, first)
    # By the calendar of the first, so that a month is a month whatever summer time does.
    start = first.replace(tzinfo=None)
    end = last.astimezone(first.tzinfo).replace(tzinfo=None)
    months = (end.year - start.year) * 12 + end.month - start.month
    if _months(start, months) > end:
        months -= 1
    rest = end - _months(start, months)
    hours, seconds = divmod(rest.seconds, 3600)
    parts = {
        "year": months // 12,
        "month": months % 12,
        "day": rest.days,
        "hour": hours,
        "minute": seconds // 60,
        "second": seconds % 60,
    }
    said = [f"{count} {name}{'' if count == 1 else 's'}" for name, count in parts.items() if count]
    return ", ".join(said) or "0 seconds"
