# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site that `make docs` built: every page loads, every link and anchor leads somewhere, all can be found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import chromium, crawled
from selenium import webdriver

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / ".work" / "site" / "html"
# Made by Sphinx for its search box and its own use: nothing links to them.
OF_SPHINX = {"search.html", "genindex.html"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def test_every_link_leads_somewhere(browser: webdriver.Chrome) -> None:
    assert (HTML / "index.html").exists(), "run: make docs"
    site = crawled(HTML, browser)
    assert len(site.pages) > 60
    faults = site.faults()
    assert not faults, "\n".join(faults)
    assert {page.rpartition("/")[2] for page in site.unreached()} <= OF_SPHINX


def test_what_is_broken_is_found(browser: webdriver.Chrome, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("""<!doctype html><link rel="icon" href="data:,">
        <a href="other.html#there">good</a> <a href="https://example.com/">good</a> <a href="other.html#gone">bad</a>
        <a href="gone.html">bad</a> <a href="http://example.com/">bad</a>""")
    (tmp_path / "other.html").write_text("""<!doctype html><link rel="icon" href="data:,">
        <h1 id="there">Here</h1><script>undefinedFunction()</script>""")
    (tmp_path / "lonely.html").write_text("<!doctype html>")
    site = crawled(tmp_path, browser)
    front, other, found = f"{site.base}/index.html", f"{site.base}/other.html", site.faults()
    (script,) = (fault for fault in found if "undefinedFunction" in fault)
    assert script.startswith(other)
    assert sorted(set(found) - {script}) == sorted(
        [
            f"{front}: {front.replace('index', 'gone')}: no such page",
            f"{front}: {other}#gone: no such anchor",
            f"{front}: http://example.com/: no https address",
        ]
    )
    assert [page.rpartition("/")[2] for page in site.unreached()] == ["lonely.html"]
