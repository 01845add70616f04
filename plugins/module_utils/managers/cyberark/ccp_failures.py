# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates errors of the Central Credential Provider. Its codes are shown, its texts are not: they repeat the query.

The codes are from CyberArk's pages "Call the Web Service using REST" and "Application Provider messages".
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ...model.errors import Conflict, ScopedSecretsError, Unavailable
from .. import failures
from ..http import Reply

__all__ = ["meaning"]

_CODE = re.compile(r"(?:AIMWS|APPAP|APPBC|CASVL|ITATS)[0-9]{3}[EW]")
_NOT_FOUND = ("APPAP004E", "APPAP249E", "APPAP324E")
_SEVERAL = ("APPAP227E", "APPAP228E", "APPAP229E", "APPAP230E", "APPAP251E")
_REFUSED_LOGIN = ("APPAP008E", "APPAP087E", "APPAP132E", "APPAP133E", "APPAP306E", "APPBC008E")
_CHANGING = ("APPAP282E", "APPAP286E")
_NO_VAULT = ("APPAP007E", "APPAP096W", "APPAP289E", "APPAP291E", "APPAP292E", "APPAP297E", "APPBC007E")
_BAD_REQUEST = ("AIMWS030E", "AIMWS031E", "APPAP081E", "CASVL010E")

_Made = Callable[[str, str], ScopedSecretsError]


def meaning(what: str, path: str, reply: Reply) -> ScopedSecretsError:
    """Return the error for an answer with status 400 or higher, with CyberArk's code in its message and `details`."""
    code = _code_in(reply)
    if not code:
        return _without_code(what, reply.status_code)
    made = _BY_CODE.get(code) or _BY_STATUS.get(reply.status_code) or _unknown(code)
    error = made(what, path)
    if code not in error.message:
        error.message = f"{error.message} CyberArk's code is {code}."
    error.details["provider_code"] = code
    return error


def _code_in(reply: Reply) -> str:
    try:
        code = reply.json()["ErrorCode"]
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _without_code(what: str, status: int) -> ScopedSecretsError:
    """Return the error for an answer without a code, which comes from the web server in front of the provider."""
    if status in (401, 403):
        return failures.login_refused(
            what, f"the web server answers with HTTP status {status}; it may require a client certificate"
        )
    if status == 404:
        why = "its 404 does not come from the Central Credential Provider"
        return failures.malformed_reply(what, why, "Check 'url' and 'web_service'.")
    if status >= 500:
        return failures.unavailable(what, f"it answers with HTTP status {status}")
    return failures.request_refused(what, "read", f"HTTP status {status}")


def _not_found(what: str, path: str) -> ScopedSecretsError:
    error = failures.unknown_path(what, path)
    error.hint = (
        "Check Safe, Folder and Object. CyberArk gives the same answer if the application or the provider is not a "
        "member of the Safe."
    )
    return error


def _several(what: str, path: str) -> ScopedSecretsError:
    return Conflict(
        "ambiguous_path",
        f"'{path}' matches several accounts at {what}.",
        hint="Specify more fields of the account, best Safe, Folder and Object.",
    )


def _refused_login(what: str, _path: str) -> ScopedSecretsError:
    why = "the application is not defined, or not allowed from this machine or with this client certificate"
    return failures.login_refused(what, why)


def _changing(what: str, path: str) -> ScopedSecretsError:
    return Unavailable(
        "password_changing",
        f"The password of '{path}' at {what} is being changed right now.",
        hint="Run again in a minute. With 'fail_on_password_change: false', CyberArk returns the current password.",
        retryable=True,
    )


def _no_vault(what: str, _path: str) -> ScopedSecretsError:
    return failures.unavailable(what, "the Central Credential Provider can't reach its Vault")


def _unknown(code: str) -> _Made:
    return lambda what, path: failures.request_refused(what, f"read '{path}'", code)


_BY_CODE: dict[str, _Made] = {
    **dict.fromkeys(_NOT_FOUND, _not_found),
    **dict.fromkeys(_SEVERAL, _several),
    **dict.fromkeys(_REFUSED_LOGIN, _refused_login),
    **dict.fromkeys(_CHANGING, _changing),
    **dict.fromkeys(_NO_VAULT, _no_vault),
    **{code: _unknown(code) for code in _BAD_REQUEST},
}
_BY_STATUS: dict[int, _Made] = {
    401: _refused_login,
    403: _refused_login,
    404: _not_found,
    **dict.fromkeys((500, 502, 503, 504), lambda what, _path: failures.unavailable(what, "it failed")),
}
"""For codes that CyberArk doesn't document."""
