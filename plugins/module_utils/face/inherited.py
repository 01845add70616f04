# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-playbook itself loads, so that its workers inherit it: what they load is gone with each of them."""

from __future__ import annotations

from contextlib import suppress

from ..model.errors import ScopedSecretsError
from ..processes import bytecode
from .options import goes_through_broker, resolve_options

__all__ = ["load_inherited"]


def load_inherited(config_file: str | None) -> None:
    """Load what every worker of this process will use. `config_file` is the path of ansible.cfg."""
    bytecode.load("face.reading")
    # Whatever is wrong with the settings, each task tells it.
    with suppress(ScopedSecretsError):
        options = resolve_options({}, config_file=config_file)
        if not goes_through_broker(options):
            _load_engine(options["store"])


def _load_engine(store: str) -> None:
    """Load what takes half of a task without a broker (45 tasks: 2.7 s, now 1.2), for PostgreSQL its driver too."""
    bytecode.load("engine.engine", "engine.dispatch")
    from ..store.location import Location

    if store and Location.parse(store).engine == "postgresql":
        from ..store.postgresql import driver

        driver()
