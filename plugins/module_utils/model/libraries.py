# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python libraries that pip installs: which version is here, and whether it is new enough.

A requirement is text as in requirements.txt: `package>=version` or `package[extra]>=version`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .errors import MissingLibrary

__all__ = ["check_version", "installed_version", "is_new_enough", "package_of"]


def package_of(requirement: str) -> str:
    return re.split(r"[\[>]", requirement, maxsplit=1)[0]


def installed_version(package: str) -> str:
    """Return the version of a package that is installed here, "" for none that says so."""
    # Loaded when it is needed: module files and the router reach this file, too.
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def is_new_enough(version: str, requirement: str) -> bool:
    return _numbers(version) >= _numbers(requirement.partition(">=")[2])


@lru_cache(maxsize=64)
def check_version(requirement: str, needed_for: str) -> None:
    """Raise MissingLibrary for a library that is too old; whether it is there at all is for its import to tell."""
    version = installed_version(package_of(requirement))
    if version and not is_new_enough(version, requirement):
        raise MissingLibrary("outdated_library", requirement=requirement, needed_for=needed_for, found=version)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
