# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Key Vault: keeps values."""

from __future__ import annotations

import base64
import binascii
import contextlib
import copy
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ...model.errors import Forbidden
from .. import failures
from ..base import ArgumentSpec, Capability, ConnectorContext, ExpectedError, Found, ValueKeeper, Writing
from ..checks import PROBE, WRITE, Aim, is_denied, not_proved, probe_name
from ..network import Network, check_url
from ..path_templates import PATH_TEMPLATE
from ..probe import write_probe
from .client import CLOUDS, REQUIREMENTS, KeyVaultClient
from .logins import LOGINS, validate_login
from .names import MAX_NAME, NAME, NAME_RULE, name_of

__all__ = ["BASE64", "MANAGER", "OWNER_TAG", "AzureKeyVault"]

OWNER_TAG = "scoped-secrets-owner"
BASE64 = "application/octet-stream;base64"
"""The content type of binary values: Key Vault stores only text."""
_VAULT_NAME = re.compile(r"[A-Za-z](?:-?[0-9A-Za-z]){2,23}")
_MAX_VAULT_NAME = 24
_VERSION = re.compile(r"[0-9a-fA-F]{32}")
_MAX_TAGS = 15
_MAX_TAG_LENGTH = 256
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0


class AzureKeyVault(ValueKeeper):
    """Secrets in one vault. Those that this connector created have its tag."""

    KIND = "azure_key_vault"
    TITLE = "Azure Key Vault"
    NETWORK = Network.all_but("allow_plain_http")
    """Key Vault is only available through https."""
    OPTIONS: ClassVar[ArgumentSpec] = {
        "vault_name": {"type": "str"},
        "vault_url": {"type": "str"},
        "cloud": {"type": "str", "choices": list(CLOUDS)},
        **PATH_TEMPLATE,
        "purge": {"type": "bool"},
        "authority": {"type": "str"},
        **NETWORK.spec,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "vault_name": "",
        "vault_url": "",
        "cloud": "public",
        "purge": False,
        "authority": "",
        **NETWORK.defaults,
    }
    LOCATION = frozenset({"vault_name", "vault_url", "cloud"}) | PATH_TEMPLATE.keys()
    REFERABLE = NETWORK.referable
    LOGINS = LOGINS
    CAPABILITIES = frozenset(Capability)
    MAX_VALUE = 25 * 1024
    REQUIREMENTS = REQUIREMENTS

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        super().__init__(options, connector)
        self._lock = threading.Lock()
        self._client: KeyVaultClient | None = None

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        given = {**cls.DEFAULTS, **options}
        _check_vault(given, cls.TITLE)
        if given["authority"]:
            _check_https(given["authority"], "authority", cls.TITLE)
        validate_login(given)

    @property
    def url(self) -> str:
        """Return the address of the vault."""
        domain = CLOUDS[self.options["cloud"]][0]
        return str(self.options["vault_url"]).rstrip("/") or f"https://{self.options['vault_name']}.{domain}"

    def login(self) -> None:
        client = KeyVaultClient(self.options, self.connector, self.chosen_login(), self.url)  # type: ignore[arg-type]
        client.login()
        self._client = client

    def prove_reading(self) -> str:
        """Prove read access by requesting a random name that doesn't exist."""
        path = _absent()
        if self._properties(path):
            raise failures.malformed_reply(self.connector.what, "it has a secret under a random name")
        return f"Key Vault answered a get of '{path}', which does not exist"

    def prove_writing(self, aim: Aim) -> str:
        """Prove what can be proved without a trace: a secret that is set stays for days unless it is purged.

        So one is set only if the task asks for it by name, and if the login may purge.
        """
        absent = _absent()
        self._need("begin_delete_secret", absent, "delete")
        self._need("begin_recover_deleted_secret", absent, "recover")
        if self.options["purge"]:
            self._need("purge_deleted_secret", absent, "purge")
        if aim.right != WRITE:
            return not_proved("delete and recover are allowed; 'check: write' sets and purges a secret to prove set")
        if is_denied(lambda: self._need("purge_deleted_secret", absent, "purge")):
            return not_proved("delete and recover are allowed; without purge, a secret that is set would stay for days")
        return self._prove_setting(probe_name(self.connector.what), aim)

    def _prove_setting(self, path: str, aim: Aim) -> str:
        # Purges what a killed check left deleted.
        if not aim.turn.is_done and is_denied(lambda: self._purge(path, self._deleted(path), PROBE)):
            return not_proved(f"'{path}' of an earlier check is deleted there, and this vault lets nobody purge it yet")
        keeper = copy.copy(self)
        keeper.options = {**self.options, "purge": True}
        write_probe(keeper, path, aim.turn, by_hand=_by_hand(path))
        return f"set, deleted and purged '{path}'"

    def _need(self, operation: str, absent: str, needs: str) -> None:
        """Raise provider_denied without a permission. Key Vault refuses before it looks whether a secret exists."""
        with contextlib.suppress(ExpectedError):
            self._call(operation, absent, needs, expecting=404)

    def close(self) -> None:
        client, self._client = self._client, None
        if client:
            client.close()

    # Reading.

    def path_of(self, *names: str) -> str:
        path = "/".join(names)
        name = name_of(path)
        if len(name) > MAX_NAME:
            raise failures.name_not_allowed(self.connector.what, path, NAME_RULE)
        return name

    def read(self, path: str, version: str = "") -> Found:
        self._check_name(path)
        which = "" if version == "latest" else version
        if which and not _VERSION.fullmatch(which):
            raise failures.unknown_path(self.connector.what, path, version)
        try:
            secret = self._call("get_secret", path, "get", which or None, expecting=404)
        except ExpectedError:
            raise failures.unknown_path(self.connector.what, path, version) from None
        return Found(self._value(path, secret), self._version(path, secret.properties))

    def _value(self, path: str, secret: Any) -> bytes:
        if secret.value is None:
            raise failures.incomplete_reply(self.connector.what, path)
        try:
            text = str(secret.value).encode()
            is_base64 = secret.properties.content_type == BASE64
            return base64.b64decode(text, validate=True) if is_base64 else text
        except (UnicodeEncodeError, binascii.Error):
            why = "the value is not valid Unicode, or not valid base64 despite its content type"
            raise failures.malformed_reply(self.connector.what, why) from None

    def _version(self, path: str, properties: Any) -> str:
        if not properties.version:
            raise failures.incomplete_reply(self.connector.what, path)
        return str(properties.version)

    # Writing.

    def check_writing(self, value: bytes | None) -> None:
        super().check_writing(value)
        size = len(_content(value)[0].encode()) if value is not None else 0
        if size > self.MAX_VALUE:
            raise failures.too_large(self.connector.what, size, self.MAX_VALUE)

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        self.check_writing(value)
        self._check_name(path)
        existing = self._properties(path)
        if existing and not writing.adopt:
            self._refuse_foreign(path, existing, writing.owner)
        for _try in self._tries():
            try:
                return self._set(path, value, writing, existing)
            except ExpectedError:
                # A secret of this name is deleted, or is being deleted or recovered.
                existing = self._recovered(path, writing)
        raise failures.unavailable(self.connector.what, f"'{path}' is being deleted or recovered there right now")

    def _set(self, path: str, value: bytes, writing: Writing, existing: Any) -> str:
        text, content_type = _content(value)
        # Each version has its own tags, so those of others must be copied.
        tags = _bounded({OWNER_TAG: writing.owner, **writing.tags}, _tags_of(existing), writing.owner)
        secret = self._call("set_secret", path, "set", text, tags=tags, content_type=content_type, expecting=409)
        return self._version(path, secret.properties)

    def foresee(self, path: str, value: bytes, writing: Writing) -> None:
        self._check_name(path)
        existing = self._properties(path)
        if existing and not writing.adopt:
            self._refuse_foreign(path, existing, writing.owner)
        elif existing is None:
            self._refuse_deleted(path, self._deleted(path), writing)

    def _refuse_deleted(self, path: str, deleted: Any, writing: Writing) -> None:
        if deleted and not writing.adopt and _tags_of(deleted).get(OWNER_TAG) != writing.owner:
            raise failures.secret_scheduled_for_deletion(self.connector.what, path)

    def check_owner(self, path: str, owner: str) -> None:
        self._owned(path, owner)

    def relabel(self, path: str, writing: Writing) -> None:
        present = _tags_of(self._owned(path, writing.owner))
        tags = _bounded({OWNER_TAG: writing.owner, **writing.tags}, present, writing.owner)
        if tags != present:
            self._call("update_secret_properties", path, "set", tags=tags)

    def _recovered(self, path: str, writing: Writing) -> Any:
        """Recover our deleted secret and return its properties, None if there is nothing to recover."""
        deleted = self._deleted(path)
        if deleted is None:
            return self._properties(path)
        self._refuse_deleted(path, deleted, writing)
        try:
            self._call("begin_recover_deleted_secret", path, "recover", expecting=404)
        except ExpectedError:
            return None
        for _try in self._tries():
            existing = self._properties(path)
            if existing:
                return existing
        raise failures.unavailable(self.connector.what, f"'{path}' is still being recovered there")

    def remove(self, path: str, owner: str) -> None:
        self._check_name(path)
        existing = self._properties(path)
        if existing:
            self._refuse_foreign(path, existing, owner)
            self._delete(path, owner)
        elif self.options["purge"]:
            self._purge(path, self._deleted(path), owner)

    def _delete(self, path: str, owner: str) -> None:
        try:
            deletion = self._call("begin_delete_secret", path, "delete", expecting=404)
        except ExpectedError:
            return
        # In old vaults without soft delete, nothing is left to purge.
        if not self.options["purge"] or not deletion.result().recovery_id:
            return
        for _try in self._tries():
            deleted = self._deleted(path)
            if deleted:
                self._purge(path, deleted, owner)
                return
        raise failures.unavailable(self.connector.what, f"'{path}' is still being deleted there and was not purged")

    def _purge(self, path: str, deleted: Any, owner: str) -> None:
        if deleted and _tags_of(deleted).get(OWNER_TAG) == owner:
            with contextlib.suppress(ExpectedError):
                self._call("purge_deleted_secret", path, "purge", expecting=404)

    def _properties(self, path: str) -> Any:
        """Return the properties of a secret, None if it doesn't exist. Key Vault sends them only with the value."""
        try:
            secret = self._call("get_secret", path, "get", expecting=404)
        except ExpectedError:
            return None
        # In a truncated reply, our own secret would look like someone else's.
        self._version(path, secret.properties)
        return secret.properties

    def _deleted(self, path: str) -> Any:
        """Return the properties of a deleted, recoverable secret, None if there is none."""
        try:
            deleted = self._call("get_deleted_secret", path, "get", expecting=404)
        except ExpectedError:
            return None
        self._version(path, deleted.properties)
        return deleted.properties

    def _owned(self, path: str, owner: str) -> Any:
        """Return the properties of a secret that has this owner's mark."""
        self._check_name(path)
        existing = self._properties(path)
        if existing is None:
            raise failures.unknown_path(self.connector.what, path)
        self._refuse_foreign(path, existing, owner)
        return existing

    def _refuse_foreign(self, path: str, existing: Any, owner: str) -> None:
        if not self._is_owned(path, _tags_of(existing), owner):
            raise failures.foreign_secret(self.connector.what, path)

    def _is_owned(self, path: str, tags: Mapping[str, str], owner: str) -> bool:
        """Return whether a secret is this owner's. A version from the portal may lack the tag; older ones decide."""
        if OWNER_TAG in tags:
            return tags[OWNER_TAG] == owner
        try:
            versions = self._logged_in().versions(path)
        except Forbidden as error:
            if error.code != "provider_denied":
                raise
            return False
        owners = {_tags_of(one).get(OWNER_TAG) for one in versions} - {None}
        return owners == {owner}

    def _check_name(self, path: str) -> None:
        if not NAME.fullmatch(path):
            raise failures.name_not_allowed(self.connector.what, path, "at most 127 letters, digits and '-'")

    def _tries(self) -> Iterator[None]:
        """Yield until time is up, with growing pauses. Key Vault takes seconds to delete and recover."""
        end = time.monotonic() + 3 * self.options["timeout"]
        pause = _FIRST_PAUSE
        yield
        while time.monotonic() + pause < end:
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            yield

    def _call(self, operation: str, path: str, needs: str, *arguments: Any, **named: Any) -> Any:
        return self._logged_in().call(operation, path, needs, *arguments, **named)

    def _logged_in(self) -> KeyVaultClient:
        with self._lock:
            if self._client is None:
                self.login()
            return self._client  # type: ignore[return-value]


def _absent() -> str:
    return f"{PROBE}-{uuid.uuid4().hex}"


def _by_hand(path: str) -> str:
    return f"az keyvault secret delete --name {path} and then az keyvault secret purge --name {path}"


def _check_vault(given: Mapping[str, Any], title: str) -> None:
    name, url = given["vault_name"], given["vault_url"]
    if not name and not url:
        raise failures.incomplete_connector(title, "vault_name")
    if name and url:
        raise failures.invalid_option(
            "vault_url", "is set together with 'vault_name'", "Set only one of them; set the other to '' to clear it."
        )
    if url:
        _check_https(url, "vault_url", title)
    elif not _VAULT_NAME.fullmatch(name) or len(name) > _MAX_VAULT_NAME:
        raise failures.invalid_option(
            "vault_name", "is not the name of a vault", "Set it to 3 to 24 letters, digits and '-'."
        )


def _check_https(url: str, option: str, title: str) -> None:
    check_url(title, option, url, allow_plain_http=True)
    if not url.lower().startswith("https://") or url.count("/") > 2 + url.endswith("/") or "\\" in url:
        raise failures.invalid_option(
            option, "is not the https address of a server", "Set it to an address like https://host, without a path."
        )


def _content(value: bytes) -> tuple[str, str | None]:
    """Return a value as Key Vault stores it, and its content type. UTF-8 stays text, which others can read."""
    try:
        return value.decode(), None
    except UnicodeDecodeError:
        return base64.b64encode(value).decode(), BASE64


def _tags_of(properties: Any) -> dict[str, str]:
    return dict(properties.tags or {}) if properties else {}


def _bounded(wanted: Mapping[str, str], present: Mapping[str, str], owner: str) -> dict[str, str]:
    """Return tags within Key Vault's limits: ours first, then those of others. Tags that are too long are dropped."""
    merged = {**wanted, OWNER_TAG: owner, **{name: value for name, value in present.items() if name not in wanted}}
    fitting = {
        name: value
        for name, value in merged.items()
        if 0 < len(name) <= _MAX_TAG_LENGTH and len(value or "") <= _MAX_TAG_LENGTH
    }
    return dict(list(fitting.items())[:_MAX_TAGS])


MANAGER = AzureKeyVault
