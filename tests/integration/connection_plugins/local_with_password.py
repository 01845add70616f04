# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local connection with a password, which Ansible reads anew for every task of every host, as for ssh and winrm."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = r"""
name: local_with_password
short_description: local, with a password
description: local, with a password
options:
  password:
    description: What it must be stands in the environment variable EXPECTED_PASSWORD.
    type: str
    vars: [{name: ansible_password}]
extends_documentation_fragment: [connection_pipelining]
"""


class Connection(LocalConnection):
    transport = "local_with_password"

    def _connect(self) -> Any:
        if self.get_option("password") != os.environ["EXPECTED_PASSWORD"]:
            raise AnsibleConnectionFailure("This is not the password.")
        return super()._connect()
