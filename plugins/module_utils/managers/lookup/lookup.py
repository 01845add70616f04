# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any Ansible lookup plugin as a read-only secret manager."""

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
# Parameters of every plugin's `run` that are not its options.
_RESERVED = frozenset({"terms", "variables", "self", "wantlist", "errors"})


class PluginCredential(Login):
    """A credential that the plugin gets as one of its options."""

    NAME = "credential"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "credential": {"type": "str", "no_log": True},
        "credential_option": {"type": "str", "no_log": False},
    }
    REQUIRED = ("credential", "credential_option")


class Lookup(ValueKeeper):
    """Values read through a lookup plugin. A path is the plugin's term or part of it."""

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
                "plugin", "is not the full name of a plugin", "Set it to namespace.collection.plugin."
            )
        _refuse_own(plugin)
        if _PATH not in (options.get("term_template") or _PATH):
            raise failures.invalid_option(
                "term_template", f"has no {_PATH}", f"Put {_PATH} where the path of a reference goes."
            )
        given = [*(options.get("options") or {}), *(options.get("option_refs") or {})]
        given += [options["credential_option"]] if options.get("credential_option") else []
        if len(set(given)) != len(given):
            raise failures.invalid_option("options", "names an option that is set twice", "Set it in only one place.")
        bad = sorted(name for name in map(str, given) if name in _RESERVED or not name.isidentifier())
        if bad:
            raise failures.invalid_option(
                "options",
                f"has a name that can't be an option: {bad[0][:40]!r}",
                "See the plugin's options in ansible-doc.",
            )

    def login(self) -> None:
        """Find the plugin. It logs in on its own at each call, as in a playbook."""
        self.connector.meter("logins")
        self._found()

    def check(self) -> None:
        """Do nothing: there is no check that works for all plugins without reading a value."""

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
        """Return the plugin's options: plain ones, those from references, and the credential."""
        options = dict(self.options["options"] or {})
        for name in self.options["option_refs"] or {}:
            options[name] = self.options[f"option_refs.{name}"]
        if self.options.get("credential_option"):
            options[self.options["credential_option"]] = self.options["credential"]
        return options


def _refuse_own(plugin: str) -> None:
    if plugin.startswith(_OWN):
        raise failures.invalid_option(
            "plugin", "belongs to scoped.secrets itself", "Use a reference to the secret instead."
        )


MANAGER = Lookup
