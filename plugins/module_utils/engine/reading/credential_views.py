# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assembles credentials: as JSON for a template, or as the login of a connection."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from ...credentials.host_logins import HostLogins, full_principal, handed_out, read_key
from ...crypto.encoding import encode_fields
from ...model.errors import InvalidInput, ScopedSecretsError
from ...model.host_login import HostLogin
from ...model.queries import Answer, Query
from ...model.references import select_field
from ...processes.files import read_file
from ..providers.machine_credentials import check_credential_takes
from .resolver import Composed

__all__ = ["compose", "open_host_login", "parts_of"]

# Default ports by `use_tls`: Microsoft, "Installation and configuration for Windows Remote Management".
_WINRM_PORTS = {True: 5986, False: 5985}


def compose(one: Composed, values: Mapping[Query, Answer], logins: HostLogins, allowed: str = "") -> Answer:
    """Return the answer with a credential as JSON or its requested field, or with the error.

    `allowed` is the setting `allowed_credentials`.
    """
    try:
        check_credential_takes(one.what, one.handed_out, one.settings, allowed)
        view = _VIEWS[one.kind](one, parts_of(one, values), logins)
        content = json.dumps(view).encode()
        if one.key:
            return Answer("text", select_field(content, one.key, one.what), expires_at=one.expires_at)
        return Answer(one.kind, content, expires_at=one.expires_at)
    except ScopedSecretsError as error:
        return Answer(error=error)


def open_host_login(one: Composed, values: Mapping[Query, Answer], logins: HostLogins, allowed: str = "") -> HostLogin:
    """Return the login of an SSH credential; raise InvalidInput for another kind, or the error of a value.

    `allowed` is the setting `allowed_credentials`.
    """
    if one.kind != "ssh":
        raise InvalidInput(
            "not_for_ssh",
            f"{one.what} is a {one.kind} credential, but the connection scoped.secrets.ssh needs an SSH credential.",
            hint="Declare it with scoped.secrets.secret_ssh.",
        )
    check_credential_takes(one.what, one.handed_out, one.settings, allowed)
    parts = parts_of(one, values)
    return logins.open_host_login(one.settings, parts, _mark(one, parts), one.what)


def _mark(one: Composed, parts: Mapping[str, bytes]) -> str:
    fields = [item for name in sorted(parts) for item in (name, parts[name])]
    content = encode_fields(json.dumps(one.settings, sort_keys=True), *fields)
    return one.marking_key.fingerprint(one.secret_id, one.kind, content).hex()


def parts_of(one: Composed, values: Mapping[Query, Answer]) -> dict[str, bytes]:
    """Return the values of a credential by field; raise the error of the first that can't be read."""
    parts = {}
    for name, query in one.parts.items():
        answer = values[query]
        if answer.error:
            raise answer.error
        parts[name] = answer.value
    if "private_key_path" in one.settings:
        parts["private_key"] = read_on_control_node(one.settings["private_key_path"], one.what)
    for name in ("password", "passphrase"):
        if name in parts:
            _check_text(parts[name], name, one.what)
    return parts


def read_on_control_node(path: str, what: str) -> bytes:
    """Return the content of a file that a credential names; raise InvalidInput."""
    try:
        return read_file(path)
    except OSError as error:
        raise InvalidInput(
            "unreadable_private_key_file",
            f"{what} names the file {path!r}, which can't be read on the control node: {error.strerror}.",
            hint="Check the path, let the user who runs ansible-playbook read the file, or keep it as a secret.",
        ) from None


def _check_text(value: bytes, name: str, what: str) -> None:
    try:
        value.decode()
    except UnicodeDecodeError:
        raise InvalidInput(
            "credential_not_text", f"The {name} of {what} is not text.", hint="Keep it as a text secret."
        ) from None


def _ssh(one: Composed, parts: Mapping[str, bytes], logins: HostLogins) -> dict[str, Any]:
    settings = one.settings
    view = _picked(settings, "auth_scheme", "user", "port")
    if settings["auth_scheme"] == "ssh_key":
        content, passphrase = parts["private_key"], parts.get("passphrase")
        key = read_key(content, passphrase, one.what)
        view |= {"private_key": handed_out(content, passphrase, one.what).decode(), "public_key": key.public_line}
    if settings["auth_scheme"] == "kerberos":
        view |= _kerberos(settings, parts)
    return {**view, **_texts(parts, "passphrase", "password")}


def _kerberos(settings: Mapping[str, Any], parts: Mapping[str, bytes]) -> dict[str, Any]:
    principal = full_principal(settings)
    view = {"principal": principal, "realm": principal.rpartition("@")[2] if "@" in principal else ""}
    view |= _picked(settings, "tgt", "keytab_path", "krb5_config")
    if "keytab" in parts:
        view["keytab_b64"] = base64.b64encode(parts["keytab"]).decode()
    return view


def _winrm(one: Composed, parts: Mapping[str, bytes], logins: HostLogins) -> dict[str, Any]:
    """Return what the connections winrm and psrp take, under their own option names."""
    settings = one.settings
    use_tls = settings.get("use_tls", True)
    view = {
        "auth_scheme": settings["auth_scheme"],
        "port": settings.get("port") or _WINRM_PORTS[use_tls],
        "scheme": "https" if use_tls else "http",
        "transport": settings["auth_scheme"],
        "server_cert_validation": "ignore" if settings.get("skip_cert_check") else "validate",
    }
    if settings["auth_scheme"] == "ntlm":
        domain = settings.get("domain", "")
        user = f"{domain}\\{settings['user']}" if domain else settings["user"]
        return {**view, "user": user, **_texts(parts, "password")}
    cache = logins.ticket_cache(settings, parts)
    return {
        **view,
        **_picked(settings, "krb5_config"),
        "user": full_principal(settings),
        "kinit_mode": "manual",
        "ticket_cache": cache,
    }


_VIEWS: Mapping[str, Callable[[Composed, Mapping[str, bytes], HostLogins], dict[str, Any]]] = {
    "ssh": _ssh,
    "winrm": _winrm,
}


def _picked(settings: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: settings[name] for name in names if name in settings}


def _texts(parts: Mapping[str, bytes], *names: str) -> dict[str, str]:
    return {name: parts[name].decode() for name in names if name in parts}
