# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P5 and P6: many secrets in one manifest, new and unchanged."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import hvac
import plays
from lab import Lab
from measuring import Benchmark, Case, Comparison, Quantity, Target

__all__ = ["benchmark"]

ITEMS = 500
PEER_ITEMS = 50
THREADS = 8

EMPTY = "an empty play"
CREATE = "`scoped.secrets.manifest`, built-in, creating"
AGAIN = "the same, unchanged"
ON_VAULT = "`scoped.secrets.manifest`, Vault, creating"
VAULT_AGAIN = "on Vault, unchanged"
SCRIPT = f"a script with hvac and {THREADS} threads"
PEER = "`community.hashi_vault.vault_kv2_write` in a loop"
ON_AWS = "`scoped.secrets.manifest`, AWS, creating"
AWS_AGAIN = "on AWS, unchanged"
AWS_SCRIPT = f"a script with boto3 and {THREADS} threads"
AWS_PEER = "`community.aws.secretsmanager_secret` in a loop"
# Seconds that every request to AWS takes longer: its stand-in here is next door.
DELAY = 0.02

WHOLE = [Quantity("wall", "s"), Quantity("CPU", "s")]
PER_ITEM = [Quantity("wall", "ms per item", 1000), Quantity("CPU", "ms per item", 1000)]

EXPLANATION = f"""\
One task declares {ITEMS} secrets, in a new default store (SQLite) with the built-in secret manager, and in a new
folder of an OpenBao server. Every round creates anew; then the same is declared again. The first table has whole plays,
the second what an item takes, with `vault_kv2_write` of {PEER_ITEMS}, since that takes long. The third is the same with
moto in place of AWS Secrets Manager, and {DELAY * 1000:.0f} ms added to every request."""


def benchmark(lab: Lab) -> Benchmark:
    manifests = _Manifests(lab)
    floor = Case(EMPTY, lambda: lab.play("empty"))
    builtin = [
        floor,
        Case(CREATE, manifests.create, floor=EMPTY, is_ours=True),
        Case(AGAIN, manifests.again, floor=EMPTY, is_ours=True),
    ]
    on_vault = [
        Case(SCRIPT, manifests.script, ITEMS),
        Case(ON_VAULT, manifests.create_on_vault, ITEMS, SCRIPT, is_ours=True),
        Case(VAULT_AGAIN, manifests.again_on_vault, ITEMS, SCRIPT, is_ours=True),
        Case(PEER, manifests.peer, PEER_ITEMS, SCRIPT, rounds=1),
    ]
    on_aws = [
        Case(AWS_SCRIPT, manifests.aws_script, ITEMS),
        Case(ON_AWS, manifests.create_on_aws, ITEMS, AWS_SCRIPT, is_ours=True),
        Case(AWS_AGAIN, manifests.again_on_aws, ITEMS, AWS_SCRIPT, is_ours=True),
        Case(AWS_PEER, manifests.aws_peer, PEER_ITEMS, AWS_SCRIPT, rounds=1),
    ]
    comparisons = [
        Comparison(
            builtin, [Target(CREATE, EMPTY, "wall", at_most=1.15), Target(AGAIN, CREATE, "wall", at_most=0.5)], WHOLE
        ),
        Comparison(
            on_vault,
            [
                Target(PEER, ON_VAULT, "wall", at_least=60),
                Target(ON_VAULT, SCRIPT, "wall", at_most=1.5),
                Target(VAULT_AGAIN, ON_VAULT, "wall", at_most=0.5),
            ],
            PER_ITEM,
        ),
        Comparison(
            on_aws,
            [
                Target(AWS_PEER, ON_AWS, "wall", at_least=50),
                Target(ON_AWS, AWS_SCRIPT, "wall", at_most=1.5),
                Target(AWS_AGAIN, ON_AWS, "wall", at_most=0.5),
            ],
            PER_ITEM,
        ),
    ]
    return Benchmark("P5", "Many secrets in one manifest", EXPLANATION, comparisons)


class _Manifests:
    """The manifests that write: each creates anew, which takes a new place each time."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._site: Path | None = None
        self._folders = (f"manifest-{number}" for number in itertools.count())
        self._folder = ""

    def create(self) -> dict[str, float]:
        self._site = self._lab.new_folder("manifest")
        return self._declare(changes=True)

    def again(self) -> dict[str, float]:
        return self._declare()

    def create_on_vault(self) -> dict[str, float]:
        self._site, self._folder = self._lab.new_folder("manifest"), next(self._folders)
        return self._declare(self._vault(), changes=True)

    def again_on_vault(self) -> dict[str, float]:
        return self._declare(self._vault())

    def _vault(self) -> dict[str, Any]:
        vault = self._lab.openbao
        options = {"url": vault.url, "token": vault.token, "base_path": self._folder, "use_as_default": True}
        return {"connector_hashicorp_vault": {"identifier": "vault", **options}}

    def create_on_aws(self) -> dict[str, float]:
        self._site, self._folder = self._lab.new_folder("manifest"), next(self._folders)
        return self._declare(self._aws(), changes=True)

    def again_on_aws(self) -> dict[str, float]:
        return self._declare(self._aws())

    @cached_property
    def _aws_url(self) -> str:
        return self._lab.proxy(self._lab.moto.url, DELAY).url

    def _aws(self) -> dict[str, Any]:
        aws = self._lab.moto
        keys = {"access_key_id": aws.access_key_id, "secret_access_key": aws.secret_access_key}
        place = {"endpoint_url": self._aws_url, "region": aws.region, "prefix": self._folder}
        return {"connector_aws_secrets_manager": {"identifier": "aws", **place, **keys, "use_as_default": True}}

    def _declare(self, *managers: dict[str, Any], changes: bool = False) -> dict[str, float]:
        items = [{"secret_text": {"identifier": f"item_{n}", "value": f"value of item {n}"}} for n in range(ITEMS)]
        variables = {"items_of": json.dumps(items), "managers": [{"scope": {}}, *managers]}
        return self._lab.play("manifest", self._site, changes=changes, **variables)

    def script(self) -> dict[str, float]:
        """Write the same secrets by the library, as people who know how it goes do."""
        vault, folder = self._lab.openbao, next(self._folders)
        client = hvac.Client(url=vault.url, token=vault.token)

        def write(number: int) -> None:
            secret = {"value": f"value of item {number}"}
            client.secrets.kv.v2.create_or_update_secret(path=f"{folder}/item_{number}", secret=secret)

        return _side_by_side(write)

    def peer(self) -> dict[str, float]:
        return plays.write_to_vault(self._lab, next(self._folders), PEER_ITEMS)

    def aws_script(self) -> dict[str, float]:
        """Write the same secrets by the library."""
        client, folder = replace(self._lab.moto, url=self._aws_url).client("secretsmanager"), next(self._folders)
        return _side_by_side(
            lambda number: client.create_secret(Name=f"{folder}/item_{number}", SecretString=f"value of item {number}")
        )

    def aws_peer(self) -> dict[str, float]:
        aws, folder = replace(self._lab.moto, url=self._aws_url), next(self._folders)
        variables = {"region": aws.region, "folder": folder, "count": PEER_ITEMS}
        return self._lab.play("aws_secret", changes=True, environment=aws.variables(), **variables)


def _side_by_side(write: Callable[[int], object]) -> dict[str, float]:
    """Call with the number of each item, from threads; return what that took."""
    start, cpu = perf_counter(), process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(ITEMS)))
    return {"wall": perf_counter() - start, "CPU": process_time() - cpu}
