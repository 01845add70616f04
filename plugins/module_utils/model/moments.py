# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates and times as users write them."""

from __future__ import annotations

from datetime import datetime, timezone

from .errors import InvalidInput

__all__ = ["in_utc"]


def in_utc(text: str, option: str) -> str:
    """Convert an ISO 8601 date or time (UTC if it has no zone) to UTC, to the second; raise InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise InvalidInput(
            "invalid_time",
            f"'{option}' is {text[:40]!r}, which is not a valid ISO 8601 date or time.",
            hint="Write it like 2027-01-31 or 2027-01-31T18:00:00Z. An empty string means none.",
        ) from None
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
