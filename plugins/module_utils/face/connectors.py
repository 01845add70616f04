# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Spec of a connector module, built from the options that its manager class declares."""

from __future__ import annotations

from typing import Any

from ..managers.base import Manager
from ..managers.registry import credentials_of, login_options
from .spec import DESCRIPTION_SPEC, STATE_SPEC, Spec

__all__ = ["connector_spec"]

CONNECTOR_SPEC: dict[str, dict[str, Any]] = {
    "identifier": {"type": "str", "required": True},
    **DESCRIPTION_SPEC,
    **STATE_SPEC,
    "use_as_default": {"type": "bool"},
    # A boolean, or the name of a right.
    "check": {"type": "raw", "default": True},
}


def connector_spec(kind: type[Manager]) -> Spec:
    """Return the Spec of the module `connector_<kind>`: each credential `<name>` also has an option `<name>_ref`."""
    credentials = credentials_of(kind)
    options = {**kind.OPTIONS, **login_options(kind)}
    # A reference is not secret, although its name may look like it.
    references = {f"{name}_ref": {"type": "str", "no_log": False} for name in credentials}
    methods = {"auth_method": {"type": "str", "choices": [login.NAME for login in kind.LOGINS]}}
    return Spec(
        f"connector_{kind.KIND}",
        {**CONNECTOR_SPEC, **{name: dict(spec) for name, spec in options.items()}, **methods, **references},
        mutually_exclusive=[[name, f"{name}_ref"] for name in credentials],
    )
