# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sinks that an option names."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.sinks.base import sinks_of


def test_sinks_named_by_an_option() -> None:
    found = sinks_of("store,file:///var/log/audit.jsonl,syslog,syslog:///run/log")
    names = [(type(sink).__name__, sink.where) for sink in found]
    assert [names[0], names[2]] == [("JsonLines", "/var/log/audit.jsonl"), ("Syslog", "/run/log")]
    assert names[1][0] == "Syslog"
    assert sinks_of("store") == []
