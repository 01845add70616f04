# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-ins for AWS start, behave as AWS does, and leave no process."""

from __future__ import annotations

from pathlib import Path

from servers.aws import serve_moto
from servers.process import processes_in


def test_moto_ends(tmp_path: Path) -> None:
    with serve_moto(tmp_path) as server:
        client = server.client("secretsmanager")
        client.create_secret(Name="a", SecretString="x")
        assert client.get_secret_value(SecretId="a")["SecretString"] == "x"
        assert len(processes_in(tmp_path)) == 1
    assert processes_in(tmp_path) == []
