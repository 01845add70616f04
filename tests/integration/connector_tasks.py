# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of playbooks: connectors at the test servers, each at a place of its own, and what is done with them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from site_of_runs import Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.google_cloud import GoogleCloud
    from servers.openbao import OpenBao

API = {"org": "payments", "project": "api"}


def of(module: str, **options: Any) -> Task:
    """Return a task that runs a module of the collection."""
    return {f"scoped.secrets.{module}": options}


def named(name: str, task: Task, **keywords: Any) -> Task:
    return {**task, "name": name, **keywords}


def ignored(name: str, task: Task) -> Task:
    """Return a task that may fail."""
    return named(name, task, ignore_errors=True)


def read(*references: str, name: str = "read", **options: Any) -> Task:
    """Return a task whose result has what lookups give as `msg`, a list."""
    terms = ", ".join(map(repr, references))
    keywords = "".join(f", {option}={value!r}" for option, value in options.items())
    lookup = f"query('scoped.secrets.secret', {terms}{keywords})"
    return {"name": name, "ansible.builtin.debug": {"msg": f"{{{{ {lookup} }}}}"}}


SCOPES = [of("scope", org="payments"), of("scope", **API)]


def place() -> str:
    """Return a name that no other test has at a server."""
    return f"t{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class Connector:
    """A connector that a server is ready for; `base` is what the names of its secrets begin with there."""

    kind: str
    options: dict[str, Any]
    base: str = ""

    def task(self, **changes: Any) -> Task:
        """Return the task that declares it; options of None are left out."""
        options = {**self.options, **changes}
        return of(f"connector_{self.kind}", **{name: value for name, value in options.items() if value is not None})

    def at(self, **changes: Any) -> Connector:
        """Return the same with other options."""
        return replace(self, options={**self.options, **changes})


def vault_at(server: OpenBao) -> Connector:
    base = place()
    options = {"identifier": "vault", "url": server.url, "base_path": base, "token": server.create_token()}
    return Connector("hashicorp_vault", options, base)


def _aws(server: Aws) -> dict[str, Any]:
    return {
        "region": server.region,
        "endpoint_url": server.url,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
    }


def aws_at(server: Aws) -> Connector:
    base = place()
    return Connector("aws_secrets_manager", {"identifier": "aws", "prefix": base, **_aws(server)}, base)


def kms_at(server: Aws) -> Connector:
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    return Connector("aws_kms", {"identifier": "kms", "key_arn": key, **_aws(server)})


def _google(server: GoogleCloud) -> dict[str, Any]:
    return {
        "gcp_project": server.project,
        "endpoint": server.url,
        "ca_cert": str(server.ca),
        "credentials_json": server.credentials_json,
        "retries": 0,
    }


def google_at(server: GoogleCloud) -> Connector:
    base = place()
    return Connector("gcp_secret_manager", {"identifier": "google", "prefix": base, **_google(server)}, base)


def google_kms_at(server: GoogleCloud) -> Connector:
    ring, key = "playbooks", place()
    server.new_key(ring, key)
    options = {"location": server.location, "key_ring": ring, "key": key, **_google(server)}
    return Connector("gcp_kms", {"identifier": "google_kms", **options})


def kept_in_vault(server: OpenBao, path: str) -> str:
    """Return the field `value` of a secret as the server has it."""
    return str(server.request("GET", f"secret/data/{path}")["data"]["data"]["value"])


def put_in_vault(server: OpenBao, path: str, **fields: Any) -> None:
    """Write a secret as somebody else does."""
    server.request("POST", f"secret/data/{path}", {"data": fields})
