# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Secret Manager: keeps values."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from ...model.errors import ScopedSecretsError, Unavailable
from .. import failures
from ..base import ArgumentSpec, Capability, ConnectorContext, ExpectedError, Found, ValueKeeper, Writing
from ..checks import PROBE, Aim, probe_name
from ..http import REQUIREMENTS as HTTP_REQUIREMENTS
from ..path_templates import PATH_TEMPLATE
from ..probe import write_probe
from .logins import LOGINS
from .options import GCP_NETWORK, SHARED_OPTIONS, check_options
from .session import CHECKSUM_REQUIREMENT, Corrupted, GcpSession, Service, checksum

__all__ = ["MANAGER", "OWNER_LABEL", "GcpSecretManager", "owner_mark"]

_REQUIREMENT = "google-cloud-secret-manager>=2.20"
OWNER_LABEL = "scoped-secrets-owner"
DESCRIPTION = "description"
# From the API reference: CreateSecret, AddSecretVersion, the resource Secret.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
_NAME_RULE = "letters, digits, - and _, 255 characters at most with the prefix"
_FULL_NAME = re.compile(r"projects/[a-z0-9.:-]{1,160}/secrets/[A-Za-z0-9_-]{1,255}", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
_LOCATION = re.compile(r"[a-z]+(-[a-z0-9]+)+", re.ASCII)
_LABEL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}", re.ASCII)
_ANNOTATION_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_MAX_BYTES = 65_536
_MISSING, _EXISTS = "NOT_FOUND", "ALREADY_EXISTS"
_LATEST = "latest"
# The service's answers to an outdated etag.
_STALE = frozenset({"ABORTED", "FAILED_PRECONDITION"})
_PERMISSIONS = {
    "access_secret_version": "secretmanager.versions.access",
    "add_secret_version": "secretmanager.versions.add",
    "create_secret": "secretmanager.secrets.create",
    "delete_secret": "secretmanager.secrets.delete",
    "get_secret": "secretmanager.secrets.get",
    "update_secret": "secretmanager.secrets.update",
}


class GcpSecretManager(ValueKeeper):
    """Secrets in one project, named with a prefix. Those that this connector created have its label."""

    KIND = "gcp_secret_manager"
    TITLE = "Google Secret Manager"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "prefix": {"type": "str"},
        **PATH_TEMPLATE,
        "locations": {"type": "list", "elements": "str"},
        **SHARED_OPTIONS,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {**GCP_NETWORK.defaults, "prefix": "", "locations": []}
    LOCATION = frozenset({"gcp_project", "prefix", "endpoint"}) | PATH_TEMPLATE.keys()
    REFERABLE = GCP_NETWORK.referable
    NETWORK = GCP_NETWORK
    LOGINS = LOGINS
    CAPABILITIES = frozenset(Capability)
    MAX_VALUE = _MAX_BYTES
    REQUIREMENTS = (_REQUIREMENT, CHECKSUM_REQUIREMENT, *HTTP_REQUIREMENTS)

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        super().__init__(options, connector)

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        check_options(options, cls.TITLE)
        prefix = str(options.get("prefix") or "")
        if prefix and not _NAME.fullmatch(prefix):
            raise failures.invalid_option(
                "prefix", "is not valid at the start of a name", f"Names may contain {_NAME_RULE}."
            )
        locations = options.get("locations") or []
        for location in locations:
            if not _LOCATION.fullmatch(location):
                raise failures.invalid_option(
                    "locations", "has an invalid name", "Set each one to a name like europe-west3."
                )
        if len(set(locations)) != len(locations):
            raise failures.invalid_option("locations", "names one twice", "List each location once.")

    def login(self) -> None:
        what = self.connector.what
        own = {
            "DESTROYED": lambda path: failures.secret_version_destroyed(what, path),
            "DISABLED": lambda path: failures.secret_version_disabled(what, path),
        }
        service = Service(
            _REQUIREMENT,
            "google.cloud.secretmanager_v1",
            "SecretManagerServiceClient",
            "secretmanager.googleapis.com",
            _PERMISSIONS,
            own,
        )
        session = GcpSession(self.options, self.connector, service)
        session.log_in(self.chosen_login())
        self._client = session.client()
        self._session = session

    def prove_reading(self) -> str:
        """Prove read access with the prefix by requesting a random name that doesn't exist."""
        path = self._absent()
        try:
            self._access(path, _LATEST)
        except ExpectedError:
            return f"Google answered secretmanager.versions.access for '{path}', which does not exist"
        raise failures.malformed_reply(self.connector.what, "it has a secret under a random name")

    def prove_writing(self, aim: Aim) -> str:
        """Prove write access by a secret that is removed at once; first, that it can be removed.

        Google's testIamPermissions would need no write, but sees no conditions on names that don't exist yet.
        """
        path, absent = self.place_of_check(probe_name(self.connector.what)), self._absent()
        self._described(path)
        with contextlib.suppress(ExpectedError):
            self._call("delete_secret", absent, {"name": self._full_name(absent)}, expecting=frozenset({_MISSING}))
        by_hand = f"gcloud secrets delete {path} --project {self._project()}"
        write_probe(self, path, aim.turn, by_hand=by_hand)
        return f"wrote, changed and removed '{path}'"

    def _absent(self) -> str:
        return self.place_of_check(f"{PROBE}-{uuid.uuid4().hex}")

    def settled(self) -> dict[str, Any]:
        """Keep the project, which may come from the login or the environment of this run."""
        return {"pinned_project": self._project()}

    def close(self) -> None:
        self._session.close()

    # Reading.

    def path_of(self, *names: str) -> str:
        prefix = str(self.options["prefix"] or "")
        # Of the names, only an identifier can contain a `-`, and none starts with a digit.
        folders = [str(len(names) - 1), *names[:-1]] if len(names) > 1 else []
        path = "-".join([*filter(None, [prefix]), *folders, names[-1]])
        if not _NAME.fullmatch(path):
            raise failures.name_not_allowed(self.connector.what, path, _NAME_RULE)
        return path

    def read(self, path: str, version: str = "") -> Found:
        if not (_NAME.fullmatch(path) or _FULL_NAME.fullmatch(path)):
            raise failures.name_not_allowed(
                self.connector.what, path, f"{_NAME_RULE}, or projects/PROJECT/secrets/NAME"
            )
        if version and not _VERSION.fullmatch(version):
            raise failures.unknown_path(self.connector.what, path, version)
        try:
            reply = self._access(path, version or _LATEST)
        except ExpectedError:
            raise failures.unknown_path(self.connector.what, path, version) from None
        if not reply.payload.data:
            raise failures.incomplete_reply(self.connector.what, path)
        return Found(bytes(reply.payload.data), _number(reply.name))

    def _access(self, path: str, version: str) -> Any:
        request = {"name": f"{self._full_name(path)}/versions/{version}"}
        missing = frozenset({_MISSING})
        return self._call("access_secret_version", path, request, expecting=missing, verify=_verify_payload)

    # Writing.

    def check_writing(self, value: bytes | None) -> None:
        super().check_writing(value)
        if value == b"":
            raise failures.empty_value(self.connector.what)

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        self.check_writing(value)
        labels, annotations = self._labels_and_annotations(writing)
        if not self._create(path, labels, annotations):
            self._claim(path, labels, annotations, writing)
            return self._add(path, value)
        try:
            return self._add(path, value)
        except ScopedSecretsError as error:
            if not isinstance(error, Unavailable):
                self._undo_creation(path, writing.owner)
            raise

    def foresee(self, path: str, value: bytes, writing: Writing) -> None:
        existing = self._described(path)
        if existing is not None and not writing.adopt:
            self._refuse_foreign(path, existing, writing.owner)

    def check_owner(self, path: str, owner: str) -> None:
        existing = self._described(path)
        if existing is None:
            raise failures.unknown_path(self.connector.what, path)
        self._refuse_foreign(path, existing, owner)

    def relabel(self, path: str, writing: Writing) -> None:
        self._claim(path, *self._labels_and_annotations(writing), writing)

    def _create(self, path: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> bool:
        """Create a secret without a value; return whether the name was free.

        Creating comes first because most writes are the first one.
        """
        project, _secrets, name = self._full_name(path).rpartition("/secrets/")
        secret = {"labels": labels, "annotations": annotations, "replication": self._replication()}
        request = {"parent": project, "secret_id": name, "secret": secret}
        try:
            self._call("create_secret", path, request, expecting=frozenset({_EXISTS}))
        except ExpectedError:
            return False
        return True

    def _replication(self) -> dict[str, Any]:
        locations = self.options["locations"] or []
        if not locations:
            return {"automatic": {}}
        return {"user_managed": {"replicas": [{"location": location} for location in locations]}}

    def _undo_creation(self, path: str, owner: str) -> None:
        """Remove a new secret whose value was refused. Only the refusal is reported."""
        try:
            self.remove(path, owner)
        except ScopedSecretsError:
            return

    def _claim(self, path: str, labels: Mapping[str, str], annotations: Mapping[str, str], writing: Writing) -> None:
        """Set our labels and annotations on an existing secret. Raises foreign_secret for someone else's."""
        for _twice in range(2):
            existing = self._described(path)
            if existing is None:
                raise failures.unknown_path(self.connector.what, path)
            if not writing.adopt:
                self._refuse_foreign(path, existing, writing.owner)
            wanted = _changed(existing, labels, annotations)
            if not wanted or self._update(path, {**wanted, "etag": existing.etag}):
                return
        raise failures.provider_conflict(self.connector.what, path)

    def _update(self, path: str, changes: Mapping[str, Any]) -> bool:
        """Change a secret's metadata; return false if someone else changed it in the meantime."""
        masked = [name for name in changes if name != "etag"]
        request = {"secret": {"name": self._full_name(path), **changes}, "update_mask": {"paths": masked}}
        try:
            self._call("update_secret", path, request, expecting=_STALE)
        except ExpectedError:
            return False
        return True

    def _add(self, path: str, value: bytes) -> str:
        """Add a version and return its number. After a lost answer, check first whether the newest has the value."""
        with self._session.one_deadline():
            try:
                return self._add_once(path, value)
            except Unavailable as error:
                if error.code == "provider_throttled":
                    raise
                version = self._version_with(path, value, error)
            return version or self._add_once(path, value)

    def _add_once(self, path: str, value: bytes) -> str:
        payload = {"data": value, "data_crc32c": checksum(value)}
        request = {"parent": self._full_name(path), "payload": payload}
        reply = self._call("add_secret_version", path, request, is_repeatable=False)
        number = _number(reply.name)
        if not number:
            raise failures.incomplete_reply(self.connector.what, path)
        if not reply.client_specified_payload_checksum:
            raise failures.malformed_reply(self.connector.what, "it did not verify the checksum of the value")
        return number

    def _version_with(self, path: str, value: bytes, error: ScopedSecretsError) -> str:
        """Return the newest version if it has this value, empty if not. Raises `error` if reading it fails."""
        try:
            found = self.read(path)
        except ScopedSecretsError as other:
            if other.code == "unknown_path":
                return ""
            raise error from None
        return found.version if found.content == value else ""

    def remove(self, path: str, owner: str) -> None:
        for _twice in range(2):
            existing = self._described(path)
            if existing is None:
                return
            self._refuse_foreign(path, existing, owner)
            request = {"name": self._full_name(path), "etag": existing.etag}
            try:
                self._call("delete_secret", path, request, expecting=_STALE | {_MISSING})
                return
            except ExpectedError as answer:
                if answer.code == _MISSING:
                    return
        raise failures.provider_conflict(self.connector.what, path)

    def _described(self, path: str) -> Any:
        """Return the description of a secret, None if it doesn't exist."""
        try:
            reply = self._call("get_secret", path, {"name": self._full_name(path)}, expecting=frozenset({_MISSING}))
        except ExpectedError:
            return None
        # In a truncated reply, our own secret would look like someone else's.
        if not reply.name or not reply.etag:
            raise failures.incomplete_reply(self.connector.what, path)
        return reply

    def _refuse_foreign(self, path: str, existing: Any, owner: str) -> None:
        if existing.labels.get(OWNER_LABEL) != owner_mark(owner):
            raise failures.foreign_secret(self.connector.what, path)

    def _labels_and_annotations(self, writing: Writing) -> tuple[dict[str, str], dict[str, str]]:
        """Return labels and annotations. A tag becomes a label if Google accepts it as one, otherwise an annotation."""
        labels = {name: value for name, value in writing.tags.items() if _is_label(name, value)}
        annotations = {name: value for name, value in writing.tags.items() if name not in labels}
        for name in annotations:
            if not _ANNOTATION_NAME.fullmatch(name):
                rule = "a tag's name has at most 63 letters, digits and ._-, with a letter or digit at both ends"
                raise failures.name_not_allowed(self.connector.what, name, rule)
        if writing.description:
            annotations[DESCRIPTION] = writing.description
        return {**labels, OWNER_LABEL: owner_mark(writing.owner)}, annotations

    def _full_name(self, path: str) -> str:
        return path if path.startswith("projects/") else f"projects/{self._project()}/secrets/{path}"

    def _project(self) -> str:
        given = self.options.get("gcp_project") or self.options.get("pinned_project")
        project = given or self._session.project
        if not project:
            raise failures.missing_project(self.connector.what)
        return str(project)

    def _call(self, method: str, path: str, request: Mapping[str, Any], **more: Any) -> Any:
        return self._client.call(method, path, request, **more)


def owner_mark(owner: str) -> str:
    """Return the owner's mark as a valid label value: at most 63 lowercase letters, digits, - and _."""
    return base64.b32encode(hashlib.sha256(owner.encode()).digest()).decode().rstrip("=").lower()


def _is_label(name: str, value: str) -> bool:
    return bool(_LABEL_NAME.fullmatch(name) and _LABEL_VALUE.fullmatch(value) and name != OWNER_LABEL)


def _changed(existing: Any, labels: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, Any]:
    """Return the labels and annotations to change. Those of others stay; a tag is never in both."""
    found = {"labels": dict(existing.labels), "annotations": dict(existing.annotations)}
    wanted = {
        "labels": {**{name: value for name, value in found["labels"].items() if name not in annotations}, **labels},
        "annotations": {
            **{name: value for name, value in found["annotations"].items() if name not in labels},
            **annotations,
        },
    }
    if DESCRIPTION not in annotations:
        wanted["annotations"].pop(DESCRIPTION, None)
    return {name: value for name, value in wanted.items() if value != found[name]}


def _verify_payload(reply: Any) -> None:
    if reply.payload.data and reply.payload.data_crc32c != checksum(reply.payload.data):
        raise Corrupted


def _number(name: str) -> str:
    """Return the number at the end of a version's full name, empty if there is none."""
    number = str(name).rpartition("/versions/")[2]
    return number if number.isascii() and number.isdigit() else ""


MANAGER = GcpSecretManager
