# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of playbooks: connectors at the test servers, each at a place of its own, and what is done with them."""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from site_of_runs import Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.azure_key_vault import Azure
    from servers.cyberark_ccp import Ccp
    from servers.cyberark_conjur import Conjur
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


def conjur_at(server: Conjur, *variables: str) -> Connector:
    """Return a connector to a branch of its own with these variables, as a host that has the rights on them."""
    base = place()
    host = server.add_host(f"{base}/ansible")
    for name in variables:
        server.declare(f"{base}/{name}", host)
    about = {"url": server.url, "account": server.account, "ca_cert": str(server.ca), "branch": base, "retries": 0}
    login = {"login": host.login, "api_key": host.api_key}
    return Connector("cyberark_conjur", {"identifier": "conjur", **about, **login}, base)


def ccp_at(server: Ccp) -> Connector:
    """Return a connector to a Safe of its own, by a client certificate."""
    base = place()
    server.add_application(base, base, certificate=base)
    certificate, key = server.authority.issue(base)
    about = {"url": server.url, "app_id": base, "safe": base, "ca_cert": str(server.ca), "retries": 0}
    login = {"client_cert": certificate.read_text(), "client_key": key.read_text()}
    return Connector("cyberark_ccp", {"identifier": "ccp", **about, **login}, base)


def azure_at(server: Azure) -> Connector:
    """Return a connector to a vault of its own, whose address is its `base`."""
    url = server.open_vault().url
    about = {"vault_url": url, "authority": url, "ca_cert": str(server.ca), "retries": 0}
    login = {"tenant_id": server.tenant, "client_id": server.client_id, "client_secret": server.client_secret}
    return Connector("azure_key_vault", {"identifier": "azure", **about, **login}, url)


def program_at(folder: Path) -> Connector:
    """Return a connector to the tests' program, which keeps plain files in a new folder."""
    from servers import programs

    folder.mkdir(parents=True)
    credential = place()
    command = [sys.executable, "-I", "-S", programs.__file__, str(folder), programs.digest(credential)]
    return Connector("custom", {"identifier": "program", "command": command, "credential": credential}, str(folder))


def plugin_at(file: Path, **values: str) -> Connector:
    """Return a connector to a lookup plugin that reads a new file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[values]\n" + "".join(f"{name} = {value}\n" for name, value in values.items()))
    options = {"file": str(file), "section": "values"}
    return Connector("lookup", {"identifier": "plugin", "plugin": "ansible.builtin.ini", "options": options})


def kept_in_vault(server: OpenBao, path: str) -> str:
    """Return the field `value` of a secret as the server has it."""
    return str(server.request("GET", f"secret/data/{path}")["data"]["data"]["value"])


def put_in_vault(server: OpenBao, path: str, **fields: Any) -> None:
    """Write a secret as somebody else does."""
    server.request("POST", f"secret/data/{path}", {"data": fields})
