# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles: what they make of a machine, of variables and of hosts; again, in check mode, where something is wrong."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import yaml
from role_tasks import changed, refused, role, why
from servers.postgresql import PASSWORD
from servers.sshd import HOSTS, Account
from servers.sshd import new_key as new_key_pair
from site_of_runs import ROOT, Run, Site, Task
from ssh_hosts import OURS, WHO, SshSite

if TYPE_CHECKING:
    from servers.postgresql import Postgresql
    from servers.sshd import Sshd

TREE = {
    "secrets": {"smtp": "of the account"},
    "organizations": {
        "payments": {
            "description": "Payments",
            "secrets": {"shared": {"value": "of payments", "shared_with": [{"org": "payments", "project": "api"}]}},
            "projects": {
                "api": {"secrets": {"db": {"generate": {"length": 40}}, "licence": {"kind": "file", "content": "1-2"}}}
            },
        }
    },
}
# Those whose examples need no server.
ROLES = ("manifest", "setup")


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def codes(run: Run, *names: str) -> list[str]:
    return [run.result(name)["msg"]["code"] for name in names]


def scopes(site: Site, **options: str) -> list[str]:
    found = site.run([{"scoped.secrets.scope_info": {"recursive": True, **options}}]).last["scopes"]
    return [scope["project"] or scope["org"] for scope in found]


# setup

MASKED = ("Create ansible.cfg or its section", "Enable the callback alone")
ENABLED = "[defaults]\ncallbacks_enabled = scoped.secrets.mask\n"
LIST = "callbacks_enabled = a.b.c, d, scoped.secrets.mask"
# What is in an ansible.cfg, and what the role makes of it.
CFGS = {
    "none": (None, ENABLED),
    "empty": ("", ENABLED),
    "other sections": ("[ssh_connection]\nretries=3\n", f"[ssh_connection]\nretries=3\n{ENABLED}"),
    "no callbacks": ("[defaults]\nforks = 9\n", f"{ENABLED}forks = 9\n"),
    "no callback": ("[defaults]\ncallbacks_enabled =\n", ENABLED),
    "callbacks": ("[defaults]\ncallbacks_enabled=a.b.c, d\nforks = 9\n", f"[defaults]\n{LIST}\nforks = 9\n"),
    "lines": ("[defaults]\ncallbacks_enabled =\n  a.b.c,\n  d\n\nforks = 9\n", f"[defaults]\n{LIST}\n\nforks = 9\n"),
    "enabled": (f"[defaults]\n{LIST}\n", f"[defaults]\n{LIST}\n"),
}


def test_setup_masks_the_output_of_later_runs(site: Site) -> None:
    for name, (before, _after) in CFGS.items():
        if before is not None:
            (site.folder / f"{name}.cfg").write_text(before)
    store = {"setup_store": f"sqlite:///{site.folder}/own/store.db", "setup_root_key_file": f"{site.folder}/own.key"}
    store["setup_root_key"] = new_key()
    play = [role("setup", **store, setup_ansible_cfg=f"{site.folder}/{name}.cfg") for name in CFGS]
    site.run(play)
    assert {name: (site.folder / f"{name}.cfg").read_text() for name in CFGS} == {
        name: after for name, (_before, after) in CFGS.items()
    }
    assert changed(site.run(play)) == []
    environment = {"ANSIBLE_CONFIG": str(site.folder / "none.cfg"), "SCOPED_SECRETS_STORE": store["setup_store"]}
    environment |= {"SCOPED_SECRETS_ROOT_KEY_FILE": store["setup_root_key_file"]}
    shown: Task = {"ansible.builtin.debug": {"msg": "{{ 'can' ~ 'ary' }} is read"}}
    made: Task = {"scoped.secrets.secret_text": {"identifier": "a", "value": "{{ 'can' ~ 'ary' }}"}}
    plain = ["env", "-u", "ANSIBLE_CALLBACKS_ENABLED"]
    assert "******** is read" in site.run([made, shown], environment=environment, under=plain).output


def test_setup_goes_on_where_it_can_not_or_must_not_mask(site: Site) -> None:
    store = {"setup_store": f"sqlite:///{site.folder}/own/store.db", "setup_root_key_file": f"{site.folder}/own.key"}
    run = site.run([role("setup", **store, setup_root_key=new_key(), setup_ansible_cfg="/proc/version")])
    assert "Output is not masked. Add scoped.secrets.mask to callbacks_enabled in /proc/version" in run.output
    assert changed(site.run([role("setup", **store, setup_ansible_cfg="")])) == []
    assert (site.folder / "home" / ".ansible.cfg").read_text() == ""


@pytest.mark.each_store
def test_setup_makes_a_store_once(site: Site) -> None:
    play = [role("setup", setup_organizations={"payments": {"description": "Payments", "projects": {"api": {}}}})]
    planned = site.run(play, "--check")
    if not site.shared_store:
        assert changed(planned) == ["Create the root key file", *MASKED]
        assert not site.key_file.exists()
    assert "scoped.secrets" not in (site.folder / "home" / ".ansible.cfg").read_text()
    first = site.run(play, "--diff")
    assert stat.S_IMODE(site.key_file.stat().st_mode) == 0o600
    assert site.key_file.read_text().strip() not in first.output
    assert ["Declare the first scopes", *MASKED] == changed(first)[-3:]
    assert (site.folder / "home" / ".ansible.cfg").read_text() == ENABLED
    assert ("Back it up now" in " ".join(first.output.split())) == (not site.shared_store)
    assert changed(site.run(play)) == []
    assert scopes(site) == ["", "payments", "api"]


def test_setup_takes_a_key_and_overwrites_none(site: Site) -> None:
    key, other = new_key(), new_key()
    own = {"setup_store": f"sqlite:///{site.folder}/own/store.db", "setup_root_key_file": f"{site.folder}/own.key"}
    elsewhere = {**own, "setup_root_key_file": f"{site.folder}/elsewhere.key"}
    run = site.run(
        [
            role("setup", **own, setup_root_key=key),
            role("setup", **own, setup_root_key=key),
            refused("another", role("setup", **own, setup_root_key=other)),
            refused("weak", role("setup", **elsewhere, setup_root_key="A" * 43 + "=")),
            refused("made", role("setup", **elsewhere)),
            refused("put", role("setup", **elsewhere, setup_root_key=other)),
        ],
    )
    assert (site.folder / "own.key").read_text() == f"{key}\n"
    assert codes(run, "another", "weak", "made", "put") == [
        "other_root_key",
        "weak_root_key",
        "missing_key_file",
        "wrong_key",
    ]
    assert not (site.folder / "elsewhere.key").exists()


def test_setup_makes_no_key_where_the_environment_has_one(site: Site) -> None:
    own = {"setup_store": f"sqlite:///{site.folder}/own/store.db", "setup_root_key_file": f"{site.folder}/own.key"}
    first = site.run([role("setup", **own)], environment={"SCOPED_SECRETS_PASSPHRASE": "correct horse battery"})
    assert changed(first) == ["Open the store, or create it", *MASKED]
    assert not (site.folder / "own.key").exists()
    environment = {"SCOPED_SECRETS_SCOPE_KEY": "x"}
    run = site.run([refused("scope key", role("setup", **own))], environment=environment)
    assert codes(run, "scope key") == ["root_key_needed"]


@pytest.fixture
def database(site: Site, postgresql: Postgresql) -> Iterator[str]:
    with postgresql.prepared(site.folder.name) as place:
        yield f"{place}?sslmode=disable"


def test_setup_prepares_a_database(site: Site, postgresql: Postgresql, database: str) -> None:
    secret = {"owner": "canary-of-the-owner", "app": "canary-of-the-app"}
    urls = {name: f"postgresql://scoped_secrets_{name}:{password}@{database}" for name, password in secret.items()}
    given = {
        "setup_store": urls["app"],
        "setup_postgresql_owner_url": urls["owner"],
        "setup_postgresql_admin_url": postgresql.url("postgres"),
        "setup_root_key_file": f"{site.folder}/shared.key",
        "setup_organizations": {"payments": {}},
    }
    play = [role("setup", **given)]
    assert changed(site.run(play, "--check")) == ["Create the database and its roles", *MASKED]
    first = site.run(play, "-vvv", "--diff")
    assert changed(first) == [
        "Create the database and its roles",
        "Create the root key file",
        "Create the tables and grant privileges",
        "Declare the first scopes",
        *MASKED,
    ]
    assert not [word for word in (*secret.values(), PASSWORD, quote(PASSWORD)) if word in first.output]
    assert changed(site.run(play)) == []
    assert scopes(site, store=urls["app"], root_key_file=f"{site.folder}/shared.key") == ["", "payments"]


# manifest


@pytest.mark.each_store
def test_a_tree_is_declared_from_variables(site: Site) -> None:
    play = [role("manifest", manifest_tree=TREE, manifest_resources=[{"scope": {"org": "sales"}}])]
    planned, first, again = (site.run(play, *options) for options in (["--check", "--diff"], ["--diff"], []))
    assert (changed(planned), changed(first), changed(again)) == (["Declare the tree"], ["Declare the tree"], [])
    read = {"account.smtp": "of the account", "org.shared": "of payments", "licence": "1-2"}
    found = "query('scoped.secrets.secret', *names, org='payments', project='api')"
    shown: Task = {"ansible.builtin.debug": {"msg": f"{{{{ {found} }}}}"}, "vars": {"names": list(read)}}
    assert site.run([shown]).last["msg"] == list(read.values())
    assert scopes(site) == ["", "payments", "api", "sales"]


def test_what_is_wrong_with_a_tree_is_told(site: Site) -> None:
    run = site.run(
        [
            refused("no dictionary", role("manifest", manifest_tree={"secrets": "canary"})),
            refused("unknown option", role("manifest", manifest_tree={"organizations": {"a": {"sekrets": {}}}})),
            refused("not a tree", role("manifest", manifest_tree="canary")),
            refused("no such way", role("manifest", manifest_on_error="go_on")),
        ],
        "-vvv",
    )
    assert "secrets must be a dictionary" in why(run, "no dictionary")
    assert "sekrets" in why(run, "unknown option")
    assert "manifest_tree" in why(run, "not a tree")
    assert "manifest_on_error" in why(run, "no such way")
    assert "canary" not in run.output


# ssh_access


@pytest.fixture
def ssh(site: Site, sshd: Sshd) -> SshSite:
    return SshSite(site, sshd)


def lines_of(account: Account) -> list[str]:
    return (account.home / ".ssh" / "authorized_keys").read_text().splitlines()


def test_hosts_get_their_credential(ssh: SshSite, tmp_path: Path) -> None:
    """So far they are connected with locally; the key is published that way, and an older one goes afterwards."""
    account, inventory = ssh.sshd.key, tmp_path / "inventory"
    old = new_key_pair(tmp_path)[1]
    account.authorize(old)
    made = ssh.declare("deploy", user=account.name, generate={"type": "ed25519"})["secret"]
    present = {"ansible_connection": "local", "ansible_user": "root"}
    hosts = {"one": ssh.host(**present), "two": ssh.host(address=HOSTS[1], **present)}
    given = {
        "ssh_access_credentials": {"nobody": "account.nobody", "targets": "account.deploy"},
        "ssh_access_publish_key": True,
        "ssh_access_retired_keys": [old],
        "ssh_access_inventory": str(inventory),
    }
    first = ssh.run([role("ssh_access", **given), WHO], "--forks", "1", hosts=hosts)
    assert [task["result"]["stdout"] for task in first.tasks if task["task"] == "who"] == [account.name] * 2
    assert made["public_key"] in lines_of(account)
    assert old not in lines_of(account)
    written = yaml.safe_load((inventory / "group_vars" / "targets" / "scoped_secrets_ssh.yml").read_text())
    assert written == {"ansible_connection": OURS, "ansible_ssh_credential": "account.deploy"}
    assert changed(ssh.run([role("ssh_access", **given)], hosts=hosts)) == []
    found = [
        refused("no credential", role("ssh_access", ssh_access_credentials={"nobody": "account.deploy"})),
        refused("unknown", role("ssh_access", ssh_access_credential="account.unknown")),
        role("ssh_access", ssh_access_required=False),
        *(role("ssh_access", ssh_access_credential="account.deploy", ssh_access_check=way) for way in ("raw", "wait")),
    ]
    run = ssh.run([*found, WHO], hosts={"one": ssh.host(**present)})
    assert "which is in the groups targets" in why(run, "no credential")
    assert "no SSH credential 'account.unknown'" in why(run, "unknown")
    assert run.result("who")["stdout"] == account.name


def test_a_host_that_refuses_its_credential_is_unreachable(ssh: SshSite) -> None:
    ssh.declare("deploy", user=ssh.sshd.key.name, generate={"type": "ed25519"})
    given = role("ssh_access", ssh_access_credential="account.deploy")
    run = ssh.run([given], hosts={"one": ssh.host(ansible_connection="local")}, fails=True)
    assert run.last["unreachable"]
    assert "[host_refused_key]" in run.last["msg"]


def test_the_example_of_the_readme_at_a_host(ssh: SshSite) -> None:
    (text,) = plays_of(ROOT / "roles" / "ssh_access" / "README.md")
    playbook = ssh.site.folder / "playbook.yml"
    playbook.write_text(text.replace("user: deploy", f"user: {ssh.sshd.key.name}"))
    inventory = {"web": {"hosts": {"web1": ssh.host(ansible_connection="local", ansible_become_method="su")}}}
    (ssh.site.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    assert "Authorize the key" in changed(ssh.site.run(playbook, environment=ssh.environment()))
    assert changed(ssh.site.run(playbook, environment=ssh.environment())) == []


# What their pages show


def plays_of(page: Path) -> list[str]:
    """Return the playbooks that a page shows."""
    blocks = [part.partition("```")[0] for part in page.read_text().split("```yaml\n")[1:]]
    return [block for block in blocks if "hosts:" in block]


@pytest.mark.each_store
@pytest.mark.parametrize("name", ROLES)
def test_the_example_of_the_readme(site: Site, name: str) -> None:
    (play,) = plays_of(ROOT / "roles" / name / "README.md")
    playbook = site.folder / "playbook.yml"
    playbook.write_text(play)
    assert changed(site.run(playbook))
    assert changed(site.run(playbook)) == []


@pytest.mark.parametrize("name", [*ROLES, "ssh_access"])
def test_the_readme_names_all_variables(name: str) -> None:
    folder = ROOT / "roles" / name
    options = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text())
    rows = [line.split("`")[1] for line in (folder / "README.md").read_text().splitlines() if line.startswith("| `")]
    assert rows == list(options) == list(defaults)
