# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection. Every worker compiles this file anew: its documentation stands in ssh.yml, what it does elsewhere."""

from __future__ import annotations

from ..module_utils import bytecode

bytecode.prefer()

from ..plugin_utils.ssh_connection import SshConnection


class Connection(SshConnection):
    """The built-in ssh connection, which may log in with a credential of the store."""
