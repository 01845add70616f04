# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks whose secrets Google seals or keeps, at a stand-in for Google Cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from connector_tasks import API, SCOPES, Connector, named, of, read
from site_of_runs import Run, Site, Task

if TYPE_CHECKING:
    from servers.google_cloud import GoogleCloud


def secrets(number: int, value: str = "value") -> Task:
    """Declare so many secrets at the connector of this test."""
    options = {**API, "identifier": "s{{ item }}", "value": f"{value} {{{{ item }}}}", "secret_manager": "it"}
    return named("secrets", of("secret_text", **options), loop=list(range(number)))


def connected(connector: Connector, **options: Any) -> list[Task]:
    return [*SCOPES, named("connector", connector.task(**API, identifier="it", **options))]


def changed(run: Run) -> list[str]:
    return [task["task"] for task in run.tasks if task["result"].get("changed")]


NAMES = [f"s{number}" for number in range(6)]


@pytest.mark.inline
def test_secret_manager_keeps_reads_and_deletes(
    site: Site, google_cloud: GoogleCloud, google: Connector, broker: str
) -> None:
    calls = google_cloud.calls
    theirs = f"{google.base}-theirs"
    parent, secret = f"projects/{google_cloud.project}", {"replication": {"automatic": {}}}
    google_cloud.secrets_client.create_secret(parent=parent, secret_id=theirs, secret=secret)
    payload = {"data": b'{"token": "a token"}'}
    google_cloud.secrets_client.add_secret_version(parent=f"{parent}/secrets/{theirs}", payload=payload)
    reference = of("secret_text", **API, identifier="theirs", reference=f"{theirs}#token", secret_manager="it")
    declared = [*connected(google, locations=["europe-west3"]), secrets(len(NAMES)), named("reference", reference)]
    first = site.run(declared)
    assert "credentials_json" not in first.result("connector")["connector"]["options"]
    # One more is the check's.
    assert (calls.count("CreateSecret"), calls.count("AddSecretVersion")) == (len(NAMES) + 1, len(NAMES) + 1)
    assert changed(site.run(declared)) == []
    calls.clear()
    url = f"gcpsecretsmanager://it/{theirs}/1#token"
    done = site.run([read(*NAMES, "theirs", url, **API), read("s0", **API)])
    assert done.tasks[0]["result"]["msg"] == [*(f"value {number}" for number in range(len(NAMES))), *["a token"] * 2]
    if broker == "on":
        # What is read at a version, and what is the newest, are two things.
        assert (calls.count("token"), calls.count("AccessSecretVersion")) == (1, len(NAMES) + 2)
    site.run([secrets(1, "another")])
    gone = [of("secret_text", **API, identifier=name, state="absent") for name in ("s0", "theirs")]
    assert site.run([read("s0", **API), *gone]).tasks[0]["result"]["msg"] == ["another 0"]
    left = {one.name.rpartition("/")[2] for one in google_cloud.secrets_client.list_secrets(parent=parent)}
    assert {f"{google.base}-s1", theirs} <= left
    assert f"{google.base}-s0" not in left


@pytest.mark.parametrize(("reuse", "sealing", "opening"), [("none", 6, 6), ("run", 1, 1)])
def test_kms_seals_and_opens(
    site: Site, google_cloud: GoogleCloud, google_kms: Connector, reuse: str, sealing: int, opening: int
) -> None:
    declared, calls = [*connected(google_kms, data_key_reuse=reuse), secrets(len(NAMES))], google_cloud.calls
    site.run(declared)
    # One more of each is the check's.
    assert (calls.count("Encrypt"), calls.count("Decrypt")) == (sealing + 1, 1)
    assert changed(site.run(declared)) == []
    calls.clear()
    assert site.run([read(*NAMES, **API)]).last["msg"] == [f"value {number}" for number in range(len(NAMES))]
    assert (calls.count("token"), calls.count("Encrypt"), calls.count("Decrypt")) == (1, 0, opening)


def test_a_key_that_google_disabled_says_so(site: Site, google_cloud: GoogleCloud, google_kms: Connector) -> None:
    text = of("secret_text", **API, identifier="s0", value="value", secret_manager="it")
    site.declare(*connected(google_kms), text)
    ring = f"projects/{google_cloud.project}/locations/{google_cloud.location}/keyRings/playbooks"
    version = f"{ring}/cryptoKeys/{google_kms.options['key']}/cryptoKeyVersions/1"
    disabled = {"crypto_key_version": {"name": version, "state": 2}, "update_mask": {"paths": ["state"]}}
    google_cloud.kms_client.update_crypto_key_version(request=disabled)
    assert "is disabled" in site.run([read("s0", **API)], fails=True).output


@pytest.mark.parametrize("form", ["text", "dictionary"])
def test_a_key_may_come_as_text_or_as_what_yaml_makes_of_it(
    site: Site, google_cloud: GoogleCloud, google: Connector, form: str
) -> None:
    (site.folder / "key.json").write_text(google_cloud.credentials_json)
    text = f"lookup('ansible.builtin.file', '{site.folder}/key.json')"
    given = {"text": f"{{{{ {text} }}}}", "dictionary": f"{{{{ {text} | from_json }}}}"}[form]
    declared = connected(google, credentials_json=given)
    site.run(declared)
    assert changed(site.run(declared)) == []


def test_a_key_may_be_a_file_secret(site: Site, google_cloud: GoogleCloud, google: Connector) -> None:
    (site.folder / "key.json").write_text(google_cloud.credentials_json)
    key = of("secret_file", **API, identifier="google_key", src=str(site.folder / "key.json"))
    given = {"credentials_json": None, "credentials_json_ref": "google_key"}
    declared = [*SCOPES, key, named("connector", google.task(**API, **given))]
    site.run(declared)
    assert changed(site.run(declared)) == []
