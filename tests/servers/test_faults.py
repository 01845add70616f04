# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault proxy follows its rules and counts requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from servers.faults import Fault, FaultProxy, serve
from servers.identities import Authority
from servers.openbao import OpenBao
from servers.process import session

TEXT = '{"data": {"value": "0123456789"}}'


class Upstream(BaseHTTPRequestHandler):
    """Answers every request with TEXT and adds it to `calls`. At /together, it waits for four requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    calls: list[str]
    four = threading.Barrier(4, timeout=60)

    def do_GET(self) -> None:
        self.calls.append(self.path)
        if self.path == "/together":
            self.four.wait()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT.encode())

    do_POST = do_LIST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def proxy(calls: list[str]) -> Iterator[FaultProxy]:
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), type("Counting", (Upstream,), {"calls": calls}))
    threading.Thread(target=upstream.serve_forever, args=(0.05,), daemon=True).start()
    with serve(f"http://127.0.0.1:{upstream.server_address[1]}") as running:
        yield running
    upstream.shutdown()
    upstream.server_close()


def test_counts_without_a_fault_over_one_connection(proxy: FaultProxy, calls: list[str]) -> None:
    with session() as client:
        for method in ("GET", "GET", "LIST", "POST"):
            assert client.request(method, f"{proxy.url}/v1/a?list=true", data="x").text == TEXT
    assert proxy.counts == {("GET", "/v1/a"): 2, ("LIST", "/v1/a"): 1, ("POST", "/v1/a"): 1}
    assert proxy.count(method="GET", path=r"/v1/a\?list") == 2
    assert (len(calls), proxy.connections, proxy.peak) == (4, 1, 1)


def test_a_rule_holds_for_its_requests_only(proxy: FaultProxy) -> None:
    proxy.add(Fault.answer(503), method="GET", path="^/v1/a$", times=2, skip=1)
    paths = ["/v1/a", "/v1/a/b", "/v1/a", "/v1/a", "/v1/a"]
    assert [session().get(proxy.url + path).status_code for path in paths] == [200, 200, 503, 503, 200]
    assert session().post(f"{proxy.url}/v1/a").status_code == 200
    assert [seen.status for seen in proxy.seen] == [200, 200, 503, 503, 200, 200]


def test_a_rule_can_name_an_operation_of_aws(proxy: FaultProxy) -> None:
    proxy.add(Fault.answer(400), target="GetSecretValue")
    headers = {"X-Amz-Target": "secretsmanager.GetSecretValue"}
    assert session().post(proxy.url, headers={"X-Amz-Target": "secretsmanager.PutSecretValue"}).status_code == 200
    assert session().post(proxy.url, headers=headers).status_code == 400
    assert proxy.count(target="GetSecretValue") == 1


@pytest.mark.parametrize("status", [401, 403, 404, 409, 500, 503])
def test_status(proxy: FaultProxy, calls: list[str], status: int) -> None:
    proxy.add(Fault.answer(status))
    answer = session().get(proxy.url)
    assert (answer.status_code, answer.json()) == (status, {"errors": [f"injected {status}"]})
    assert calls == []


def test_retry_after(proxy: FaultProxy) -> None:
    proxy.add(Fault.retry_after(7))
    answer = session().get(proxy.url)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_reset(proxy: FaultProxy, calls: list[str]) -> None:
    proxy.add(Fault.reset())
    with pytest.raises(requests.ConnectionError):
        session().get(proxy.url)
    assert (calls, proxy.seen[0].status) == ([], 0)


def test_an_answer_can_be_lost_after_the_server_did_its_work(proxy: FaultProxy, calls: list[str]) -> None:
    proxy.add(Fault.reset(is_applied=True))
    with pytest.raises(requests.ConnectionError):
        session().post(f"{proxy.url}/v1/a")
    assert calls == ["/v1/a"]


def test_truncated(proxy: FaultProxy) -> None:
    proxy.add(Fault.truncated())
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match=f"{len(TEXT) // 2} bytes read"):
        session().get(proxy.url)


def test_huge(proxy: FaultProxy) -> None:
    proxy.add(Fault.huge(2))
    assert len(session().get(proxy.url).json()) == 2 * 1024 * 1024


def test_malformed(proxy: FaultProxy) -> None:
    proxy.add(Fault.malformed())
    answer = session().get(proxy.url)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_echo(proxy: FaultProxy) -> None:
    proxy.add(Fault.echo("s3cret\nof zwei €"))
    answer = session().get(proxy.url)
    assert answer.json() == {"errors": ["cannot parse s3cret\nof zwei €"]}
    assert answer.headers["X-Echo"].encode("latin-1").decode() == "s3cret of zwei €"


def test_a_closed_proxy_answers_no_request(proxy: FaultProxy) -> None:
    client = session()
    with serve(proxy.url) as first:
        assert client.get(first.url).text == TEXT
    with pytest.raises(requests.ConnectionError):
        client.get(first.url)


def test_a_late_answer_is_the_servers(proxy: FaultProxy) -> None:
    proxy.add(Fault.late(0.5))
    with pytest.raises(requests.ReadTimeout):
        session().get(proxy.url, timeout=0.01)
    assert session().get(proxy.url).text == TEXT


def test_concurrent_requests(proxy: FaultProxy) -> None:
    proxy.delay = 0.01
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: session().get(f"{proxy.url}/together").status_code, range(4)))
    assert (answers, proxy.peak, proxy.connections) == ([200] * 4, 4, 4)


def test_a_stand_in_answers_missing_paths(proxy: FaultProxy, calls: list[str]) -> None:
    proxy.stand_in("^/own$", lambda body: Fault.answer(200, {"got": body.decode()}))
    assert session().post(f"{proxy.url}/own", data="x").json() == {"got": "x"}
    assert session().post(f"{proxy.url}/other", data="x").text == TEXT
    proxy.add(Fault.answer(503), path="/own")
    assert session().post(f"{proxy.url}/own", data="x").status_code == 503
    assert (calls, proxy.count(path="/own")) == (["/other"], 2)


def test_tls_on_both_sides(openbao_tls: OpenBao, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serve(openbao_tls.url, ca=openbao_tls.ca, certificate=authority.issue("proxy")) as proxy:
        through = OpenBao(proxy.url, ca=authority.ca)
        assert through.request("GET", "sys/health")["sealed"] is False
        with pytest.raises(requests.exceptions.SSLError):
            session().get(proxy.url)
        assert proxy.counts == {("GET", "/v1/sys/health"): 1}


def test_nothing_behind_it(proxy: FaultProxy) -> None:
    with serve("http://127.0.0.1:1") as alone:
        assert session().get(alone.url).status_code == 502


def test_clear(proxy: FaultProxy) -> None:
    proxy.add(Fault.answer(500), times=None)
    assert session().get(proxy.url).status_code == 500
    proxy.clear()
    assert session().get(proxy.url).status_code == 200
    assert proxy.count() == 1
