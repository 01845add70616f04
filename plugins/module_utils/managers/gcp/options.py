# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the Google Cloud kinds share, and their checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .. import failures
from ..base import ArgumentSpec
from ..network import Network, check_url

__all__ = [
    "GCP_NETWORK",
    "SHARED_OPTIONS",
    "check_options",
    "endpoint_url",
]

GCP_NETWORK = Network.all_but("validate_certs")
"""The Google libraries speak gRPC, which always verifies certificates."""
SHARED_OPTIONS: ArgumentSpec = {"gcp_project": {"type": "str"}, "endpoint": {"type": "str"}, **GCP_NETWORK.spec}

_URLS = ("endpoint", "sts_endpoint", "iam_endpoint")
# From the API references of Resource Manager, and of Identity and Access Management.
_PATTERNS = {
    "gcp_project": (
        re.compile(r"([a-z0-9.-]{1,100}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[1-9][0-9]{5,19}", re.ASCII),
        "the id of a project, or its number",
    ),
    "project_number": (re.compile(r"[1-9][0-9]{5,19}", re.ASCII), "the number of a project, not its id"),
    "pool": (re.compile(r"[a-z0-9-]{4,32}", re.ASCII), "the id of a pool: 4 to 32 lowercase letters, digits and -"),
    "provider": (
        re.compile(r"[a-z0-9-]{4,32}", re.ASCII),
        "the id of a provider of the pool: 4 to 32 lowercase letters, digits and -",
    ),
    "service_account_email": (
        re.compile(r"[a-z0-9-]{1,63}@[a-z0-9.-]{1,200}", re.ASCII),
        "an address like NAME@PROJECT.iam.gserviceaccount.com",
    ),
}


def endpoint_url(given: str) -> str:
    """Return an address as a URL. Google writes addresses as a host alone, which means https."""
    return given if "://" in given else f"https://{given}"


def check_options(options: Mapping[str, Any], what: str) -> None:
    """Raise InvalidInput for an invalid address, project or login option."""
    for name, (pattern, rule) in _PATTERNS.items():
        if options.get(name) and not pattern.fullmatch(options[name]):
            raise failures.invalid_option(name, "is not valid", f"Set it to {rule}.")
    for name in _URLS:
        if options.get(name):
            url, is_plain_allowed = endpoint_url(options[name]), bool(options.get("allow_plain_http"))
            check_url(what, name, url, allow_plain_http=is_plain_allowed)
