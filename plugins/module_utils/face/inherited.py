# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-playbook itself loads, so that its workers inherit it: what they load is gone with each of them."""

from __future__ import annotations

from .. import bytecode
from ..model.errors import ScopedSecretsError
from .options import goes_through_broker, resolve_options

__all__ = ["load_inherited"]

_EVERYWHERE = ("face.reading",)
# Half of what a task without a broker takes is loading these (45 tasks: 1.2 instead of 2.6 s).
_WITHOUT_BROKER = ("engine.engine", "engine.declaring")


def load_inherited(config_file: str | None) -> None:
    """Load what every worker of this process will use. `config_file` is the path of ansible.cfg."""
    try:
        brokered = goes_through_broker(resolve_options({}, config_file=config_file))
    except ScopedSecretsError:
        # Each task tells what is wrong with it.
        brokered = True
    bytecode.load(*_EVERYWHERE, *(() if brokered else _WITHOUT_BROKER))
