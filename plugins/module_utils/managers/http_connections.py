# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Persistent connections to servers, through the proxies that the environment names.

They use the adapters of `requests` but not its sessions, which would take logins from .netrc, keep cookies, and read
the whole environment for each request.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import failures

if TYPE_CHECKING:
    import requests

__all__ = ["REQUIREMENTS", "Connections", "is_tls"]

REQUIREMENTS = ("requests>=2.32.3", "urllib3>=2.2")
POOL_SIZE = 32


def is_tls(url: str) -> bool:
    return urlsplit(url).scheme == "https"


class Connections:
    """Sends requests for many threads, one at a time for each."""

    def __init__(self, context: Callable[[], ssl.SSLContext]) -> None:
        """Take a factory for the TLS context, which is called for the first https request. Raises MissingLibrary."""
        try:
            import requests
        except ImportError:
            raise failures.missing_library(REQUIREMENTS[0], "secret managers that speak HTTP") from None
        self._make_context = context
        self._verifies = True
        self._lock = threading.Lock()
        self._adapters: dict[bool, requests.adapters.HTTPAdapter] = {}
        self._headers = requests.utils.default_headers()
        self._proxies: dict[tuple[str, str], dict[str, str]] = {}

    def get_ready(self, url: str) -> None:
        """Prepare the adapter for a URL. Raises InvalidInput for unusable certificates."""
        with self._lock:
            if is_tls(url) not in self._adapters:
                self._adapters[is_tls(url)] = self._secure() if is_tls(url) else _plain()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any], timeout: float
    ) -> requests.Response:
        """Return a response whose content has not been read. Raises what requests, urllib3 or `ssl` raise."""
        import requests

        request = requests.Request(method, url, headers={**self._headers, **headers}, **body).prepare()
        adapter = self._adapters[is_tls(url)]
        return adapter.send(
            request, stream=True, timeout=timeout, verify=self._verifies, proxies=self._proxies_for(url)
        )

    def close(self) -> None:
        for adapter in self._adapters.values():
            adapter.close()

    def _proxies_for(self, url: str) -> dict[str, str]:
        from requests.utils import get_environ_proxies

        parts = urlsplit(url)
        server = parts.scheme, parts.netloc
        if server not in self._proxies:
            self._proxies[server] = get_environ_proxies(url)
        return self._proxies[server]

    def _secure(self) -> requests.adapters.HTTPAdapter:
        context = self._make_context()
        self._verifies = context.verify_mode != ssl.CERT_NONE
        if not self._verifies:
            _silence_warnings()
        return _with_context(context)


def _plain() -> requests.adapters.HTTPAdapter:
    from requests.adapters import HTTPAdapter

    return HTTPAdapter(pool_maxsize=POOL_SIZE)


def _with_context(context: ssl.SSLContext) -> requests.adapters.HTTPAdapter:
    from requests.adapters import HTTPAdapter

    class OwnContext(HTTPAdapter):
        """Uses the TLS context as it is. By default, requests adds its own CA bundle to it."""

        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options, ssl_context=context)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            return super().proxy_manager_for(proxy, **options, ssl_context=context)

        def cert_verify(self, *_args: Any) -> None:
            pass

    return OwnContext(pool_maxsize=POOL_SIZE)


def _silence_warnings() -> None:
    """Silence urllib3, since a notice of the connector says once per run that certificates are not verified."""
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
