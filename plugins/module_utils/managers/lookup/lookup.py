# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any Ansible lookup plugin as a read-only secret manager."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from ...model.errors import InvalidInput
from .. import failures
from ..base import ArgumentSpec, Capability, Command, Found, Login, NoLogin, ValueKeeper
from ..checks import not_proved
from .plugins import NoSuchPlugin, NoValue, PluginFailed, content_of, find, first_result
from .terms import PATH, BadPath, BadTemplate, check_template, term_of

__all__ = ["MANAGER", "Lookup"]

_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){2,}")
_OWN = "scoped.secrets."
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
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"options": {}, "option_refs": {}, "term_template": PATH}
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
        template = options.get("term_template") or PATH
        if PATH not in template:
            raise failures.invalid_option(
                "term_template", f"has no {PATH}", f"Put {PATH} where the path of a reference goes."
            )
        try:
            check_template(template, plugin)
        except BadTemplate as error:
            raise _bad_template(error) from None
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

    @classmethod
    def command(cls, options: Mapping[str, Any]) -> Command:
        return Command(str(options["plugin"]))

    def login(self) -> None:
        """Find the plugin. It logs in on its own at each call, as in a playbook."""
        self.connector.meter("logins")
        self._found()

    def prove_reading(self) -> str:
        return not_proved("the plugin is installed, and nothing works for all plugins without reading a value")

    def path_of(self, *names: str) -> str:
        return names[-1]

    def read(self, path: str, version: str = "") -> Found:
        if version:
            raise failures.no_version(self.connector.what, self.TITLE, version)
        self.connector.meter("requests")
        instance, name = self._found()
        term = self._term(path, name)
        try:
            return Found(content_of(first_result(instance, term, self._plugin_options())))
        except NoValue:
            raise failures.unknown_path(self.connector.what, path) from None
        except PluginFailed as error:
            raise self._failed(error) from None

    def _term(self, path: str, plugin: str) -> str:
        try:
            return term_of(str(self.options["term_template"]), path, plugin)
        except BadPath as error:
            raise failures.name_not_allowed(self.connector.what, path, str(error)) from None
        except BadTemplate as error:
            raise _bad_template(error) from None

    def _found(self) -> tuple[Any, str]:
        """Return the plugin, and its full name after redirects."""
        try:
            instance, name = find(self.options["plugin"])
        except NoSuchPlugin:
            raise failures.unknown_plugin(self.connector.what, self.options["plugin"]) from None
        except PluginFailed as error:
            raise self._failed(error) from None
        _refuse_own(name)
        return instance, name

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


def _bad_template(error: BadTemplate) -> InvalidInput:
    return failures.invalid_option("term_template", str(error), f"Write it as a command in which {PATH} is one word.")


def _refuse_own(plugin: str) -> None:
    if plugin.startswith(_OWN):
        raise failures.invalid_option(
            "plugin", "belongs to scoped.secrets itself", "Use a reference to the secret instead."
        )


MANAGER = Lookup
