"""Times as state writes them and as people read them."""

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = ((86_400 * 2, 86_400, "days"), (7_200, 3_600, "hours"), (120, 60, "minutes"), (0, 1, "seconds"))


def timestamp(moment: datetime | None = None) -> str:
    """`moment`, or now, as state writes times: RFC 3339 in UTC."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime | None:
    """The time an RFC 3339 text says, None if it is none. Digits after the microseconds are dropped."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def from_seconds(seconds: object) -> datetime | None:
    """The time that is so many seconds after the epoch; None for what is no number."""
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago `moment` was: ``3 minutes ago``."""
    seconds = max(0, int(((now or datetime.now(UTC)) - moment).total_seconds()))
    amount, unit = next((seconds // size, unit) for least, size, unit in _UNITS if seconds >= least)
    return f"{amount} {unit.removesuffix('s') if amount == 1 else unit} ago"
