# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version checks of installed Python libraries.

A requirement is written as in requirements.txt: `package>=version` or `package[extra]>=version`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .errors import MissingLibrary

__all__ = ["check_version", "installed_version", "is_new_enough", "package_of"]


def package_of(requirement: str) -> str:
    """Return the package that a requirement names, without extras."""
    return re.split(r"[\[>]", requirement, maxsplit=1)[0]


def installed_version(package: str) -> str:
    """Return the installed version of a package, or "" if it isn't installed."""
    # Imported on use, because module files and the router load this file too.
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def is_new_enough(version: str, requirement: str) -> bool:
    """Return whether a version satisfies a requirement. Compares the numbers only."""
    return _numbers(version) >= _numbers(requirement.partition(">=")[2])


@lru_cache(maxsize=64)
def check_version(requirement: str, needed_for: str) -> None:
    """Raise MissingLibrary if the installed library is too old. Its import reports one that is missing."""
    version = installed_version(package_of(requirement))
    if version and not is_new_enough(version, requirement):
        raise MissingLibrary("outdated_library", requirement=requirement, needed_for=needed_for, found=version)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
