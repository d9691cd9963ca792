"""The time zones, all read when the plugin is built: there are no files when it is called."""

from __future__ import annotations

import zoneinfo

from gateway_sdk import InvalidArguments

# What `posixrules` and the like are is of no use to a caller.
_ZONES = {name: zoneinfo.ZoneInfo(name) for name in sorted(zoneinfo.available_timezones()) if name[0].isupper()}
_BY_LOWER = {name.lower(): name for name in _ZONES}


def names() -> list[str]:
    """The names of all zones."""
    return list(_ZONES)


def find(name: str) -> zoneinfo.ZoneInfo:
    """The zone of that name.

    Raises:
        InvalidArguments: There is none.
    """
    known = _BY_LOWER.get(name.strip().replace(" ", "_").lower())
    if known is None:
        near = [each for each in _ZONES if name.strip().replace(" ", "_").lower() in each.lower()][:5]
        hint = f"; did you mean {', '.join(near)}?" if near else ", the tool `zones` lists them"
        raise InvalidArguments(f"there is no time zone {name!r}{hint}")
    return _ZONES[known]
