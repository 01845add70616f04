# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Secrets Manager: keeps values."""

from __future__ import annotations

import copy
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...model.errors import ScopedSecretsError, Unavailable
from .. import failures
from ..base import ArgumentSpec, Capability, ConnectorContext, ExpectedError, Found, ValueKeeper, Writing
from ..checks import PROBE, Aim, is_denied, not_proved, probe_name
from ..network import check_range
from ..path_templates import PATH_TEMPLATE
from ..probe import write_probe
from .logins import LOGINS
from .options import AWS_NETWORK, SHARED_OPTIONS, check_options
from .session import REQUIREMENT, AwsSession

__all__ = ["MANAGER", "OWNER_TAG", "AwsSecretsManager"]

OWNER_TAG = "scoped-secrets:owner"
# From the API reference: CreateSecret, GetSecretValue, BatchGetSecretValue.
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_NAME_RULE = "letters, digits and /_+=.@-, 512 characters at most with the prefix"
_VERSION_ID = re.compile(r"[0-9A-Za-z-]{32,64}")
_MAX_PAGES = 40
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the tries of a check whose name is still taken."""
_MISSING = "ResourceNotFoundException"
_EXISTS = "ResourceExistsException"
_DELETED = "MarkedForDeletion"
_CURRENT = "AWSCURRENT"


class _BeingDeletedError(Unavailable):
    """A deleted secret still has its name. AWS takes a while even for deletions that are forced."""


class AwsSecretsManager(ValueKeeper):
    """Secrets in one account and region, under a prefix. Those that this connector created have their owner's tag."""

    KIND = "aws_secrets_manager"
    TITLE = "AWS Secrets Manager"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "prefix": {"type": "str"},
        **PATH_TEMPLATE,
        "kms_key_id": {"type": "str", "no_log": False},
        "recovery_window_days": {"type": "int"},
        "force_delete": {"type": "bool"},
        "use_put_secret_value": {"type": "bool", "no_log": False},
        "replicas": {"type": "list", "elements": "str"},
        **SHARED_OPTIONS,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        **AWS_NETWORK.defaults,
        "prefix": "",
        "recovery_window_days": 30,
        "force_delete": False,
        "use_put_secret_value": False,
        "replicas": [],
    }
    LOCATION = frozenset({"region", "prefix", "endpoint_url"}) | PATH_TEMPLATE.keys()
    REFERABLE = AWS_NETWORK.referable
    NETWORK = AWS_NETWORK
    LOGINS = LOGINS
    CAPABILITIES = frozenset(Capability)
    MAX_VALUE = 65_536
    REQUIREMENTS = (REQUIREMENT,)
    BATCH = 20

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        super().__init__(options, connector)
        self._reads_batches = True

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        check_options(options, cls.TITLE)
        check_range(options, "recovery_window_days", 7, 30)
        prefix = str(options.get("prefix") or "").strip("/")
        if prefix and not _NAME.fullmatch(prefix):
            raise failures.invalid_option(
                "prefix", "is not valid at the start of a name", f"Names may contain {_NAME_RULE}."
            )
        regions = options.get("replicas") or []
        for region in regions:
            check_options({"region": region}, cls.TITLE)
        if len(set(regions)) != len(regions) or options.get("region") in regions:
            raise failures.invalid_option(
                "replicas", "names a region twice", "List each additional region once, without 'region' itself."
            )

    def login(self) -> None:
        session = AwsSession(self.options, self.connector, str(self.options.get("pinned_region") or ""))
        session.log_in(self.chosen_login())
        own = {
            _DELETED: lambda path: failures.secret_scheduled_for_deletion(self.connector.what, path),
            "DecryptionFailure": lambda path: failures.key_unusable(self.connector.what, f"decrypting '{path}' failed"),
            "EncryptionFailure": lambda path: failures.key_unusable(self.connector.what, f"encrypting '{path}' failed"),
        }
        self._client = session.client("secretsmanager", own)
        self._session = session

    def prove_reading(self) -> str:
        """Prove read access under the prefix by requesting a random name that doesn't exist."""
        path = self._absent()
        if self._exists("get_secret_value", path):
            raise failures.malformed_reply(self.connector.what, "it has a secret under a random name")
        return f"AWS answered secretsmanager:GetSecretValue for '{path}', which does not exist"

    def prove_writing(self, aim: Aim) -> str:
        """Prove write access by a secret that is removed at once; first, that it can be removed."""
        path, absent = self.place_of_check(probe_name(self.connector.what)), self._absent()
        self._described(path)
        if not self._may_delete_at_once(absent):
            why = "it may not delete at once (ForceDeleteWithoutRecovery), so that a secret of the check would stay"
            return not_proved(f"{why} for days")
        self._exists("restore_secret", absent)
        if self.options["use_put_secret_value"]:
            self._exists("put_secret_value", absent, SecretString="-")
        if not self._has_written(path, aim):
            return not_proved(f"AWS is still deleting '{path}', which an earlier check wrote")
        return f"wrote, changed and removed '{path}'"

    def _has_written(self, path: str, aim: Aim) -> bool:
        """Return whether the secret could be written. AWS recommends to wait while one is still being deleted."""
        keeper = copy.copy(self)
        keeper.options = {**self.options, "force_delete": True, "replicas": []}
        for pause in _PAUSES:
            try:
                write_probe(keeper, path, aim.turn, by_hand=_by_hand(path))
                return True
            except _BeingDeletedError:
                time.sleep(pause)
        return False

    def _absent(self) -> str:
        return self.place_of_check(f"{PROBE}-{uuid.uuid4().hex}")

    def _exists(self, operation: str, path: str, **more: Any) -> bool:
        """Return whether an operation finds a secret. Raises what AWS refuses, which it does before it looks."""
        try:
            self._call(operation, path, expecting=frozenset({_MISSING}), SecretId=path, **more)
        except ExpectedError:
            return False
        return True

    def _may_delete_at_once(self, absent: str) -> bool:
        """Return whether deletions may be forced. Policies can forbid that alone. Raises if none is allowed."""
        if not is_denied(lambda: self._exists("delete_secret", absent, ForceDeleteWithoutRecovery=True)):
            return True
        self._exists("delete_secret", absent, RecoveryWindowInDays=self.options["recovery_window_days"])
        return False

    def settled(self) -> dict[str, Any]:
        """Keep the region, which may come from the environment of this run."""
        return {"pinned_region": self._session.region}

    def close(self) -> None:
        self._session.close()

    # Reading.

    def path_of(self, *names: str) -> str:
        prefix = str(self.options["prefix"] or "").strip("/")
        path = "/".join([*filter(None, [prefix]), *names])
        if not _NAME.fullmatch(path):
            raise failures.name_not_allowed(self.connector.what, path, _NAME_RULE)
        return path

    def read(self, path: str, version: str = "") -> Found:
        which = {}
        if version:
            which = {"VersionId" if _VERSION_ID.fullmatch(version) else "VersionStage": version}
        try:
            reply = self._call("get_secret_value", path, expecting=frozenset({_MISSING}), SecretId=path, **which)
        except ExpectedError:
            raise failures.unknown_path(self.connector.what, path, version) from None
        return self._found(path, reply)

    def read_many(self, paths: Sequence[str]) -> dict[str, Found | ScopedSecretsError]:
        wanted = list(dict.fromkeys(paths))
        if len(wanted) > 1 and self._reads_batches:
            found = self._batch(wanted)
            if found is not None:
                return found
        return super().read_many(wanted)

    def _batch(self, paths: list[str]) -> dict[str, Found | ScopedSecretsError] | None:
        """Return what one batch request finds, None if batch requests are not available."""
        try:
            entries, errors = self._batch_pages(paths)
        except ScopedSecretsError as error:
            if error.code not in ("provider_denied", "provider_refused", "unknown_path"):
                return dict.fromkeys(paths, error)
            # Batch requests need their own permission, and not every AWS-compatible server has them.
            self._reads_batches = error.code == "unknown_path"
            return None
        return {path: self._from_batch(path, entries, errors) for path in paths}

    def _batch_pages(self, ids: list[str]) -> tuple[list[Any], list[Any]]:
        entries: list[Any] = []
        errors: list[Any] = []
        page: dict[str, Any] = {}
        for _page in range(_MAX_PAGES):
            reply = self._call("batch_get_secret_value", ids[0], SecretIdList=ids, **page)
            entries += reply.get("SecretValues") or []
            errors += reply.get("Errors") or []
            if not reply.get("NextToken"):
                return entries, errors
            page = {"NextToken": reply["NextToken"]}
        raise failures.malformed_reply(self.connector.what, "a batch of 20 secrets has too many pages")

    def _from_batch(self, path: str, entries: list[Any], errors: list[Any]) -> Found | ScopedSecretsError:
        for entry in entries:
            if _matches(path, entry.get("Name"), entry.get("ARN")):
                try:
                    return self._found(path, entry)
                except ScopedSecretsError as error:
                    return error
        for entry in errors:
            if _matches(path, entry.get("SecretId"), entry.get("SecretId")):
                code, text = str(entry.get("ErrorCode", "")), str(entry.get("Message", ""))
                return self._client.error_of("get_secret_value", path, code, text)
        return failures.incomplete_reply(self.connector.what, path)

    def _found(self, path: str, reply: Mapping[str, Any]) -> Found:
        text, data = reply.get("SecretString"), reply.get("SecretBinary")
        if isinstance(text, str):
            try:
                return Found(text.encode(), str(reply.get("VersionId") or ""))
            except UnicodeEncodeError:
                raise failures.malformed_reply(
                    self.connector.what, "the text of the value is not valid Unicode"
                ) from None
        if isinstance(data, bytes):
            return Found(data, str(reply.get("VersionId") or ""))
        raise failures.incomplete_reply(self.connector.what, path)

    # Writing.

    def check_writing(self, value: bytes | None) -> None:
        super().check_writing(value)
        if value == b"":
            raise failures.empty_value(self.connector.what)

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        self.check_writing(value)
        content = {**_content(value), "ClientRequestToken": str(uuid.uuid4())}
        version = self._create(path, content, writing)
        return version or self._update(path, content, writing)

    def _create(self, path: str, content: Mapping[str, Any], writing: Writing) -> str:
        """Return the version of a newly created secret, empty if the name is taken.

        Creating comes first because most writes are the first one, which then takes one request.
        """
        optional = {
            "Description": writing.description,
            "KmsKeyId": self.options.get("kms_key_id"),
            "AddReplicaRegions": [{"Region": region} for region in self.options["replicas"] or []],
        }
        try:
            reply = self._call(
                "create_secret",
                path,
                expecting=frozenset({_EXISTS, _DELETED}),
                Name=path,
                Tags=_tag_list(self._tags(writing)),
                **{name: given for name, given in optional.items() if given},
                **content,
            )
        except ExpectedError:
            return ""
        return self._version_in(reply, path)

    def _update(self, path: str, content: Mapping[str, Any], writing: Writing) -> str:
        existing = self._described(path)
        if existing is None:
            raise _being_deleted(self.connector.what, path)
        if not writing.adopt:
            self._refuse_foreign(path, existing, writing.owner)
        if existing.get("DeletedDate"):
            self._call("restore_secret", path, SecretId=path)
        self._update_tags(path, existing, writing)
        version = self._put(path, content, existing, writing)
        self._add_replicas(path, existing)
        return version

    def foresee(self, path: str, value: bytes, writing: Writing) -> None:
        existing = self._described(path)
        if existing and not writing.adopt:
            self._refuse_foreign(path, existing, writing.owner)

    def check_owner(self, path: str, owner: str) -> None:
        self._owned(path, owner)

    def relabel(self, path: str, writing: Writing) -> None:
        existing = self._owned(path, writing.owner)
        if existing.get("DeletedDate"):
            raise failures.secret_scheduled_for_deletion(self.connector.what, path)
        self._update_tags(path, existing, writing)
        is_described = self.options["use_put_secret_value"] or writing.description == existing.get("Description", "")
        if not is_described:
            self._call("update_secret", path, SecretId=path, Description=writing.description)

    def _put(self, path: str, content: Mapping[str, Any], existing: Mapping[str, Any], writing: Writing) -> str:
        if self.options["use_put_secret_value"]:
            return self._version_in(self._call("put_secret_value", path, SecretId=path, **content), path)
        changes: dict[str, Any] = {}
        if writing.description != existing.get("Description", ""):
            changes["Description"] = writing.description
        key = self.options.get("kms_key_id")
        if key and key != existing.get("KmsKeyId"):
            changes["KmsKeyId"] = key
        return self._version_in(self._call("update_secret", path, SecretId=path, **changes, **content), path)

    def _update_tags(self, path: str, existing: Mapping[str, Any], writing: Writing) -> None:
        old = _tags_of(existing)
        changed = {name: value for name, value in self._tags(writing).items() if old.get(name) != value}
        if changed:
            self._call("tag_resource", path, SecretId=path, Tags=_tag_list(changed))

    def _add_replicas(self, path: str, existing: Mapping[str, Any]) -> None:
        known = {status.get("Region") for status in existing.get("ReplicationStatus") or []}
        missing = [region for region in self.options["replicas"] or [] if region not in known]
        if missing:
            self._call(
                "replicate_secret_to_regions",
                path,
                SecretId=path,
                AddReplicaRegions=[{"Region": region} for region in missing],
            )

    def remove(self, path: str, owner: str) -> None:
        existing = self._described(path)
        if existing is None:
            return
        is_forced = bool(self.options["force_delete"])
        if existing.get("DeletedDate") and not is_forced:
            return
        self._refuse_foreign(path, existing, owner)
        regions = [status["Region"] for status in existing.get("ReplicationStatus") or [] if status.get("Region")]
        if regions:
            self._call("remove_regions_from_replication", path, SecretId=path, RemoveReplicaRegions=regions)
        days = {"RecoveryWindowInDays": self.options["recovery_window_days"]}
        how = {"ForceDeleteWithoutRecovery": True} if is_forced else days
        try:
            self._call("delete_secret", path, expecting=frozenset({_MISSING, _DELETED}), SecretId=path, **how)
        except ExpectedError:
            return

    def _described(self, path: str) -> dict[str, Any] | None:
        """Return the description of a secret, None if it doesn't exist."""
        try:
            reply = self._call("describe_secret", path, expecting=frozenset({_MISSING}), SecretId=path)
        except ExpectedError:
            return None
        # In a truncated reply, our own secret would look like someone else's.
        if not reply.get("ARN"):
            raise failures.incomplete_reply(self.connector.what, path)
        return reply

    def _owned(self, path: str, owner: str) -> dict[str, Any]:
        """Return the description of a secret that has this owner's mark."""
        existing = self._described(path)
        if existing is None:
            raise failures.unknown_path(self.connector.what, path)
        self._refuse_foreign(path, existing, owner)
        return existing

    def _refuse_foreign(self, path: str, existing: Mapping[str, Any], owner: str) -> None:
        if _tags_of(existing).get(OWNER_TAG) == owner:
            return
        if existing.get("DeletedDate"):
            raise failures.secret_scheduled_for_deletion(self.connector.what, path)
        raise failures.foreign_secret(self.connector.what, path)

    def _tags(self, writing: Writing) -> dict[str, str]:
        return {**writing.tags, OWNER_TAG: writing.owner}

    def _version_in(self, reply: Mapping[str, Any], path: str) -> str:
        if not reply.get("VersionId"):
            raise failures.incomplete_reply(self.connector.what, path)
        return str(reply["VersionId"])

    def _call(self, operation: str, path: str, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, path, **parameters)


def _being_deleted(what: str, path: str) -> _BeingDeletedError:
    error = failures.unavailable(what, f"'{path}' is being deleted there right now")
    return _BeingDeletedError(error.code, error.message, hint=error.hint, retryable=True)


def _by_hand(path: str) -> str:
    return f"aws secretsmanager delete-secret --secret-id {path} --force-delete-without-recovery"


def _matches(path: str, name: Any, arn: Any) -> bool:
    # In an ARN, AWS appends `-` and six characters to the name. Users may leave those out.
    return path in (name, arn) or re.fullmatch(re.escape(path) + "-[A-Za-z0-9]{6}", str(arn or "")) is not None


def _content(value: bytes) -> dict[str, Any]:
    """Return a value as AWS stores it. UTF-8 becomes text, which the console and other programs can read."""
    try:
        return {"SecretString": value.decode()}
    except UnicodeDecodeError:
        return {"SecretBinary": value}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def _tags_of(described: Mapping[str, Any]) -> dict[str, str]:
    return {tag.get("Key", ""): tag.get("Value", "") for tag in described.get("Tags") or []}


MANAGER = AwsSecretsManager
