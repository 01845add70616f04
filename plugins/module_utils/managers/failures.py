# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors shared by all secret managers, so that a failure has the same code with every provider.

`what` names the connector. A provider's own text never goes into a message unless it can't contain a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.errors import Conflict, Damaged, Forbidden, InvalidInput, MissingLibrary, NotFound, Unavailable

__all__ = [
    "denied",
    "empty_value",
    "foreign_secret",
    "incomplete_connector",
    "incomplete_login",
    "incomplete_reply",
    "invalid_option",
    "key_unusable",
    "login_expired",
    "login_refused",
    "malformed_reply",
    "missing_library",
    "missing_project",
    "missing_region",
    "name_not_allowed",
    "no_version",
    "not_able",
    "plain_http",
    "plugin_failed",
    "program_failed",
    "provider_conflict",
    "quota_exceeded",
    "read_only_manager",
    "request_refused",
    "secret_scheduled_for_deletion",
    "secret_version_destroyed",
    "secret_version_disabled",
    "throttled",
    "timed_out",
    "tls_refused",
    "too_large",
    "unavailable",
    "unknown_master_key",
    "unknown_path",
    "unknown_plugin",
    "wrong_data_key",
]


def incomplete_connector(title: str, option: str) -> InvalidInput:
    return InvalidInput("incomplete_connector", f"{title} needs '{option}'.", hint=f"Set '{option}'.")


def incomplete_login(method: str, missing: Iterable[str]) -> InvalidInput:
    names = " and ".join(f"'{name}'" for name in missing)
    return InvalidInput(
        "incomplete_login",
        f"The login '{method}' needs {names}.",
        hint="Set each credential directly or, with '_ref' appended to its name, as a reference to a secret.",
    )


def invalid_option(option: str, problem: str, rule: str) -> InvalidInput:
    """Return the error for a bad value. `problem` completes "The option '...' ..."; `rule` says what to set."""
    return InvalidInput("invalid_option", f"The option '{option}' {problem}.", hint=rule)


def login_refused(what: str, why: str) -> Forbidden:
    """Return the error for a login that the provider rejects. `why` never quotes the provider."""
    return Forbidden(
        "login_refused",
        f"The login of {what} was refused: {why}.",
        hint="Check its credentials and 'auth_method', and look at the provider's log.",
    )


def login_expired(what: str) -> Forbidden:
    """Return the error that makes the engine log in again, once."""
    return Forbidden(
        "login_expired",
        f"The login of {what} is no longer valid.",
        hint="Its token expired or was revoked. Check how long it is valid and whether it can be renewed.",
    )


def denied(what: str, doing: str, needs: str = "") -> Forbidden:
    """`doing` is, for example, "read 'path'"; `needs` is the missing permission in the provider's terms."""
    needed = f" It needs: {needs}." if needs else ""
    return Forbidden(
        "provider_denied",
        f"{what} may not {doing}.",
        hint=f"Grant its login the permission.{needed} This secret manager's page lists the minimum.",
    )


def unknown_path(what: str, path: str, version: str = "") -> NotFound:
    where = f"version {version} of '{path}'" if version else f"'{path}'"
    escape = " For an '@' in the path write %40." if version else ""
    return NotFound(
        "unknown_path",
        f"{what} has no {where}.",
        hint="Check the path and the connector's location (engine, base path, prefix, region). If it was deleted at "
        f"the provider, restore it there or declare it again.{escape}",
    )


def unavailable(what: str, why: str) -> Unavailable:
    return Unavailable(
        "provider_unavailable",
        f"{what} can't be reached: {why}.",
        hint="Check its address, the network and the provider's status, then run again.",
        retryable=True,
    )


def timed_out(what: str, seconds: float) -> Unavailable:
    return Unavailable(
        "provider_timeout",
        f"{what} did not answer within {seconds:.0f} seconds, including retries.",
        hint="Run again, or raise 'timeout' or 'retries' of the connector.",
        retryable=True,
    )


def tls_refused(what: str, why: str) -> Unavailable:
    return Unavailable(
        "tls_refused",
        f"{what} can't be trusted: {why}.",
        hint="Set 'ca_cert' to the server's certificate authority, or correct the host name in its address.",
    )


def throttled(what: str) -> Unavailable:
    return Unavailable(
        "provider_throttled",
        f"{what} still limits the request rate after several tries.",
        hint="Run again later or with fewer forks, or request a higher quota.",
        retryable=True,
    )


def incomplete_reply(what: str, path: str) -> Unavailable:
    """Return the error for a reply without a value: a truncated reply must not pass for an empty value."""
    return Unavailable(
        "incomplete_reply",
        f"{what} answered for '{path}' without a value.",
        hint="The reply was truncated on its way, or the secret has no value yet. Run again.",
        retryable=True,
    )


def malformed_reply(what: str, why: str, hint: str = "") -> Unavailable:
    return Unavailable(
        "malformed_reply",
        f"{what} sent an unusable answer: {why}.",
        hint=hint or "Check that its address leads to the provider itself, not to a proxy or a login page.",
        retryable=True,
    )


def foreign_secret(what: str, path: str) -> Conflict:
    return Conflict(
        "foreign_secret",
        f"'{path}' exists at {what} and was not created by this connector.",
        hint="Set 'adopt: true' to take it over, set 'reference' to only read it, or choose another identifier.",
    )


def fields_would_go(what: str, path: str, fields: Sequence[str]) -> Conflict:
    return Conflict(
        "fields_would_go",
        f"'{path}' at {what} has more fields than a value: {', '.join(fields)}. Taking it over would remove them.",
        hint="Set 'reference' to read a field of it, choose another identifier, or set 'drop_fields: true' if they may "
        "go.",
        details={"fields": list(fields)},
    )


def provider_conflict(what: str, path: str) -> Conflict:
    return Conflict(
        "provider_conflict",
        f"'{path}' at {what} kept changing while it was written.",
        hint="Run again. If the error persists, find out who else writes to it.",
        retryable=True,
    )


def read_only_manager(what: str) -> InvalidInput:
    return InvalidInput(
        "read_only_manager",
        f"{what} is read-only.",
        hint="Set 'read_only: false' on the connector, or declare the secret with 'reference'.",
    )


def not_able(what: str, title: str, doing: str, hint: str = "") -> InvalidInput:
    """Return the error for a verb that a kind doesn't have. `hint` names an alternative."""
    return InvalidInput(
        "not_supported",
        f"{what} can't {doing}: {title} does not support it.",
        hint=hint or "See the table of secret managers in the documentation for what each one can do.",
    )


def no_version(what: str, title: str, version: str) -> InvalidInput:
    """Return the error for a version at a kind that has none."""
    hint = "Read it without a version. If the '@' belongs to the path, write %40 for it."
    return not_able(what, title, f"read version {version}", hint)


def name_not_allowed(what: str, name: str, rule: str) -> InvalidInput:
    return InvalidInput(
        "name_not_allowed", f"{what} does not accept the name {name[:200]!r}.", hint=f"Choose a valid name: {rule}."
    )


def too_large(what: str, size: int, limit: int) -> InvalidInput:
    return InvalidInput(
        "value_too_large_for_manager",
        f"The value has {size} bytes; {what} takes at most {limit}.",
        hint="Keep it in the built-in secret manager or in one that uses a KMS (10 MiB each), or split it.",
    )


def plain_http(what: str, option: str) -> InvalidInput:
    return InvalidInput(
        "plain_http",
        f"'{option}' of {what} is plain http, which exposes every value to the network.",
        hint="Use https. If the network is protected by other means, set 'allow_plain_http: true'.",
    )


def missing_library(requirement: str, title: str) -> MissingLibrary:
    return MissingLibrary("missing_library", requirement=requirement, needed_for=f"for {title}", hint="")


def key_unusable(what: str, why: str) -> Conflict:
    """Return the error for a key that exists but is disabled, pending deletion or of the wrong type."""
    return Conflict(
        "key_unusable",
        f"The key of {what} can't be used: {why}.",
        hint="Enable it at the provider or cancel its deletion. The values it wrapped can't be read without it.",
    )


def wrong_data_key(what: str) -> Damaged:
    """Return the error for a data key that doesn't unwrap: another key, another context or altered bytes."""
    return Damaged(
        "damaged_data_key",
        f"{what} did not wrap the data key of this value.",
        hint="The row was altered or moved, or the connector's key was replaced. Restore the newest backup.",
    )


def unknown_master_key(what: str, key: str) -> NotFound:
    """Return the error for a wrapping key that the provider doesn't have."""
    return NotFound(
        "unknown_master_key",
        f"The key '{key}' of {what} does not exist at the provider.",
        hint="Check its name, the account and the region. The values it wrapped can't be read without it.",
    )


def secret_scheduled_for_deletion(what: str, path: str) -> NotFound:
    return NotFound(
        "secret_scheduled_for_deletion",
        f"'{path}' at {what} is deleted and in its recovery period.",
        hint="Restore it at the provider, or declare it again if this connector created it. Otherwise set "
        "'adopt: true' or choose another identifier.",
    )


def empty_value(what: str, like: str = "is empty") -> InvalidInput:
    """`like` describes what the provider takes for empty."""
    return InvalidInput(
        "empty_value_not_allowed",
        f"The value {like}, and {what} can't keep an empty value.",
        hint="Keep it in the built-in secret manager or in one that uses a KMS, or remove the secret.",
    )


def quota_exceeded(what: str, doing: str) -> Conflict:
    return Conflict(
        "provider_quota_exceeded",
        f"{what} can't {doing}: a quota of the account is exhausted.",
        hint="Check the provider's quotas (secrets, versions, tags). Remove what you don't need, or have one raised.",
    )


def request_refused(what: str, doing: str, why: str) -> InvalidInput:
    """Return the error for other refusals. `why` is a code, never the provider's text."""
    return InvalidInput(
        "provider_refused",
        f"{what} can't {doing}: the provider refuses the request ({why}).",
        hint="Look the code up in the provider's documentation, and check the options of the connector and the secret.",
    )


def missing_region(what: str) -> InvalidInput:
    return InvalidInput(
        "missing_region",
        f"No region is known for {what}.",
        hint="Set 'region' of the connector, or AWS_REGION in the environment of ansible-playbook.",
    )


def program_failed(what: str, why: str) -> Unavailable:
    """Return the error for an external program that crashes or doesn't start. `why` never quotes its output."""
    return Unavailable(
        "program_failed",
        f"The program of {what} failed: {why}.",
        hint="Run it by hand as the user that runs ansible-playbook to see its standard error, which is discarded.",
    )


def unknown_plugin(what: str, plugin: str) -> MissingLibrary:
    """Return the error for a missing plugin. It isn't a NotFound, which would mean a missing secret."""
    return MissingLibrary(
        "unknown_plugin",
        f"{what} needs the lookup plugin '{plugin}', which is not installed.",
        hint="Install its collection on the control node, in one of COLLECTIONS_PATHS (see ansible-config dump), and "
        "write its full name: namespace.collection.plugin.",
    )


def plugin_failed(what: str, plugin: str, kind: str) -> Unavailable:
    """Return the error for an exception in a lookup plugin. `kind` is its class: its text may hold a value."""
    return Unavailable(
        "plugin_failed",
        f"The lookup plugin '{plugin}' of {what} failed with {kind}.",
        hint="Call it in a playbook with the same options to see its error message.",
    )


def missing_project(what: str) -> InvalidInput:
    return InvalidInput(
        "missing_project",
        f"No project is known for {what}.",
        hint="Set 'gcp_project' of the connector, or GOOGLE_CLOUD_PROJECT in the environment of ansible-playbook.",
    )


def secret_version_disabled(what: str, path: str) -> Conflict:
    return Conflict(
        "secret_version_disabled",
        f"The version of '{path}' at {what} is disabled.",
        hint="Enable it at the provider, or name an enabled version.",
    )


def secret_version_destroyed(what: str, path: str) -> NotFound:
    return NotFound(
        "secret_version_destroyed",
        f"The version of '{path}' at {what} was destroyed; its value is lost.",
        hint="Name another version, or declare the secret again with its value.",
    )
