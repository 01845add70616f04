# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's token endpoints: for service account keys, for federated tokens, and for instances."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from servers.answering import answering
from servers.identities import Issuer

__all__ = ["EVERYTHING", "Tokens", "serve_tokens"]

EVERYTHING = ("*",)
SOON = 3599
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
Answer = tuple[int, Any]


class Tokens:
    """Identities, their permissions and their tokens.

    A permission is granted as `name`, or as `name@prefix` for resources that begin with `prefix`. `issuer` signs the
    tokens that the workload identity pool accepts.
    """

    def __init__(self, project: str, url: str) -> None:
        self.project = project
        self.url = url
        self.number = "123456789012"
        self.lifetime = SOON
        self.issuer = Issuer()
        self._keys: dict[str, tuple[str, rsa.RSAPublicKey]] = {}
        self._granted: dict[str, tuple[str, ...]] = {}
        self._holders: dict[str, str] = {}
        self._impersonators: dict[str, str] = {}
        self._lock = threading.Lock()

    # Identities.

    def service_account(self, name: str, *permissions: str, token_uri: str = "") -> str:
        """Create a service account, and return its key in Google's JSON format."""
        email = self.account(name, *permissions)
        private = rsa.generate_private_key(65537, 2048)
        key_id = secrets.token_hex(20)
        self._keys[key_id] = email, private.public_key()
        form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return json.dumps(
            {
                "type": "service_account",
                "project_id": self.project,
                "private_key_id": key_id,
                "private_key": private.private_bytes(serialization.Encoding.PEM, form, none).decode(),
                "client_email": email,
                "client_id": "1",
                "token_uri": token_uri or f"{self.url}/token",
            }
        )

    def account(self, name: str, *permissions: str) -> str:
        """Create a service account without a key, and return its address."""
        email = f"{name}@{self.project}.iam.gserviceaccount.com"
        self._granted[email] = permissions
        return email

    def audience(self, pool: str, provider: str) -> str:
        """Return the name of a provider of a workload identity pool. Any name works."""
        place = f"projects/{self.number}/locations/global/workloadIdentityPools"
        return f"//iam.googleapis.com/{place}/{pool}/providers/{provider}"

    def let_impersonate(self, subject: str, email: str, *permissions: str) -> None:
        """Let holders of an issuer's token for `subject` act as a service account, or use `permissions` directly."""
        self._granted[f"principal:{subject}"] = permissions
        self._impersonators[f"principal:{subject}"] = email

    def disable(self, credentials_json: str) -> None:
        """Delete the key of a service account."""
        del self._keys[json.loads(credentials_json)["private_key_id"]]

    def revoke_all(self) -> None:
        """Revoke all tokens."""
        with self._lock:
            self._holders.clear()

    def token_for(self, who: str) -> str:
        token = f"ya29.{secrets.token_urlsafe(32)}"
        with self._lock:
            self._holders[token] = who
        return token

    # Checks for calls.

    def who(self, authorization: str) -> str:
        """Return the holder of a request's token, or an empty string. A token signed with a known key is valid, too."""
        token = authorization.removeprefix("Bearer ")
        with self._lock:
            holder = self._holders.get(token, "")
        return holder or str((self._signed(token) or {}).get("iss", ""))

    def may(self, who: str, permission: str, resource: str) -> bool:
        """Return whether an identity has a permission on a resource."""
        for granted in self._granted.get(who, ()):
            name, _at, prefix = granted.partition("@")
            if name in ("*", permission) and resource.startswith(prefix):
                return True
        return False

    # Answers of the endpoints.

    def for_key(self, form: Mapping[str, str]) -> Answer:
        """Exchange an assertion that a service account key signed (RFC 7523)."""
        if form.get("grant_type") != JWT_GRANT:
            return 400, {"error": "unsupported_grant_type"}
        claims = self._signed(form.get("assertion", ""))
        if claims is None:
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        if CLOUD_PLATFORM not in claims.get("scope", "").split():
            return 400, {"error": "invalid_scope", "error_description": "Empty or missing scope not allowed."}
        return self._given(claims["iss"])

    def _signed(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token if the service account key that it names signed it, otherwise None."""
        try:
            head, claims = _parts(token)
            email, key = self._keys[head["kid"]]
            signed, _dot, signature = token.rpartition(".")
            key.verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, KeyError, ValueError):
            return None
        is_good = claims.get("iss") == email and claims.get("exp", 0) > time.time()
        return claims if is_good else None

    def exchange(self, form: Mapping[str, str]) -> Answer:
        """Exchange a token of another issuer (RFC 8693)."""
        if form.get("grant_type") != EXCHANGE_GRANT:
            return 400, {"error": "unsupported_grant_type"}
        if not form.get("audience", "").startswith(f"//iam.googleapis.com/projects/{self.number}/"):
            return 400, {"error": "invalid_target", "error_description": "The target service does not exist."}
        try:
            claims = self.issuer.claims(form.get("subject_token", ""))
        except (InvalidSignature, ValueError):
            return 400, {"error": "invalid_grant", "error_description": "The token could not be verified."}
        expires = claims.get("exp", 0)
        if claims.get("aud") != f"https:{form['audience']}" or not isinstance(expires, int) or expires < time.time():
            return 400, {"error": "invalid_grant", "error_description": "The audience or the expiry does not fit."}
        status, answer = self._given(f"principal:{claims['sub']}")
        return status, {**answer, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}

    def impersonate(self, email: str, authorization: str) -> Answer:
        """Issue a token of a service account to an identity that may act as it."""
        if email not in self._granted or self._impersonators.get(self.who(authorization)) != email:
            text = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
            return 403, {"error": {"code": 403, "message": text, "status": "PERMISSION_DENIED"}}
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.lifetime)
        return 200, {"accessToken": self.token_for(email), "expireTime": end.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def metadata(self, path: str) -> Answer:
        """Answer as the metadata server of an instance with the service account `instance`."""
        email = f"instance@{self.project}.iam.gserviceaccount.com"
        if path.endswith("/token"):
            return self._given(email)
        known: dict[str, Any] = {
            "/": "",
            "/computeMetadata/v1/project/project-id": self.project,
            "/computeMetadata/v1/universe/universe-domain": "googleapis.com",
            "/computeMetadata/v1/instance/service-accounts/default/": {"email": email, "scopes": [CLOUD_PLATFORM]},
        }
        return (200, known[path]) if path in known else (404, "")

    def _given(self, who: str) -> Answer:
        token = self.token_for(who)
        return 200, {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tokens: Tokens
    record: Callable[[str, int], None]

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing, since requests contain tokens."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self._send(self.tokens.metadata(path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self._answer(body)
        # A path that names the kind of token, as that of a gRPC call names its method.
        self.record(f"/tokens{self.path.partition('?')[0]}", answer[0])
        self._send(answer)

    def _answer(self, body: bytes) -> Answer:
        if self.path.endswith(":generateAccessToken"):
            email = self.path.rpartition("/")[2].partition(":")[0]
            return self.tokens.impersonate(email, self.headers.get("Authorization", ""))
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        endpoints = {"/token": self.tokens.for_key, "/v1/token": self.tokens.exchange}
        endpoint = endpoints.get(self.path)
        return endpoint(form) if endpoint else (404, {"error": "not_found"})

    def _send(self, answer: Answer) -> None:
        status, content = answer
        raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/text" if isinstance(content, str) else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Metadata-Flavor", "Google")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(raw)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing about clients that disconnected."""


@contextlib.contextmanager
def serve_tokens(project: str, certificate: tuple[Path, Path], record: Callable[[str, int], None]) -> Iterator[Tokens]:
    """Yield the endpoints, over TLS. `record` gets the path and the status of each token request."""
    handler = type("Handler", (_Handler,), {"record": staticmethod(record)})
    server = _Server(("127.0.0.1", 0), handler)
    handler.tokens = tokens = Tokens(project, f"https://localhost:{server.server_address[1]}")  # type: ignore[attr-defined]
    with answering(server, certificate):
        yield tokens


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, claims, _signature = token.split(".")
    return json.loads(_bytes(head)), json.loads(_bytes(claims))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
