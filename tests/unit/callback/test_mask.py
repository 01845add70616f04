# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask callback: it masks all output, and ends the run if it can't."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible.utils.display import Display
from ansible_collections.scoped.secrets.plugins.callback.mask import CallbackModule
from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import Client
from ansible_collections.scoped.secrets.plugins.module_utils.masking.revealing import reveal, reveal_to
from ansible_collections.scoped.secrets.plugins.module_utils.model.censored import CENSORED
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.plugin_utils import output
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import Lab, write


class Core:
    """Receives the masks in place of ansible-core's output."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.masks: dict[str, Any] = {}
        self.after: Any = None
        for name in ("mask_results", "mask_events", "mask_display", "mask_log"):
            monkeypatch.setattr(output, name, lambda mask, *after, name=name: self._take(name, mask, *after))

    def _take(self, name: str, mask: Any, after: Any = None) -> None:
        self.masks[name] = mask
        self.after = after or self.after


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Iterator[Core]:
    yield Core(monkeypatch)
    reveal_to(None)


def test_revealed_values_are_masked_in_all_output(core: Core) -> None:
    CallbackModule()
    assert len(core.masks) == 4
    reveal("hunter22")
    assert [mask({"a": "hunter22"}) for mask in core.masks.values()] == [{"a": CENSORED}] * 4


def test_values_read_by_a_client_are_revealed(core: Core, lab: Lab) -> None:
    client: Client = lab.client()
    write(client, "a", b"hunter22")
    CallbackModule()
    mask = core.masks["mask_display"]
    assert mask("hunter22") == "hunter22"
    assert client.resolve([Query("a")])[0].value == b"hunter22"
    assert mask("hunter22") == CENSORED


def test_values_written_alone_or_in_a_manifest_are_revealed(core: Core, lab: Lab) -> None:
    CallbackModule()
    mask = core.masks["mask_display"]
    scope = {"org": "", "project": ""}
    write(lab.client(), "a", b"hunter22")
    item = Request("secret_text", {**scope, "identifier": "b", "value": b"hunter23"}, check_mode=True)
    lab.client().handle(Request("manifest", dict(scope), check_mode=True, items=(item,)))
    assert mask("hunter22 hunter23 hunter24") == f"{CENSORED} {CENSORED} hunter24"


def test_short_values_are_warned_about_once(core: Core, capsys: pytest.CaptureFixture[str]) -> None:
    CallbackModule()
    core.after()
    reveal("abc")
    assert capsys.readouterr().err == ""
    core.after()
    shown = " ".join(capsys.readouterr().err.split())
    assert "fewer than 4 characters" in shown
    assert "abc" not in shown
    Display()._warns.clear()
    core.after()
    assert capsys.readouterr().err == ""


def test_the_run_ends_if_it_can_not_mask(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """ansible-core would continue without a callback that fails, and show everything."""

    def fail(_mask: Any) -> None:
        raise AttributeError("no 'send_callback'")

    monkeypatch.setattr(output, "mask_results", fail)
    with pytest.raises(SystemExit, match="can't mask the output of this version of ansible-core"):
        CallbackModule()


def test_it_must_be_enabled() -> None:
    assert CallbackModule.CALLBACK_NEEDS_ENABLED
    assert CallbackModule.CALLBACK_NAME == "scoped.secrets.mask"
