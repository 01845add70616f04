# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A KMS key rotates, and a task rewraps all data keys: the old version is no longer needed."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from aws_connectors import kms_key
from google_connectors import key_options, new_key
from servers.aws import Aws
from servers.google_cloud import GoogleCloud

NAMES = [f"s{number}" for number in range(5)]
ROTATION = {"target": "provider", "connector": "kms"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    key = base64.b64encode(os.urandom(32)).decode()
    return Settings(f"sqlite:///{tmp_path}/store/store.db", "/none", root_key=key)


def call(settings: Settings, resource: str, *, check_mode: bool = False, **params: Any) -> Result:
    return Engine(settings).handle(Request(resource, params, check_mode=check_mode))


def keep(settings: Settings) -> None:
    for name in NAMES:
        call(settings, "secret_text", identifier=name, value=name.encode(), secret_manager="kms")


def check_values(settings: Settings) -> None:
    answers = Engine(settings).resolve([Query(name) for name in NAMES])
    assert [answer.value for answer in answers] == [name.encode() for name in NAMES]


@pytest.mark.parametrize("reuse", ["none", "run"])
def test_google(google_cloud: GoogleCloud, settings: Settings, reuse: str) -> None:
    key, client = new_key(google_cloud), google_cloud.kms_client
    network = {"endpoint": google_cloud.url, "ca_cert": str(google_cloud.ca)}
    login = {"credentials_json": google_cloud.credentials_json, "data_key_reuse": reuse}
    call(settings, "connector_gcp_kms", identifier="kms", **key_options(google_cloud, key), **network, **login)
    keep(settings)
    version = client.create_crypto_key_version(parent=key, crypto_key_version={}).name.rpartition("/")[2]
    client.update_crypto_key_primary_version(name=key, crypto_key_version_id=version)
    planned = call(settings, "key_rotation", check_mode=True, **ROTATION)
    assert (planned.changed, planned.returned["rotation"]["left_total"]) == (True, len(NAMES))
    done = call(settings, "key_rotation", **ROTATION).returned["rotation"]
    assert (done["key_version"], done["moved"], done["left_total"]) == (version, {"data_keys": len(NAMES)}, 0)
    old = {"name": f"{key}/cryptoKeyVersions/1", "state": 2}
    client.update_crypto_key_version(request={"crypto_key_version": old, "update_mask": {"paths": ["state"]}})
    check_values(settings)
    assert not call(settings, "key_rotation", **ROTATION).changed


def test_aws(moto: Aws, settings: Settings) -> None:
    """Old key material can't be disabled on its own, but imported material can be deleted."""
    key, client = kms_key(moto), moto.client("kms")
    login = {"access_key_id": moto.access_key_id, "secret_access_key": moto.secret_access_key}
    call(settings, "connector_aws_kms", identifier="kms", key_arn=key, endpoint_url=moto.url, **login)
    keep(settings)
    client.enable_key_rotation(KeyId=key)
    client.rotate_key_on_demand(KeyId=key)
    before = _envelopes(settings)
    material = client.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    done = call(settings, "key_rotation", **ROTATION).returned["rotation"]
    assert (done["key_version"], done["moved"], done["left_total"]) == (material, {"data_keys": len(NAMES)}, 0)
    assert not before & _envelopes(settings)
    check_values(settings)
    assert not call(settings, "key_rotation", **ROTATION).changed
    client.rotate_key_on_demand(KeyId=key)
    assert call(settings, "key_rotation", **ROTATION).returned["rotation"]["moved"] == {"data_keys": len(NAMES)}
    check_values(settings)


def _envelopes(settings: Settings) -> set[bytes]:
    statement = (
        "SELECT envelope FROM secret_version JOIN secret ON secret.id = secret_id WHERE secret.connector_id IS NOT NULL"
    )
    rows = Engine(settings).read(lambda session: session.tx.all(statement))
    return {bytes(row["envelope"]) for row in rows}
