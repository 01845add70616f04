# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A team points a connector at its own server and at a file of the administrator: nothing of that file is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from connector_tasks import API, SCOPES, ignored, named, of, read
from site_of_runs import Site

SETTING = "SCOPED_SECRETS_ALLOWED_CREDENTIALS"


class Attacker(BaseHTTPRequestHandler):
    """A server of the team, which keeps what it is sent and accepts every login."""

    seen: list[bytes]

    def _answer(self) -> None:
        self.seen.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        reply = json.dumps(
            {"auth": {"client_token": "t", "lease_duration": 60, "renewable": False}, "data": {}}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def attacker() -> Iterator[HTTPServer]:
    Attacker.seen = []
    server = HTTPServer(("127.0.0.1", 0), Attacker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.inline
def test_the_root_key_is_not_sent_to_a_teams_server(site: Site, attacker: HTTPServer) -> None:
    key = site.folder / "api.key"
    site.declare(*SCOPES, of("scope_key", **API, dest=str(key)))
    root_key = site.key_file.read_text().strip()
    url = f"http://127.0.0.1:{attacker.server_port}"
    login = {"auth_method": "jwt", "role": "r", "token_file": str(site.key_file)}
    vault = of("connector_hashicorp_vault", **API, identifier="own", url=url, check=False, use_as_default=True, **login)
    site.run([vault], environment={"SCOPED_SECRETS_SCOPE_KEY_FILE": str(key)})
    tries = [
        ignored("read", read("hashicorpvault://own/a", name="read", **API)),
        ignored("write", of("secret_text", **API, identifier="a", value="new")),
        ignored("adopt", of("secret_text", **API, identifier="b", reference="x", secret_manager="own")),
        named("check", of("connector_check", **API, identifier="own")),
        named("doctor", of("doctor")),
    ]
    run = site.run(tries, "-vvv", "--diff")
    for name in ("read", "write", "adopt", "check"):
        assert "machine_credential_not_allowed" in json.dumps(run.result(name)), name
    (check,) = [one for one in run.result("doctor")["checks"] if one["check"] == "commands"]
    assert "connector 'own' of project 'payments/api'" in check["message"]
    assert Attacker.seen == []
    # It is what the team's server would have got.
    site.run(tries[:1], environment={SETTING: str(site.key_file)})
    assert any(root_key.encode() in body for body in Attacker.seen)
