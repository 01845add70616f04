# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/awx.md leads to: the role makes job templates in AWX, and their jobs render a secret, which nobody sees.

awx.awx's own modules talk to a stand-in of AWX, whose jobs are real ones of ansible-runner, with a store on PostgreSQL.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
import yaml
from canaries import Watch, canaries, check_output, spellings
from site_of_runs import ROOT, Run, Site, Task

if TYPE_CHECKING:
    from servers.awx.api import Awx
    from servers.awx.job import Job
    from servers.postgresql import Postgresql

API = {"org": "payments", "project": "api"}
PAGE = (ROOT / "docs" / "awx.md").read_text()
DECLARED, ROLE = (
    yaml.safe_load(part.partition("```")[0])[0] for part in PAGE.split("```yaml\n")[1:] if part.startswith("- name: ")
)
(CREDENTIAL,) = ROLE["vars"]["awx_credentials"]
(TEMPLATE,) = ROLE["vars"]["awx_job_templates"]
KEYS = ("scope_key", "root_key")
# What the example does, and then shows what it should not, which the callback of its ansible.cfg hides.
SHOWN = """
- import_playbook: render.yml
- hosts: all
  gather_facts: false
  tasks:
    - debug: {msg: "{{ lookup('scoped.secrets.secret', 'db_password') }}"}
"""


def variables() -> dict[str, Any]:
    """Return those of the page, for a credential and a job template by each key, with what is secret from `meant`."""
    given = {name: f"{{{{ meant.{name} }}}}" for name in ("store", "database_password", "database_ca")}
    plain = {name: value for name, value in CREDENTIAL.items() if name not in KEYS}
    rendered = {"extra_vars": {"rendered_file": "{{ meant.folder }}/rendered.ini"}}
    return {
        **ROLE["vars"],
        "awx_credentials": [{**plain, **given, "name": key, key: f"{{{{ meant.{key} }}}}"} for key in KEYS],
        "awx_job_templates": [
            {**TEMPLATE, **rendered, "name": key, "credentials": [key], "playbook": playbook}
            for key, playbook in zip(KEYS, ("shown.yml", TEMPLATE["playbook"]), strict=True)
        ],
    }


class Lab:
    """A control node where the secrets are declared, and an AWX whose jobs use them."""

    def __init__(self, site: Site, awx: Awx, collection: Path) -> None:
        self.site = site
        self.awx = awx
        self.path = f"{site.collections}:{collection}"
        self.meant = site.folder / "meant"
        self.meant.mkdir()
        shutil.copytree(ROOT / "examples" / "awx", site.folder / "repo")
        (site.folder / "repo" / "shown.yml").write_text(SHOWN)
        self.values = canaries()
        self.values["root_key"] = base64.b64encode(os.urandom(32)).decode()

    @property
    def rendered(self) -> Path:
        return self.meant / "rendered.ini"

    def declare(self, authority: Path) -> None:
        """Put a secret into the store, and all that the credentials hold into a file for the role."""
        (self.meant / "root.key").write_text(self.values["root_key"])
        (self.meant / "root.key").chmod(0o600)
        value = {**API, "identifier": "db_password", "value": "{{ canary.text }}"}
        tasks: list[Task] = [*DECLARED["tasks"], {"scoped.secrets.secret_text": value}]
        keys = {"SCOPED_SECRETS_ROOT_KEY_FILE": str(self.meant / "root.key")}
        store = {"SCOPED_SECRETS_STORE": f"{self.site.shared_store}&sslrootcert={authority}"}
        self._write({"canary": self.values, "scope_key_file": str(self.meant / "scope.key")})
        self.site.run(tasks, "-e", f"@{self.meant / 'vars.json'}", environment={**keys, **store})
        self.values["scope_key"] = (self.meant / "scope.key").read_text().strip()
        meant = {
            "store": self.site.shared_store.replace(f":{quote(self.values['database'], safe='')}@", "@"),
            "database_password": self.values["database"],
            "database_ca": authority.read_text(),
            "root_key": self.values["root_key"],
            # As a browser sends what was pasted.
            "scope_key": self.values["scope_key"] + "\r\n",
            "folder": str(self.meant),
        }
        self._write({"meant": meant})

    def _write(self, variables: dict[str, Any]) -> None:
        (self.meant / "vars.json").write_text(json.dumps(variables))

    @property
    def token(self) -> str:
        from servers.awx.api import TOKEN

        return TOKEN

    def role(self, given: dict[str, Any] | None = None, *, fails: bool = False) -> Run:
        """Run the role as somebody who has logged in to AWX with a token; by itself it declares all that there is."""
        login = {"CONTROLLER_HOST": self.awx.url, "CONTROLLER_OAUTH_TOKEN": self.token}
        return self.site.run(
            [],
            "-vvv",
            "-e",
            f"@{self.meant / 'vars.json'}",
            variables=given or variables(),
            environment={**login, "ANSIBLE_COLLECTIONS_PATH": self.path},
            roles=ROLE["roles"],
            fails=fails,
        )

    def launch(self, template: str) -> Job:
        from servers.awx.job import launch

        self.rendered.unlink(missing_ok=True)
        plain = self.site.environment()
        kept = ("PATH", "HOME", "TMPDIR", "LANG", "SCOPED_SECRETS_BROKER", "ANSIBLE_COLLECTIONS_PATH")
        environment = {name: plain[name] for name in kept if name in plain}
        python = self.site.venv / "bin" / "python"
        root = self.site.folder
        return launch(self.awx, template, project=root / "repo", environment=environment, python=python, root=root)

    def words(self) -> set[bytes]:
        """Return what nobody may see, all of it made for this test alone."""
        return spellings(self.values)


@pytest.fixture
def lab(tmp_path: Path, venv: Path, collections: Path, awx: Awx, awx_collection: Path, postgresql: Postgresql) -> Lab:
    site = Site(tmp_path, venv, collections, postgresql.new_store(sslmode="verify-full"))
    lab = Lab(site, awx, awx_collection)
    # The password of a user of its own. In a password file its colon and its backslash have to be escaped.
    user, lab.values["database"] = f"awx_{os.getpid()}", f"db:{secrets.token_hex(12)}\\%"
    postgresql.run(f"CREATE ROLE {user} SUPERUSER LOGIN PASSWORD '{lab.values['database']}'")
    _scheme, _at, rest = site.shared_store.partition("@")
    site.shared_store = f"postgresql://{user}:{quote(lab.values['database'], safe='')}@{rest}"
    lab.declare(postgresql.authority)
    return lab


def changed(run: Run) -> list[str]:
    """Return the tasks that changed something, once for each item."""
    looped = {task["task"] for task in run.tasks if task["status"].startswith("item")}
    return [
        task["task"].rpartition(" : ")[2]
        for task in run.tasks
        if task["result"].get("changed") and (task["status"].startswith("item") or task["task"] not in looped)
    ]


# One test, as its steps need each other: what takes time is the modules of awx.awx, a third of a second each.
def test_from_nothing_to_a_job_template_that_renders_a_secret(lab: Lab) -> None:
    runs = [lab.role()]
    assert len(changed(runs[0])) == 1 + 2 + 1 + 1 + 2
    assert lab.awx.named("credentials", "scope_key")["inputs"]["database_login"].strip() == login_of(lab)
    with Watch(lab.words(), lab.site) as watch:
        jobs = [job_that_renders(lab, name) for name in KEYS]
        assert '"msg": "********"' in jobs[0].stdout
        jobs.append(job_without_a_credential(lab))
        jobs += jobs_with_a_changed_store(lab)
    assert (watch.looks > 0, watch.seen) == (True, [])
    runs += [*role_again(lab), *role_that_fails(lab)]
    outputs = [*(run.output for run in runs), *(job.stdout for job in jobs)]
    check_output(lab.site, Run(0, "".join(outputs)), {*lab.words(), lab.token.encode()})


def login_of(lab: Lab) -> str:
    """Return the line of PostgreSQL's password file that is for this store only."""
    store = urlsplit(lab.site.shared_store)
    password = lab.values["database"].replace("\\", "\\\\").replace(":", "\\:")
    return f"{store.hostname}:{store.port}:{store.path.strip('/')}:{store.username}:{password}"


def job_that_renders(lab: Lab, name: str) -> Job:
    """Return a job of which AWX keeps the scope, and names of files in place of secrets."""
    job = lab.launch(name)
    assert job.status == "successful", job.stdout
    assert f"password = {lab.values['text']}\n" in lab.rendered.read_text()
    stored = job.kept["job_env"]
    assert (stored["SCOPED_SECRETS_ORG"], stored["SCOPED_SECRETS_PROJECT"]) == ("payments", "api")
    assert f"passfile={job.folder}/env/" in stored["SCOPED_SECRETS_STORE"]
    return job


def job_without_a_credential(lab: Lab) -> Job:
    """Return the job of a template that has no store: one in the job's home would be gone with it."""
    lab.awx.add("job_templates", {"name": "bare", "playbook": "render.yml"})
    job = lab.launch("bare")
    assert (job.status, "would be lost with the container of this AWX job" in job.stdout) == ("failed", True)
    return job


def jobs_with_a_changed_store(lab: Lab) -> list[Job]:
    """Return jobs of a credential that somebody edited who doesn't know its password: no other server gets that."""
    from servers.postgresql_hostile import hostile_server

    credential, heard = lab.awx.named("credentials", "scope_key"), list[bytes]()
    before = credential["inputs"]["store"]
    user_and_host, database = before.partition("?")[0].rpartition("/")[::2]
    port = user_and_host.rpartition(":")[2]
    elsewhere = f"{user_and_host.removesuffix(port)}{hostile_server(b'M', heard=heard)}/{database}?sslmode=disable"
    jobs = []
    for store in (elsewhere, f"{user_and_host}/{database}?hostaddr=127.0.0.2"):
        lab.awx.change("credentials", credential, {"inputs": {**credential["inputs"], "store": store}})
        jobs.append(lab.launch("scope_key"))
    lab.awx.change("credentials", credential, {"inputs": {**credential["inputs"], "store": before}})
    assert ([job.status for job in jobs], heard) == (["failed", "failed"], [b""])
    assert "it wants a password, and none is set" in jobs[0].stdout
    assert "names its host twice" in jobs[1].stdout
    return jobs


def role_again(lab: Lab) -> list[Run]:
    """Run the role on what is there: nothing changes, until secrets are to be written anew."""
    requests = len(lab.awx.requests)
    again = lab.role()
    assert (changed(again), len(lab.awx.requests)) == ([], requests)
    rotated = lab.role({"awx_credentials": variables()["awx_credentials"], "awx_update_secrets": True})
    assert changed(rotated) == ["Declare the credentials"] * 2
    return [again, rotated]


def role_that_fails(lab: Lab) -> list[Run]:
    """Give the role what it can't take: that is told without what it could."""
    half = lab.role({"awx_credentials": [{"name": "half", "root_key": "{{ meant.root_key }}"}]}, fails=True)
    assert "store" in half.result(half.tasks[-1]["task"])["msg"]
    unbound = {**variables()["awx_credentials"][0], "store": "postgresql:///secrets?host=db.example.com"}
    bound = lab.role({"awx_credentials": [unbound]}, fails=True)
    assert "there is a database_password: scope_key" in bound.result(bound.tasks[-1]["task"])["msg"]
    lab.path = str(lab.site.collections)
    alone = lab.role(fails=True)
    assert "ansible-galaxy collection install awx.awx" in alone.output
    return [half, bound, alone]
