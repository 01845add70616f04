# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that all modules and plugins share, resolved the same way everywhere.

Precedence: the option of the task or lookup, the Ansible variable, the environment variable, ansible.cfg, the default.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from ..model.errors import InvalidInput
from ..model.settings import Settings
from .facts import refuse_fact

__all__ = ["ARGUMENTS", "COMMON_SPEC", "OPTIONS", "Option", "goes_through_broker", "resolve_options", "settings_of"]

INI_SECTION = "scoped_secrets"
_COMMAND = r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){2,}|[A-Za-z_][A-Za-z0-9_]*"
_LOGIN = r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*"
_SINK = r"syslog|(syslog|file):///[^,]+"


class Option:
    """A shared option, and the names under which it can be set; an empty name means that it can't be set there.

    `is_argument`: modules and plugins take it as an option. `is_switch`: the booleans of YAML mean on and off.
    """

    def __init__(
        self,
        name: str,
        env: str,
        ini: str = "",
        var: str = "",
        *,
        secret: bool = False,
        is_argument: bool = True,
        is_switch: bool = False,
    ) -> None:
        self.name = name
        self.env = env
        self.ini = ini
        self.var = var
        self.secret = secret
        self.is_argument = is_argument
        self.is_switch = is_switch


OPTIONS = (
    Option("store", "SCOPED_SECRETS_STORE", "store", "scoped_secrets_store"),
    Option("root_key_file", "SCOPED_SECRETS_ROOT_KEY_FILE", "root_key_file", "scoped_secrets_root_key_file"),
    Option("root_key", "SCOPED_SECRETS_ROOT_KEY", secret=True),
    Option("passphrase", "SCOPED_SECRETS_PASSPHRASE", secret=True),
    Option("scope_key", "SCOPED_SECRETS_SCOPE_KEY", secret=True),
    Option("scope_key_file", "SCOPED_SECRETS_SCOPE_KEY_FILE", "scope_key_file"),
    Option("org", "SCOPED_SECRETS_ORG", "org", "scoped_secrets_org"),
    Option("project", "SCOPED_SECRETS_PROJECT", "project", "scoped_secrets_project"),
    Option("broker", "SCOPED_SECRETS_BROKER", "broker", is_argument=False),
    Option("audit", "SCOPED_SECRETS_AUDIT", "audit", "scoped_secrets_audit", is_argument=False, is_switch=True),
    Option("audit_sink", "SCOPED_SECRETS_AUDIT_SINK", "audit_sink", "scoped_secrets_audit_sink", is_argument=False),
    # Not a variable: a host could set it.
    Option("allowed_commands", "SCOPED_SECRETS_ALLOWED_COMMANDS", "allowed_commands", is_argument=False),
    Option("allowed_credentials", "SCOPED_SECRETS_ALLOWED_CREDENTIALS", "allowed_credentials", is_argument=False),
    Option("state_folder", "SCOPED_SECRETS_STATE_FOLDER", "state_folder", is_argument=False),
    Option(
        "allow_plain_postgresql",
        "SCOPED_SECRETS_ALLOW_PLAIN_POSTGRESQL",
        "allow_plain_postgresql",
        is_argument=False,
    ),
    Option("upgrade_store", "SCOPED_SECRETS_UPGRADE_STORE", is_argument=False),
    Option("ephemeral_store", "SCOPED_SECRETS_EPHEMERAL_STORE", "ephemeral_store", is_argument=False),
)
ARGUMENTS = tuple(option for option in OPTIONS if option.is_argument)

COMMON_SPEC: dict[str, dict[str, Any]] = {
    option.name: {"type": "path" if option.name.endswith("_file") else "str", "no_log": option.secret}
    for option in ARGUMENTS
}


def _xdg(variable: str, fallback: str) -> str:
    """Return a folder of this user. Raises InvalidInput for a user without one: no HOME, and no entry in passwd."""
    # XDG Base Directory Specification: a relative path in these variables is invalid and ignored.
    base = os.environ.get(variable, "")
    base = base if os.path.isabs(base) else os.path.expanduser(fallback)
    if os.path.isabs(base):
        return base
    raise InvalidInput(
        "no_home",
        f"User id {os.geteuid()} has no home folder: HOME is not set, and passwd has no entry for it. So there is no "
        "default place for the store and its root key.",
        hint="Set HOME, or set 'store' and 'root_key_file'.",
    )


def default_store() -> str:
    return f"sqlite:///{_xdg('XDG_DATA_HOME', '~/.local/share')}/scoped_secrets/store.db"


def default_root_key_file() -> str:
    return f"{_xdg('XDG_CONFIG_HOME', '~/.config')}/scoped_secrets/root.key"


def _has_home() -> bool:
    with suppress(InvalidInput):
        return bool(_xdg("XDG_CONFIG_HOME", "~") and _xdg("XDG_DATA_HOME", "~"))
    return False


def _state_folder(text: str) -> str:
    if text.lower() == "none":
        return ""
    if text:
        return _absolute(text)
    with suppress(InvalidInput):
        return f"{_xdg('XDG_STATE_HOME', '~/.local/state')}/scoped_secrets"
    return ""


def resolve_options(
    direct: Mapping[str, Any],
    variables: Mapping[str, Any] | None = None,
    template: Callable[[Any], Any] | None = None,
    config_file: str | None = None,
) -> dict[str, str]:
    """Return every shared option as text; options that are not set are empty.

    Raises InvalidInput for what is not text, and Forbidden for a variable that a managed host set.

    `direct` holds the options of the task or lookup (None means not set, an empty string counts as set), `variables`
    the Ansible variables with the host's facts, which `template` renders; `config_file` is the path of ansible.cfg.
    """
    resolved = {option.name: _resolve(option, direct, variables or {}, template, config_file) for option in OPTIONS}
    # If one of these two is given directly, a value of the other from elsewhere must not override it.
    for given, other in (("scope_key", "scope_key_file"), ("scope_key_file", "scope_key")):
        if direct.get(given) is not None and direct.get(other) is None:
            resolved[other] = ""
    return resolved


def _resolve(
    option: Option,
    direct: Mapping[str, Any],
    variables: Mapping[str, Any],
    template: Callable[[Any], Any] | None,
    config_file: str | None,
) -> str:
    if direct.get(option.name) is not None:
        return _text(option, direct[option.name])
    if option.var and variables.get(option.var) is not None:
        refuse_fact(variables, option.var)
        value = variables[option.var]
        return _text(option, template(value) if template else value)
    if given := os.environ.get(option.env):
        return given
    return _ini(config_file).get(option.ini, "") if option.ini and config_file else ""


def _text(option: Option, value: Any) -> str:
    if option.is_switch and isinstance(value, bool):
        # YAML parses an unquoted on or off as a boolean.
        return "on" if value else "off"
    text, kind = "" if value is None else str(value), type(value).__name__
    is_text = value is None or (isinstance(value, (str, int)) and not isinstance(value, bool))
    if is_text and "\0" not in text:
        return text
    raise InvalidInput(
        "invalid_option",
        f"The option '{option.name}' must be text{' without NUL bytes' if is_text else f', not {kind}'}.",
        hint=f"Check where it is set: {_places(option)}.",
    )


def _places(option: Option) -> str:
    places = ["the option itself", f"the variable {option.var}", f"the environment variable {option.env}"]
    return ", ".join(places if option.var else [places[0], places[2]])


@lru_cache(maxsize=4)
def _ini(config_file: str) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
    try:
        parser.read(config_file, encoding="utf-8")
    except configparser.Error:
        return {}
    return dict(parser[INI_SECTION]) if parser.has_section(INI_SECTION) else {}


def settings_of(options: Mapping[str, str]) -> Settings:
    """Return the settings for resolved options; raise InvalidInput."""
    has_key = any(options[name] for name in ("root_key", "passphrase", "scope_key", "scope_key_file"))
    store = options["store"] or default_store()
    # Without a home folder, there is no default file for a key that is given otherwise.
    named = options["root_key_file"] or ("" if has_key and not _has_home() else default_root_key_file())
    root_key_file = _absolute(named) if named else ""
    return Settings(
        store=store,
        root_key_file=root_key_file,
        is_local_default=_has_home() and (store, root_key_file) == (default_store(), default_root_key_file()),
        root_key=options["root_key"],
        passphrase=options["passphrase"],
        through_broker=goes_through_broker(options),
        may_upgrade=_switch("upgrade_store", options.get("upgrade_store") or "off"),
        may_be_ephemeral=_switch("ephemeral_store", options.get("ephemeral_store") or "off"),
        scope_key=options["scope_key"],
        scope_key_file=_absolute(options["scope_key_file"]) if options["scope_key_file"] else "",
        audit=_audit(options.get("audit") or "on"),
        audit_sink=_sinks(options.get("audit_sink") or "store"),
        allowed_commands=_commands(options.get("allowed_commands") or ""),
        allowed_credentials=_credentials(options.get("allowed_credentials") or ""),
        state_folder=_state_folder(options.get("state_folder") or ""),
        allow_plain_postgresql=_switch("allow_plain_postgresql", options.get("allow_plain_postgresql") or "off"),
    )


def goes_through_broker(options: Mapping[str, str]) -> bool:
    """Return whether the run uses a broker; raise InvalidInput."""
    return _switch("broker", options["broker"] or "on")


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def _audit(text: str) -> str:
    if text.lower() == "required":
        return "required"
    return "on" if _switch("audit", text, "on, off or required") else "off"


def _sinks(text: str) -> str:
    sinks = [sink.strip() for sink in text.split(",")]
    for sink in sinks:
        # The default skips the pattern: compiling it costs each worker as much time as importing a module.
        if sink != "store" and not re.fullmatch(_SINK, sink):
            raise InvalidInput(
                "invalid_option",
                f"{sink[:80]!r} is not a valid value of the option 'audit_sink'.",
                hint="Set it to a comma-separated list of: store, file:///PATH, syslog, syslog:///SOCKET.",
            )
    return ",".join(sinks)


def _commands(text: str) -> str:
    return _allowed(
        "allowed_commands",
        text,
        _COMMAND,
        "absolute paths of programs, full names of lookup plugins, and names of environment variables; 'none' allows "
        "nothing.",
    )


def _credentials(text: str) -> str:
    names = "absolute paths of files, and logins such as hashicorp_vault.kubernetes."
    return _allowed("allowed_credentials", text, _LOGIN, names)


def _allowed(setting: str, text: str, pattern: str, choices: str) -> str:
    """Return a list of absolute paths and of names that fit a pattern, joined with commas; raise InvalidInput."""
    entries = list(filter(None, map(str.strip, re.split("[,\n]", text)))) if text else []
    for entry in entries:
        if not (os.path.normpath(entry) == entry if entry[0] == "/" else re.fullmatch(pattern, entry)):
            raise InvalidInput(
                "invalid_option",
                f"{entry[:80]!r} is not a valid entry of the setting '{setting}'.",
                hint=f"Set it to a comma-separated list of {choices}",
            )
    return ",".join(entries)


def _switch(name: str, text: str, choices: str = "on or off") -> bool:
    if text.lower() in ("on", "yes", "true", "1"):
        return True
    if text.lower() in ("off", "no", "false", "0"):
        return False
    raise InvalidInput(
        "invalid_option", f"{text[:40]!r} is not a valid value of the option '{name}'.", hint=f"Set it to {choices}."
    )
