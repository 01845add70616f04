# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup plugins as secret managers in real runs: in the broker, which has no plugin loader, and without it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest
from canaries import LOUD
from connector_tasks import ignored, named, of, read
from site_of_runs import Site

# It knows one token, and finds all but one thing. Its errors repeat what it was given.
PLUGIN = """
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.local.vault.plugins.module_utils.words import OPENS

DOCUMENTATION = '''
name: things
short_description: Things
description: Things.
options:
  token: {description: A token., type: str, required: true}
  other: {description: Another one., type: str}
  place: {description: A folder., type: str, ini: [{section: things, key: place}], required: true}
'''

class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        if self.get_option("token") != OPENS:
            raise AnsibleLookupError("wrong: " + self.get_option("token") + str(self.get_option("other")))
        with open(self.get_option("place") + "/asked", "a") as log:
            log.write(terms[0] + "\\n")
        if terms[0] == "in/none":
            return []
        return [{"term": terms[0], "other": self.get_option("other")}]
"""


def collection(site: Site, folder: Path, opens: str) -> None:
    """Put a collection where the playbook leads to, and an option of its plugin into the configuration of the run."""
    plugins = folder / "ansible_collections" / "local" / "vault" / "plugins"
    for name in ("lookup", "module_utils"):
        (plugins / name).mkdir(parents=True)
    (plugins / "lookup" / "things.py").write_text(PLUGIN)
    (plugins / "module_utils" / "words.py").write_text(f"OPENS = {opens!r}")
    (site.folder / "ansible.cfg").write_text(f"[things]\nplace = {site.folder}\n")


@pytest.mark.inline
def test_a_plugin_beside_the_playbook(site: Site, broker: str) -> None:
    token, other = (f"canary-{secrets.token_hex(12)}" for _name in range(2))
    collection(site, site.folder / "collections", token)
    plugin: dict[str, Any] = {"plugin": "local.vault.things", "term_template": "in/{path}"}
    login = {"credential": "{{ token }}", "credential_option": "token", "option_refs": {"other": "other"}}
    (site.folder / "meant.yml").write_text(f"token: {token}\nother: {other}\n")
    setup = [
        of("secret_text", identifier="other", value="{{ other }}"),
        of("connector_lookup", identifier="things", **plugin, **login),
        of("connector_lookup", identifier="wrong", **plugin, **{**login, "credential": "{{ other }}"}),
        of("connector_lookup", identifier="env", plugin="ansible.builtin.env"),
        of("secret_text", identifier="term", secret_manager="things", reference="a#term"),
    ]
    tries = {
        "unknown_path": read("lookup://things/none"),
        "plugin_failed": read("lookup://wrong/a"),
        "unknown_plugin": of("connector_lookup", identifier="x", plugin="local.vault.none"),
        "invalid_option": of("connector_lookup", identifier="x", plugin="scoped.secrets.secret"),
        "not_supported": of("secret_text", identifier="x", secret_manager="things", value="{{ other }}"),
    }
    reading = read("term", "lookup://things/b#term", "lookup://env/PLAIN", name="values")
    again = [named(f"again {number}", read("term", "lookup://things/b#term")) for number in range(2)]
    same = {"ansible.builtin.assert": {"that": "lookup('scoped.secrets.secret', 'lookup://things/b#other') == other"}}
    run = site.run(
        [*setup, reading, *again, same, *(ignored(code, task) for code, task in tries.items())],
        "-vvv",
        "--diff",
        environment={**LOUD, "PLAIN": "in the open"},
        vars_files=["meant.yml"],
    )
    assert run.result("values")["msg"] == ["in/a", "in/b", "in the open"]
    for code in tries:
        assert code in str(run.result(code)), code
    assert [word in run.output for word in (token, other)] == [False, False]
    asked = (site.folder / "asked").read_text().split()
    assert {"in/a", "in/b", "in/none"} == set(asked)
    if broker == "on":
        assert asked.count("in/b") == 1
