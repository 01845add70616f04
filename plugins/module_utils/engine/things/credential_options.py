# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merges a credential's stored options with those given now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...model.errors import InvalidInput
from ...model.references import Reference

__all__ = ["REF", "WantedCredential", "wanted_credential"]

REF = "_ref"
# Port numbers have 16 bits, and 0 is reserved (RFC 6335, section 6).
_MAX_PORT = 65535


class Scheme(NamedTuple):
    """A way to log in: the options that it takes, and groups of which one option each is required."""

    options: frozenset[str]
    required: tuple[tuple[str, ...], ...]


_KEY = ("private_key", "private_key_ref", "private_key_path", "generate")
_PASSPHRASE = ("passphrase", "passphrase_ref")
_PASSWORD = ("password", "password_ref")
_KEYTAB = ("keytab_ref", "keytab_path")
_KERBEROS = ("principal", "realm", "tgt", "krb5_config", *_KEYTAB, *_PASSWORD)
_SSH = ("user", "port")
_WINRM = ("user", "port", "use_tls", "skip_cert_check")
# Groups of options that exclude each other.
_ALTERNATIVES = (_KEY, _PASSPHRASE, _PASSWORD, _KEYTAB)

SCHEMES: Mapping[str, Mapping[str, Scheme]] = {
    "ssh": {
        "ssh_key": Scheme(frozenset({*_SSH, *_KEY, *_PASSPHRASE}), (("user",), _KEY)),
        "password": Scheme(frozenset({*_SSH, *_PASSWORD}), (("user",), _PASSWORD)),
        "kerberos": Scheme(frozenset({*_SSH, *_KERBEROS}), (("principal",),)),
    },
    "winrm": {
        "ntlm": Scheme(frozenset({*_WINRM, "domain", *_PASSWORD}), (("user",), _PASSWORD)),
        "kerberos": Scheme(frozenset({*_WINRM, *_KERBEROS}), (("principal",),)),
    },
}
# The options for each way to get a Kerberos ticket, of which one is required.
_TICKETS: Mapping[str, tuple[str, ...]] = {"keytab": _KEYTAB, "password": _PASSWORD, "none": ()}
_INLINE = ("private_key", "passphrase", "password")


@dataclass(frozen=True, slots=True)
class WantedCredential:
    """The options to store, without any secret value.

    `inline` has the options given as values; `kept` names all that are stored as secrets of the credential.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    inline: Mapping[str, str] = field(default_factory=dict, repr=False)
    kept: tuple[str, ...] = ()


def wanted_credential(
    kind: str, identifier: str, params: Mapping[str, Any], stored: Mapping[str, Any], kept: tuple[str, ...]
) -> WantedCredential:
    """Return a credential's new options. Options left out stay, unless a new scheme does not take them.

    Raises InvalidInput for options that contradict each other or make no login.
    """
    given = _given(kind, params)
    name = _scheme_name(kind, given, stored)
    scheme = SCHEMES[kind][name]
    options = {"auth_scheme": name, **_merged(scheme, stored, given)}
    if name == "kerberos":
        options |= _ticket(options, given)
    _check(kind, name, given, options)
    inline = {option: str(options.pop(option)) for option in _INLINE if option in options}
    options |= {f"{option}{REF}": f"{identifier}_{option}" for option in inline}
    still = [option for option in kept if options.get(f"{option}{REF}") == f"{identifier}_{option}"]
    return WantedCredential(options, inline, tuple(dict.fromkeys([*still, *inline])))


def _given(kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    names = {"auth_scheme"}.union(*(scheme.options for scheme in SCHEMES[kind].values()))
    given = {name: params[name] for name in names if params.get(name) is not None}
    for group in _ALTERNATIVES:
        both = [name for name in group if given.get(name) not in (None, "")]
        if len(both) > 1:
            raise InvalidInput(
                "contradicting_options",
                f"{' and '.join(both)} are both given.",
                hint=f"Set only one of {', '.join(name for name in group if name in names)}.",
            )
    if given.get("generate") and given.get("passphrase_ref"):
        raise InvalidInput(
            "contradicting_options",
            "'generate' and 'passphrase_ref' can't be combined: a generated key needs the passphrase itself.",
            hint="Set 'passphrase', or use none: the key is kept as a secret anyway.",
        )
    for name in (name for name in given if name.endswith(REF) and given[name]):
        Reference.parse(given[name])
    return given


def _scheme_name(kind: str, given: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    """Return the named scheme, the stored one, or the only one that the given options fit."""
    name = given.get("auth_scheme") or stored.get("auth_scheme")
    if name:
        return str(name)
    fitting = {name: scheme for name, scheme in SCHEMES[kind].items() if given.keys() <= scheme.options}
    whole = [name for name, scheme in fitting.items() if all(given.keys() & set(group) for group in scheme.required)]
    for names in (whole, list(fitting)):
        if len(names) == 1:
            return names[0]
    raise InvalidInput(
        "auth_scheme_missing",
        f"The given options don't say which kind of {kind} login this is.",
        hint=f"Set 'auth_scheme' to one of {', '.join(SCHEMES[kind])}.",
    )


def _merged(scheme: Scheme, stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored options that still apply, and the given ones. An empty one removes what is stored."""
    replaced = {name for group in _ALTERNATIVES if given.keys() & group for name in group}
    if "generate" in given and "private_key_ref" in stored:
        # An existing key is not generated again.
        replaced -= {"private_key_ref", "private_key_path"}
        given = {name: value for name, value in given.items() if name != "generate"}
    merged = {name: stored[name] for name in scheme.options & stored.keys() - replaced}
    merged |= {name: value for name, value in given.items() if name in scheme.options}
    return {name: value for name, value in merged.items() if value != ""}


def _ticket(options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `tgt` derived from the other options, empty if it was given or stays as it is."""
    if "tgt" in given:
        return {}
    if given.keys() & _KEYTAB or given.keys() & _PASSWORD or "tgt" not in options:
        found = [name for name, needs in _TICKETS.items() if options.keys() & set(needs)]
        return {"tgt": found[0] if found else "none"}
    return {}


def _check(kind: str, name: str, given: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    scheme = SCHEMES[kind][name]
    foreign = sorted(given.keys() - scheme.options - {"auth_scheme"})
    if foreign:
        raise InvalidInput(
            "foreign_option",
            f"A {kind} credential with auth_scheme '{name}' does not take {', '.join(foreign)}.",
            hint=f"Remove that, or change 'auth_scheme'. This one takes {', '.join(sorted(scheme.options))}.",
        )
    groups = [*scheme.required, *([_TICKETS[options["tgt"]]] if options.get("tgt") in _TICKETS else [])]
    for group in filter(None, groups):
        if not options.keys() & set(group):
            raise InvalidInput(
                "incomplete_credential",
                f"A {kind} credential with auth_scheme '{name}' needs {' or '.join(group)}.",
                hint=f"Look up the options with: ansible-doc scoped.secrets.secret_{kind}",
            )
    _check_ticket(options)
    _check_values(options)


def _check_ticket(options: Mapping[str, Any]) -> None:
    needless = [name for name in (*_KEYTAB, *_PASSWORD) if name in options and name not in _needed(options)]
    if "tgt" in options and needless:
        raise InvalidInput(
            "foreign_option",
            f"A credential with tgt '{options['tgt']}' does not take {', '.join(needless)}.",
            hint="Set 'tgt' to keytab or password, or leave it out. To remove a stored option, set it to ''.",
        )


def _needed(options: Mapping[str, Any]) -> tuple[str, ...]:
    return _TICKETS.get(options.get("tgt", ""), ())


def _check_values(options: Mapping[str, Any]) -> None:
    port, principal, realm = options.get("port"), options.get("principal", ""), options.get("realm", "")
    if port is not None and not 1 <= port <= _MAX_PORT:
        raise InvalidInput(
            "invalid_option",
            f"'port' is {port}; it must be from 1 to {_MAX_PORT}.",
            hint="Set it to the port that the host listens on.",
        )
    if principal and realm and "@" in principal and principal.rpartition("@")[2] != realm:
        raise InvalidInput(
            "contradicting_options",
            f"The principal '{principal}' names another realm than 'realm', which is '{realm}'.",
            hint="Set the realm once: in 'principal' after '@', or in 'realm'.",
        )
    for name in ("user", "principal", "realm", "domain"):
        text = str(options.get(name, ""))
        if text.startswith("-") or any(char.isspace() or not char.isprintable() for char in text):
            raise InvalidInput(
                "invalid_option",
                f"'{name}' contains blanks or control characters, or starts with '-'.",
                hint=f"Set '{name}' to the name that the host or realm knows.",
            )
