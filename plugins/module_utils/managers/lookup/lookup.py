# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any lookup plugin of Ansible as a secret manager that is only read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from .. import failures
from ..base import ArgumentSpec, Capability, Found, Login, NoLogin, ValueKeeper
from .plugins import NoSuchPlugin, NoValue, PluginFailed, content_of, find, first_result

__all__ = ["MANAGER", "Lookup"]

_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){2,}")
_OWN = "scoped.secrets."
_PATH = "{path}"
# What `run` of every plugin takes besides its options.
_RESERVED = frozenset({"terms", "variables", "self", "wantlist", "errors"})


class PluginCredential(Login):
    """One credential, which the plugin gets as one of its options."""

    NAME = "credential"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "credential": {"type": "str", "no_log": True},
        "credential_option": {"type": "str", "no_log": False},
    }
    REQUIRED = ("credential", "credential_option")


class Lookup(ValueKeeper):
    """A path is the plugin's term, or a part of it."""

    KIND = "lookup"
    TITLE = "Ansible lookup plugin"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "plugin": {"type": "str"},
        "options": {"type": "dict"},
        "option_refs": {"type": "dict"},
        "term_template": {"type": "str"},
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"options": {}, "option_refs": {}, "term_template": _PATH}
    LOCATION = frozenset({"plugin"})
    REFERENCE_DICTS = frozenset({"option_refs"})
    LOGINS = (NoLogin, PluginCredential)
    CAPABILITIES = frozenset({Capability.READ_PATH})
    MAX_VALUE = 1024 * 1024
    REQUIREMENTS = ("ansible-core>=2.18",)

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        plugin = options.get("plugin")
        if not plugin:
            raise failures.incomplete_connector(cls.TITLE, "plugin")
        if not _NAME.fullmatch(plugin):
            raise failures.invalid_option(
                "plugin", "is no whole name of a plugin", "Write namespace.collection.plugin."
            )
        _refuse_own(plugin)
        if _PATH not in (options.get("term_template") or _PATH):
            raise failures.invalid_option(
                "term_template", f"has no {_PATH}", f"{_PATH} stands for the path of a reference."
            )
        given = [*(options.get("options") or {}), *(options.get("option_refs") or {})]
        given += [options["credential_option"]] if options.get("credential_option") else []
        if len(set(given)) != len(given):
            raise failures.invalid_option(
                "options", "names an option that is given twice", "Give it in one of the places."
            )
        bad = sorted(name for name in map(str, given) if name in _RESERVED or not name.isidentifier())
        if bad:
            raise failures.invalid_option(
                "options", f"has what no plugin takes as an option: {bad[0][:40]!r}", "See ansible-doc."
            )

    def login(self) -> None:
        """Find the plugin. It logs in by itself, at each call, as it does in a playbook."""
        self.connector.meter("logins")
        self._found()

    def check(self) -> None:
        """There is nothing that all plugins could do without reading a value."""

    def path_of(self, identifier: str) -> str:
        return identifier

    def read(self, path: str, version: str = "") -> Found:
        if version:
            raise failures.not_able(self.connector.what, self.TITLE, f"read version {version}")
        self.connector.meter("requests")
        term = str(self.options["term_template"]).replace(_PATH, path)
        instance = self._found()
        try:
            return Found(content_of(first_result(instance, term, self._plugin_options())))
        except NoValue:
            raise failures.unknown_path(self.connector.what, path) from None
        except PluginFailed as error:
            raise self._failed(error) from None

    def _found(self) -> Any:
        try:
            instance, name = find(self.options["plugin"])
        except NoSuchPlugin:
            raise failures.unknown_plugin(self.connector.what, self.options["plugin"]) from None
        except PluginFailed as error:
            raise self._failed(error) from None
        _refuse_own(name)
        return instance

    def _failed(self, error: PluginFailed) -> Exception:
        return failures.plugin_failed(self.connector.what, self.options["plugin"], str(error))

    def _plugin_options(self) -> dict[str, Any]:
        """Return what the plugin gets: plain options, those that are secrets of others, and the credential."""
        options = dict(self.options["options"] or {})
        for name in self.options["option_refs"] or {}:
            options[name] = self.options[f"option_refs.{name}"]
        if self.options.get("credential_option"):
            options[self.options["credential_option"]] = self.options["credential"]
        return options


def _refuse_own(plugin: str) -> None:
    if plugin.startswith(_OWN):
        raise failures.invalid_option(
            "plugin", "is one of scoped.secrets itself", "Name the secret by its own reference instead."
        )


MANAGER = Lookup
