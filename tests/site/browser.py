# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of pages as a reader's browser sees it: served on this machine, each page loaded in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# As rendered: links with what their hrefs come to, and everything that a fragment may name.
RENDERED = """
return {
    links: Array.from(document.querySelectorAll("a[href]"), a => a.href),
    anchors: Array.from(document.querySelectorAll("[id], a[name]"), e => e.id || e.name),
}
"""


@dataclass
class Page:
    """What is on a page: its links, what they may lead to on it, and what the console said."""

    links: set[str]
    anchors: set[str]
    errors: list[str]


@dataclass
class Site:
    """All pages that links lead to from the front page, by their address."""

    base: str
    folder: Path
    pages: dict[str, Page] = field(default_factory=dict)

    def crawl(self, browser: webdriver.Chrome) -> None:
        waiting = [f"{self.base}/index.html"]
        while waiting:
            address = waiting.pop()
            if address not in self.pages:
                self.pages[address] = page = load(browser, address)
                waiting += [to for to in map(without_anchor, page.links) if self._is_page(to)]

    def faults(self) -> list[str]:
        """Return what is wrong: a line for each link that leads nowhere and each error of a page."""
        errors = [f"{address}: {error}" for address, page in self.pages.items() for error in page.errors]
        return errors + [
            f"{address}: {link}: {fault}"
            for address, page in self.pages.items()
            for link in sorted(page.links)
            if (fault := self._fault(link))
        ]

    def unreached(self) -> list[str]:
        """Return the pages of the folder to which no link leads."""
        files = {f"{self.base}/{path.relative_to(self.folder)}" for path in self.folder.rglob("*.html")}
        return sorted(files - set(self.pages))

    def _file(self, address: str) -> Path:
        return self.folder / unquote(urlsplit(address).path).lstrip("/")

    def _is_page(self, address: str) -> bool:
        return address.startswith(f"{self.base}/") and address.endswith(".html") and self._file(address).is_file()

    def _fault(self, link: str) -> str:
        address, anchor = urldefrag(link)
        if not address.startswith(f"{self.base}/"):
            return "" if is_well_formed(address) else "no https address"
        if not self._file(address).is_file():
            return "no such page"
        known = not anchor or unquote(anchor) in self.pages[address].anchors
        return "" if known else "no such anchor"


def without_anchor(link: str) -> str:
    return urldefrag(link)[0]


def is_well_formed(address: str) -> bool:
    """Tell whether a link to elsewhere has the form of one. No network is asked."""
    parts = urlsplit(address)
    return parts.scheme == "https" and "." in (parts.hostname or "") and " " not in address


def load(browser: webdriver.Chrome, address: str) -> Page:
    browser.get(address)
    found: dict[str, list[Any]] = browser.execute_script(RENDERED)
    errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    return Page(set(found["links"]), set(found["anchors"]), errors)


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, Service("/usr/bin/chromedriver"))
    try:
        yield browser
    finally:
        browser.quit()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def crawled(folder: Path, browser: webdriver.Chrome) -> Site:
    """Return a folder's pages, as far as links lead to them."""
    with served(folder) as base:
        site = Site(base, folder)
        site.crawl(browser)
    return site
