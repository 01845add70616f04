# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the values of a play come from: how each source writes a lookup, and what it needs around it.

Each has the same values, one for each number below COUNT, so that a play can tell whether it got them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyrage
from counting_proxy import CountingProxy
from lab import ROOT, Lab
from measuring import Quantity, Target
from servers.openbao_api import AppRole

__all__ = ["COUNT", "REQUESTS", "Source", "Sources", "value_of"]

COUNT = 10
# What a provider is asked for, by the quantities that benchmarks show. Requests are all of them.
CALLS = {
    "requests": re.compile(""),
    "logins": re.compile(r"/auth/\w+/login$"),
    "reads": re.compile(r"/data/|^GetSecretValue$"),
}
REQUESTS = [Quantity(name, has_ratio=False) for name in CALLS]
SOPS = Path(sys.prefix) / "bin" / "sops"
OUR_LOOKUP = "lookup('scoped.secrets.secret', 'item_NUMBER')"
CALLBACK = {"ANSIBLE_CALLBACKS_ENABLED": "scoped.secrets.usage"}
CONNECTOR = ROOT / "plugins" / "modules" / "connector_hashicorp_vault.py"


def value_of(number: int) -> str:
    return f"value of item {number}"


@dataclass(frozen=True)
class Source:
    """One place of values. In `lookup`, a Jinja expression, NUMBER stands for which one is meant."""

    name: str
    lookup: str
    site: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    provider: CountingProxy | None = None
    is_ours: bool = False

    def with_callback(self) -> Source:
        """Return the same with the callback that has shared code of this collection loaded once for all workers."""
        return replace(self, name=f"{self.name}, callback on", environment={**self.environment, **CALLBACK})

    def expression(self, number: int) -> str:
        return self.lookup.replace("NUMBER", str(number))

    def request_targets(self, values: int) -> list[Target]:
        """Return what is to reach the provider, where there is one: a login, and a read for each of the values."""
        if not self.provider:
            return []
        return [Target(self.name, quantity="logins", at_most=1), Target(self.name, quantity="reads", at_most=values)]

    def take(self, lab: Lab, playbook: Path, *, hosts: int, forks: int = 5) -> dict[str, float]:
        """Run a playbook that reads from here; return what it took, and the requests that reached the provider."""
        if self.provider:
            self.provider.take_calls()
        taken = lab.play(playbook, self.site, hosts=hosts, forks=forks, environment=self.environment)
        if not self.provider:
            return taken
        calls = self.provider.take_calls()
        counts = {name: sum(calls[call] for call in calls if pattern.search(call)) for name, pattern in CALLS.items()}
        return {**taken, **counts}


class Sources:
    """All of them, each prepared when it is first asked for. `delay`: seconds added to every provider request."""

    def __init__(self, lab: Lab, delay: float = 0) -> None:
        self._lab = lab
        self._delay = delay

    @cached_property
    def environment(self) -> Source:
        """The least that a lookup costs."""
        values = {f"ITEM_{number}": value_of(number) for number in range(COUNT)}
        return Source("`lookup('env')`", "lookup('ansible.builtin.env', 'ITEM_NUMBER')", environment=values)

    @property
    def ours(self) -> list[Source]:
        """This collection: what there is of it, each as it is and with the callback."""
        return [source for plain in (self.builtin, *self.on_vault) for source in (plain, plain.with_callback())]

    @cached_property
    def builtin(self) -> Source:
        site = self._lab.new_folder("builtin")
        self._lab.play("secret_text", site, changes=True, count=COUNT)
        return Source("`scoped.secrets.secret`, built-in", OUR_LOOKUP, site, is_ours=True)

    @property
    def on_vault(self) -> list[Source]:
        """The collection with Vault behind it: none as long as it has no connector for that."""
        return [self._on_vault] if CONNECTOR.exists() else []

    @cached_property
    def _on_vault(self) -> Source:
        site, proxy, role = self._lab.new_folder("on-vault"), self._vault, self._role
        variables: dict[str, Any] = {"role_id": role.role_id, "secret_id": role.secret_id, "url": proxy.url}
        self._lab.play("on_vault", site, changes=True, count=COUNT, **variables)
        return Source("`scoped.secrets.secret`, Vault by AppRole", OUR_LOOKUP, site, provider=proxy, is_ours=True)

    @cached_property
    def vault_by_token(self) -> Source:
        return self._hashi_vault("token", {"TOKEN": self._lab.openbao.token})

    @cached_property
    def vault_by_approle(self) -> Source:
        settings = {"AUTH_METHOD": "approle", "ROLE_ID": self._role.role_id, "SECRET_ID": self._role.secret_id}
        return self._hashi_vault("AppRole", settings)

    def _hashi_vault(self, login: str, settings: dict[str, str]) -> Source:
        settings = {"ADDR": self._vault.url, **settings}
        return Source(
            f"`community.hashi_vault.vault_kv2_get` by {login}",
            "lookup('community.hashi_vault.vault_kv2_get', 'bench/item_NUMBER').secret.value",
            environment={f"ANSIBLE_HASHI_VAULT_{name}": value for name, value in settings.items()},
            provider=self._vault,
        )

    @cached_property
    def _vault(self) -> CountingProxy:
        """A proxy before an OpenBao server that has the values."""
        for number in range(COUNT):
            secret = {"data": {"value": value_of(number)}}
            self._lab.openbao.request("POST", f"secret/data/bench/item_{number}", secret)
        return self._lab.proxy(self._lab.openbao.url, self._delay)

    @cached_property
    def _role(self) -> AppRole:
        rules = {f"secret/{kind}/bench/*": ["read"] for kind in ("data", "metadata")}
        return self._lab.openbao.add_approle("bench", self._lab.openbao.write_policy("bench", rules))

    @cached_property
    def aws(self) -> Source:
        moto = self._lab.moto
        client = moto.client("secretsmanager")
        for number in range(COUNT):
            client.create_secret(Name=f"{self._delay}/item_{number}", SecretString=value_of(number))
        proxy = self._lab.proxy(moto.url, self._delay)
        variables = {**moto.variables(), "AWS_ENDPOINT_URL": proxy.url}
        return Source(
            "`amazon.aws.secretsmanager_secret`",
            f"lookup('amazon.aws.secretsmanager_secret', '{self._delay}/item_NUMBER', region='{moto.region}')",
            environment=variables,
            provider=proxy,
        )

    @cached_property
    def sops(self) -> Source:
        """Files that are encrypted for an age key."""
        folder = self._lab.new_folder("sops")
        identity = pyrage.x25519.Identity.generate()
        key_file = folder / "age.key"
        key_file.write_text(str(identity), encoding="utf-8")
        for number in range(COUNT):
            _encrypt(folder / f"item_{number}.txt", value_of(number), str(identity.to_public()))
        lookup = f"lookup('community.sops.sops', '{folder}/item_NUMBER.txt')"
        return Source("`community.sops.sops`", lookup, environment={"SOPS_AGE_KEY_FILE": str(key_file)})


def _encrypt(path: Path, value: str, recipient: str) -> None:
    command = [
        str(SOPS),
        "--encrypt",
        "--age",
        recipient,
        "--input-type",
        "binary",
        "--output-type",
        "json",
        "/dev/stdin",
    ]
    done = subprocess.run(command, input=value, capture_output=True, text=True, check=True)
    path.write_text(done.stdout, encoding="utf-8")
