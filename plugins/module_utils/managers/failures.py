# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that secret managers have in common, so that one failure has one code whatever the provider.

`what` names the connector. No text of a provider goes into a message unless the kind knows that it holds no value.
"""

from __future__ import annotations

from collections.abc import Iterable

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
    return InvalidInput("incomplete_connector", f"{title} lacks '{option}'.", hint=f"Set '{option}'.")


def incomplete_login(method: str, missing: Iterable[str]) -> InvalidInput:
    names = " and ".join(f"'{name}'" for name in missing)
    return InvalidInput(
        "incomplete_login",
        f"The login '{method}' lacks {names}.",
        hint="Give each credential as the option itself or, with '_ref' after its name, as a reference to a secret.",
    )


def invalid_option(option: str, problem: str, rule: str) -> InvalidInput:
    """`problem` completes the sentence "The option '...' ..."; `rule` says what to set instead."""
    return InvalidInput("invalid_option", f"The option '{option}' {problem}.", hint=rule)


def login_refused(what: str, why: str) -> Forbidden:
    """The provider knows who asks and says no, or does not know the credential at all."""
    return Forbidden(
        "login_refused",
        f"The login of {what} was refused: {why}.",
        hint="Check its credentials and 'auth_method', and what the provider's own log says.",
    )


def login_expired(what: str) -> Forbidden:
    """The engine logs in again once when it sees this one."""
    return Forbidden(
        "login_expired",
        f"The login of {what} is no longer valid.",
        hint="Its token expired or was revoked: check how long it lives and whether it can be renewed.",
    )


def denied(what: str, doing: str, needs: str = "") -> Forbidden:
    """`doing`: to read 'path', …; `needs`: the permission that is missing, in the provider's words."""
    needed = f" It needs: {needs}." if needs else ""
    return Forbidden(
        "provider_denied",
        f"{what} may not {doing}.",
        hint=f"Give its login the permission.{needed} The page of this secret manager has the least that it needs.",
    )


def unknown_path(what: str, path: str, version: str = "") -> NotFound:
    where = f"version {version} of '{path}'" if version else f"'{path}'"
    return NotFound(
        "unknown_path",
        f"{what} has no {where}.",
        hint="Check the path, and the connector's own place (engine, base path, prefix, region). A secret that was "
        "deleted at the provider must be restored there or declared again.",
    )


def unavailable(what: str, why: str) -> Unavailable:
    return Unavailable(
        "provider_unavailable",
        f"{what} can't be reached: {why}.",
        hint="Check its address, the network and the provider's state, then run it again.",
        retryable=True,
    )


def timed_out(what: str, seconds: float) -> Unavailable:
    return Unavailable(
        "provider_timeout",
        f"{what} gave no answer within {seconds:.0f} seconds, retries included.",
        hint="Run it again; 'timeout' and 'retries' of the connector may be raised.",
        retryable=True,
    )


def tls_refused(what: str, why: str) -> Unavailable:
    return Unavailable(
        "tls_refused",
        f"{what} can't be trusted: {why}.",
        hint="Set 'ca_cert' to the certificate authority of the server, or correct the name in its address.",
    )


def throttled(what: str) -> Unavailable:
    return Unavailable(
        "provider_throttled",
        f"{what} refuses more requests for now, after several tries.",
        hint="Run it again later, with fewer forks, or ask for a higher quota.",
        retryable=True,
    )


def incomplete_reply(what: str, path: str) -> Unavailable:
    """A truncated reply can look like success: it never counts as an empty value."""
    return Unavailable(
        "incomplete_reply",
        f"{what} answered for '{path}' without a value in the reply.",
        hint="Something on the way cut it short, or the secret has no value yet. Run it again.",
        retryable=True,
    )


def malformed_reply(what: str, why: str, hint: str = "") -> Unavailable:
    return Unavailable(
        "malformed_reply",
        f"{what} gave an answer that can't be used: {why}.",
        hint=hint or "Check that its address leads to the provider itself, and not to a proxy or a login page.",
        retryable=True,
    )


def foreign_secret(what: str, path: str) -> Conflict:
    return Conflict(
        "foreign_secret",
        f"'{path}' exists at {what} and was not made by this connector.",
        hint="Set 'adopt: true' to take it over, use 'reference' to read it only, or choose another identifier.",
    )


def provider_conflict(what: str, path: str) -> Conflict:
    return Conflict(
        "provider_conflict",
        f"'{path}' at {what} was changed by somebody else again and again while it was written.",
        hint="Run it again. If it stays, find out what else writes there.",
        retryable=True,
    )


def read_only_manager(what: str) -> InvalidInput:
    return InvalidInput(
        "read_only_manager",
        f"{what} is read-only here.",
        hint="Set 'read_only: false' on the connector, or declare the secret with 'reference'.",
    )


def not_able(what: str, title: str, doing: str, hint: str = "") -> InvalidInput:
    """The one error for a verb that a kind does not have. `hint`: what there is instead."""
    return InvalidInput(
        "not_supported",
        f"{what} can't {doing}: {title} does not do that here.",
        hint=hint or "The table of secret managers in the documentation has what each can do.",
    )


def name_not_allowed(what: str, name: str, rule: str) -> InvalidInput:
    return InvalidInput(
        "name_not_allowed", f"{name[:200]!r} can't be a name at {what}.", hint=f"Its rule for names: {rule}."
    )


def too_large(what: str, size: int, limit: int) -> InvalidInput:
    return InvalidInput(
        "value_too_large_for_manager",
        f"The value has {size} bytes; {what} takes at most {limit}.",
        hint="Keep it in the built-in secret manager or a KMS one (10 MiB), or split it.",
    )


def plain_http(what: str, option: str) -> InvalidInput:
    return InvalidInput(
        "plain_http",
        f"'{option}' of {what} is plain http, which shows every value to the network.",
        hint="Use https. For a network that is protected otherwise, set 'allow_plain_http: true'.",
    )


def missing_library(requirement: str, title: str) -> MissingLibrary:
    return MissingLibrary("missing_library", requirement=requirement, needed_for=f"for {title}", hint="")


def key_unusable(what: str, why: str) -> Conflict:
    """A key that exists and can't be used: disabled, pending deletion, of the wrong kind."""
    return Conflict(
        "key_unusable",
        f"The key of {what} can't be used: {why}.",
        hint="Enable it again at the provider, or cancel its deletion. Without it what it wrapped can't be read.",
    )


def wrong_data_key(what: str) -> Damaged:
    """The provider refused to unwrap: another key, another context, or altered bytes."""
    return Damaged(
        "damaged_data_key",
        f"The data key of a value is not one that {what} wrapped for it.",
        hint="The row was altered or moved, or the connector's key is another one. Restore the newest backup.",
    )


def unknown_master_key(what: str, key: str) -> NotFound:
    """The provider's key that wraps data keys does not exist there, or no longer."""
    return NotFound(
        "unknown_master_key",
        f"The key '{key}' of {what} does not exist at the provider.",
        hint="Check its name, the account and the region. Without it what it wrapped can't be read.",
    )


def secret_scheduled_for_deletion(what: str, path: str) -> NotFound:
    return NotFound(
        "secret_scheduled_for_deletion",
        f"'{path}' at {what} was deleted and is kept there only for its recovery period.",
        hint="Restore it at the provider. One that this connector made is restored when it is declared again; for "
        "another, set 'adopt: true' or choose another identifier.",
    )


def empty_value(what: str, like: str = "is empty") -> InvalidInput:
    """`like`: what the provider takes for empty."""
    return InvalidInput(
        "empty_value_not_allowed",
        f"The value {like}, and {what} can't keep an empty value.",
        hint="Keep it in the built-in secret manager or a KMS one, or remove the secret.",
    )


def quota_exceeded(what: str, doing: str) -> Conflict:
    return Conflict(
        "provider_quota_exceeded",
        f"{what} can't {doing}: a quota of the account is used up.",
        hint="Look at the provider's quotas (secrets, versions, tags): remove what is not needed, or have it raised.",
    )


def request_refused(what: str, doing: str, why: str) -> InvalidInput:
    """The provider won't do it, for a reason that is neither rights nor rates. `why`: a code, never its text."""
    return InvalidInput(
        "provider_refused",
        f"{what} can't {doing}: the provider refuses the request ({why}).",
        hint="Look for this code in the provider's documentation, and at the options of the connector and the secret.",
    )


def missing_region(what: str) -> InvalidInput:
    return InvalidInput(
        "missing_region",
        f"No region is known for {what}.",
        hint="Set 'region' on the connector, or AWS_REGION in the environment of ansible-playbook.",
    )


def program_failed(what: str, why: str) -> Unavailable:
    """An external program that tells nothing by its status, or does not run. `why`: nothing that it wrote."""
    return Unavailable(
        "program_failed",
        f"The program of {what} failed: {why}.",
        hint="Run it by hand as the user that runs ansible-playbook: what it writes to standard error is thrown away.",
    )


def unknown_plugin(what: str, plugin: str) -> MissingLibrary:
    """Not a NotFound: nobody may take it for a secret that is not there."""
    return MissingLibrary(
        "unknown_plugin",
        f"{what} needs the lookup plugin '{plugin}', which is not installed.",
        hint="Install its collection on the control node, in a path that the run searches (ansible-config dump has "
        "COLLECTIONS_PATHS), and write the whole name: namespace.collection.plugin.",
    )


def plugin_failed(what: str, plugin: str, kind: str) -> Unavailable:
    """A lookup plugin raised an error. `kind`: the name of its class, never its text, which may hold a value."""
    return Unavailable(
        "plugin_failed",
        f"The lookup plugin '{plugin}' of {what} failed with {kind}.",
        hint="Call it by itself in a playbook, with the same options, to see what it says.",
    )


def missing_project(what: str) -> InvalidInput:
    return InvalidInput(
        "missing_project",
        f"No project is known for {what}.",
        hint="Set 'gcp_project' on the connector, or GOOGLE_CLOUD_PROJECT in the environment of ansible-playbook.",
    )


def secret_version_disabled(what: str, path: str) -> Conflict:
    """It is there, and somebody switched it off."""
    return Conflict(
        "secret_version_disabled",
        f"The version of '{path}' at {what} is disabled.",
        hint="Enable it at the provider, or name a version that is enabled.",
    )


def secret_version_destroyed(what: str, path: str) -> NotFound:
    return NotFound(
        "secret_version_destroyed",
        f"The version of '{path}' at {what} was destroyed: its value is gone for good.",
        hint="Name another version, or declare the secret again with its value.",
    )
