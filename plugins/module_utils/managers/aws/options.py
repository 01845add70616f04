# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the AWS kinds share, and their checks.

Options are named as in amazon.aws where users know them from there, otherwise as in the other kinds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .. import failures
from ..base import ArgumentSpec
from ..network import Network, check_range, check_url

__all__ = [
    "AWS_NETWORK",
    "ROLE_OPTIONS",
    "SHARED_OPTIONS",
    "check_endpoint",
    "check_options",
]

AWS_NETWORK = Network.all()
SHARED_OPTIONS: ArgumentSpec = {"region": {"type": "str"}, "endpoint_url": {"type": "str"}, **AWS_NETWORK.spec}

ROLE_OPTIONS: ArgumentSpec = {
    "role_arn": {"type": "str"},
    "external_id": {"type": "str"},
    "duration": {"type": "int"},
    "session_name": {"type": "str"},
}
# From the API reference of AWS Security Token Service, and the form of region names.
_PATTERNS = {
    "role_arn": (
        re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}"),
        "arn:aws:iam::ACCOUNT:role/NAME",
    ),
    "external_id": (re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}"), "2 to 1224 letters, digits and _+=,.@:/-"),
    "session_name": (re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}"), "2 to 64 letters, digits and _+=,.@-"),
    "region": (re.compile(r"[a-z]{2}(-[a-z0-9]+)+"), "a name such as eu-central-1"),
}


def check_endpoint(url: str, options: Mapping[str, Any], what: str) -> None:
    """Raise InvalidInput for an invalid address, or for plain http where it isn't allowed."""
    check_url(what, "endpoint_url", url, allow_plain_http=bool(options.get("allow_plain_http")))


def check_options(options: Mapping[str, Any], what: str) -> None:
    """Raise InvalidInput for an invalid address, region or login option."""
    check_range(options, "duration", 900, 43200)
    for name, (pattern, example) in _PATTERNS.items():
        if options.get(name) and not pattern.fullmatch(options[name]):
            raise failures.invalid_option(name, "is not valid", f"Set it to {example}.")
    if not options.get("role_arn"):
        _refuse_without_role(options)
    if options.get("endpoint_url"):
        check_endpoint(options["endpoint_url"], options, what)


def _refuse_without_role(options: Mapping[str, Any]) -> None:
    lone = [name for name in ROLE_OPTIONS if options.get(name)]
    if lone:
        raise failures.invalid_option(lone[0], "is set without 'role_arn'", "Set 'role_arn' to the role to assume.")
