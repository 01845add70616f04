# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WinRM credentials: Ansible's own connection logs in with the variables that the guide says."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from connector_tasks import of, place
from servers.process import until
from servers.winrm import serve
from site_of_runs import ROOT, Run, Site

if TYPE_CHECKING:
    from servers.kerberos import Kerberos

WORD = f"pw-{secrets.token_hex(12)}"


def variables_of_the_guide() -> dict[str, Any]:
    """Return the host variables that docs/credentials.md has for Windows."""
    text = (ROOT / "docs" / "credentials.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(windows_credential: .*?)```", text, re.DOTALL)
    assert block
    found: dict[str, Any] = yaml.safe_load(block[1])
    return found


def log_in(site: Site, library: Path) -> Run:
    host = {**variables_of_the_guide(), "ansible_host": "127.0.0.1"}
    site.folder.joinpath("hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"win": host}}}))
    environment = {"ANSIBLE_INVENTORY": str(site.folder / "hosts.yml"), "PYTHONPATH": str(library)}
    tasks = [{"ansible.builtin.raw": "whoami"}]
    return site.run(tasks, "-vvvvv", hosts="win", environment=environment, fails=True)


@pytest.mark.servers
@pytest.mark.parametrize(("password", "accepted"), [(WORD, ["CORP\\deploy"]), ("wrong", [])], ids=["right", "wrong"])
def test_ntlm(site: Site, venv: Path, tmp_path: Path, password: str, accepted: list[str]) -> None:
    library = venv / "winrm"
    if not library.is_dir():
        pytest.skip("tests/requirements-winrm.txt is not installed")
    with serve(tmp_path, "CORP", "deploy", WORD) as winrm:
        login = {"domain": "CORP", "user": "deploy", "password": password, "port": winrm.port, "use_tls": False}
        site.declare(of("scope", org="payments"), of("secret_winrm", org="payments", identifier="windows", **login))
        run = log_in(site, library)
        assert winrm.accepted[:1] == accepted
        assert bool(winrm.refused) == (not accepted)
    assert WORD not in run.output


def with_a_ticket(site: Site, kerberos: Kerberos) -> str:
    """Declare the credential `windows`, and return its principal."""
    word = place()
    principal = kerberos.add(place(), word)
    login = {"principal": principal, "password": word, "krb5_config": str(kerberos.config)}
    site.declare(of("scope", org="payments"), of("secret_winrm", org="payments", identifier="windows", **login))
    return principal


LOOKUP = "lookup('scoped.secrets.secret', 'windows', org='payments')"


@pytest.mark.parametrize("broker", ["on", "off"])
def test_a_ticket_is_there_for_the_tasks_own_process(site: Site, kerberos: Kerberos, broker: str) -> None:
    principal = with_a_ticket(site, kerberos)
    issued = kerberos.issued(principal)
    task = {
        "name": "ticket",
        "ansible.builtin.debug": {"msg": f"{{{{ [{LOOKUP}, lookup('pipe', 'klist')] }}}}"},
    }
    run = site.run([task, task], environment={"SCOPED_SECRETS_BROKER": broker})
    credential, listed = run.last["msg"]
    assert f"Default principal: {principal}" in listed
    assert (credential["user"], credential["transport"], credential["kinit_mode"]) == (principal, "kerberos", "manual")
    assert "password" not in credential
    assert kerberos.issued(principal) - issued == (1 if broker == "on" else 2)
    until(lambda: not cache_of(credential).exists())


def cache_of(credential: dict[str, Any]) -> Path:
    return Path(credential["ticket_cache"].removeprefix("FILE:"))


def test_a_ticket_goes_with_a_worker_that_is_terminated(site: Site, kerberos: Kerberos) -> None:
    """Without a broker, a worker has the ticket. At the end of a run, ansible-core does not wait for the last one."""
    with_a_ticket(site, kerberos)
    task = {"ansible.builtin.debug": {"msg": f"{{{{ [{LOOKUP}, lookup('slow_end')] }}}}"}}
    plugins = str(Path(__file__).parent / "lookup_plugins")
    run = site.run([task], environment={"SCOPED_SECRETS_BROKER": "off", "ANSIBLE_LOOKUP_PLUGINS": plugins})
    until(lambda: not cache_of(run.last["msg"][0]).parent.exists())
