# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the Kubernetes API that verifies service account tokens: TokenReview.

By hand: python -m servers.kubernetes
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature

from servers.answering import answering
from servers.identities import Authority, Issuer
from servers.process import by_hand

__all__ = ["AUDIENCE", "Cluster", "serve"]

AUDIENCE = "https://kubernetes.default.svc"
PATH = "/apis/authentication.k8s.io/v1/tokenreviews"


@dataclass
class Cluster:
    """A cluster with its API at `url`. `ca` is the file of its certificate authority.

    `reviews` has the status of every review so far.
    """

    url: str
    ca: Path
    issuer: Issuer = field(default_factory=Issuer, repr=False)
    reviews: list[dict[str, Any]] = field(default_factory=list)

    def token(self, account: str, namespace: str = "default", *, seconds: int = 3600, audience: str = AUDIENCE) -> str:
        """Return a service account token as Kubernetes projects it into a pod."""
        service_account = {"name": account, "uid": f"uid-of-{account}"}
        return self.issuer.issue(
            f"system:serviceaccount:{namespace}:{account}",
            [audience],
            seconds=seconds,
            **{"kubernetes.io": {"namespace": namespace, "serviceaccount": service_account}},
        )

    def review(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the status of a TokenReview: the owner of the token, or why it is refused."""
        try:
            claims: dict[str, Any] = self.issuer.claims(spec["token"])
        except (InvalidSignature, ValueError):
            return {"authenticated": False, "error": "the token is not signed by this cluster"}
        if claims["exp"] <= time.time():
            return {"authenticated": False, "error": "the token has expired"}
        common = [name for name in claims["aud"] if name in (spec.get("audiences") or [AUDIENCE])]
        if not common:
            return {"authenticated": False, "error": "the token is for another audience"}
        details = claims["kubernetes.io"]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{details['namespace']}", "system:authenticated"]
        user = {"username": claims["sub"], "uid": details["serviceaccount"]["uid"], "groups": groups}
        return {"authenticated": True, "user": user, "audiences": common}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Cluster

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_known = self.path == PATH and body.get("kind", "TokenReview") == "TokenReview"
        status = self.cluster.review(body["spec"]) if is_known else {}
        self.cluster.reviews.append(status)
        content = json.dumps({**body, "status": status}).encode()
        self.send_response(201 if is_known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Cluster]:
    """Yield a cluster that accepts the tokens it issued itself."""
    authority = Authority(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    cluster = Cluster(f"https://127.0.0.1:{server.server_address[1]}", authority.ca)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"cluster": cluster})
    with answering(server, authority.issue("kubernetes")):
        yield cluster


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as cluster:
        yield {
            "KUBERNETES_URL": cluster.url,
            "KUBERNETES_CA": str(cluster.ca),
            "SERVICE_ACCOUNT_TOKEN": cluster.token("app"),
        }


if __name__ == "__main__":
    by_hand(_variables())
