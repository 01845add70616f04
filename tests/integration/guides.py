# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks of the README and of docs/ as plays: each page has a host, a store and folders of its own.

Tasks and playbooks run as they stand, but for what a test can't have: files of the system lie below the page's folder,
`instead` says what stands for addresses and identities. guides.yml says what a page takes for granted. A block that
can't be run says why in a comment before it: `<!-- not run: … -->`.
"""

from __future__ import annotations

import base64
import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from site_of_runs import ROOT, Run, Site

BLOCK = re.compile(
    r"(?:^ *<!-- not run: (?P<excuse>.+?) -->\n)?^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.M | re.S
)
OF_THE_SYSTEM = re.compile(r"(?<![\w/.:}])(?:~|/(?:etc|opt|run|srv|tmp|var))/[\w./-]+")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# With which guides.yml has encrypted what ansible-vault had.
VAULT_PASSWORD = "a password of the vault"
SETUPS = Path(__file__).with_name("guides.yml")


@dataclass(frozen=True)
class Block:
    """A fenced block. `excuse`: why it isn't run, empty if it is."""

    page: str
    line: int
    language: str
    text: str
    excuse: str

    @property
    def kind(self) -> str:
        """Return playbook, tasks or template for what can be run; else a part of something, or nothing for Ansible."""
        if self.language == "jinja":
            return "template"
        content = yaml.safe_load(self.text) if self.language == "yaml" and not self.excuse else None
        if not isinstance(content, list):
            return ""
        return "playbook" if any("hosts" in one for one in content) else "tasks"


@dataclass(frozen=True)
class Setup:
    """What a page takes for granted. `elsewhere`: the test that runs the whole page in its own way, if there is one.

    `before`: tasks; `files`: their text by path, or the number of the page's template; `instead`: the environment
    variable that has what stands for a text; `defaults`: those of modules; `servers`: whether it needs any;
    `new_store`: whether its playbooks are for an empty one.
    """

    before: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str | int] = field(default_factory=dict)
    instead: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, dict[str, str]] = field(default_factory=dict)
    servers: bool = False
    new_store: bool = False
    elsewhere: str = ""


def blocks(page: Path) -> list[Block]:
    """Return all fenced blocks of a page."""
    text = page.read_text()
    return [
        Block(
            str(page.relative_to(ROOT)),
            text[: found.start()].count("\n") + 1,
            found["language"],
            textwrap.dedent(found["text"]),
            found["excuse"] or "",
        )
        for found in BLOCK.finditer(text)
    ]


def setups() -> dict[str, Setup]:
    """Return the pages that have something to run, each with what it takes for granted: nothing, if nothing is said."""
    given = yaml.safe_load(SETUPS.read_text())
    runnable = {block.page for page in PAGES for block in blocks(page) if block.kind and not block.excuse}
    found = {page: Setup(**given.get(page, {})) for page in sorted(runnable)}
    return {page: setup for page, setup in found.items() if not setup.elsewhere}


class Guide:
    """A page that is to be run below a folder."""

    def __init__(self, page: str, setup: Setup, folder: Path, environment: Mapping[str, str]) -> None:
        self.host = re.sub(r"\W", "_", page)
        self.folder = folder / self.host
        self.setup = setup
        self.environment = environment
        self.blocks = [block for block in blocks(ROOT / page) if block.kind and not block.excuse]

    def _plays(self) -> Iterator[dict[str, Any]]:
        yield self._play({"tasks": self._here(self.setup.before)})
        for block in self.blocks:
            yield from self._of(block)

    def write(self) -> Path:
        """Write the guide as a playbook, with all that it needs, and return it."""
        self.folder.mkdir()
        self._write_files()
        playbook = self.folder / "playbook.yml"
        playbook.write_text(_yaml(list(self._plays())))
        return playbook

    def _write_files(self) -> None:
        templates = [block.text for block in self.blocks if block.kind == "template"]
        for name, content in self.setup.files.items():
            file = Path(self._path(name))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(templates[content] if isinstance(content, int) else content)
            file.chmod(0o700)
        for store in ("store", "new"):
            key = self.folder / f"{store}.key"
            key.write_bytes(base64.b64encode(os.urandom(32)))
            key.chmod(0o600)

    def _of(self, block: Block) -> Iterator[dict[str, Any]]:
        if block.kind == "template":
            if block.text not in self._templates_that_are_files():
                yield self._play({"tasks": [{"ansible.builtin.debug": {"msg": block.text}}]})
        elif block.kind == "tasks":
            yield self._play({"tasks": self._here(yaml.safe_load(block.text))})
        else:
            for play in self._here(yaml.safe_load(block.text)):
                yield self._play(play, "new" if self.setup.new_store else "store")

    def _templates_that_are_files(self) -> list[str]:
        templates = [block.text for block in self.blocks if block.kind == "template"]
        return [templates[number] for number in self.setup.files.values() if isinstance(number, int)]

    def _play(self, play: Mapping[str, Any], store: str = "store") -> dict[str, Any]:
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "scoped_secrets_store": f"sqlite:///{self.folder}/{store}.db",
            "scoped_secrets_root_key_file": str(self.folder / f"{store}.key"),
            **self._here(self.setup.variables),
            **play.get("vars", {}),
        }
        kept = {key: value for key, value in play.items() if key != "vars_prompt"}
        mine = {"hosts": self.host, "gather_facts": False, "vars": variables, "module_defaults": self.setup.defaults}
        return {**kept, **mine}

    def _here(self, content: Any) -> Any:
        """Return tasks or plays with the paths and addresses of this run."""
        text = OF_THE_SYSTEM.sub(
            lambda found: self._path(found[0]), yaml.safe_dump(content, width=10000, sort_keys=False)
        )
        for written, variable in self.setup.instead.items():
            text = text.replace(written, self.environment[variable])
        return yaml.safe_load(text)

    def _path(self, name: str) -> str:
        """Return where a file of the system is in this run, in a folder that exists."""
        path = self.folder / name.lstrip("~/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)


def _yaml(content: Any) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=10000)


def run_guides(site: Site, *, servers: bool, environment: Mapping[str, str] | None = None) -> Run:
    """Run the guides that need servers, or all others, in one run."""
    password = site.folder / "vault_password"
    password.write_text(VAULT_PASSWORD)
    masked = {"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.mask"}
    given = {"ANSIBLE_VAULT_PASSWORD_FILE": str(password), **masked, **(environment or {})}
    chosen = {page: setup for page, setup in setups().items() if setup.servers == servers}
    guides = [Guide(page, setup, site.folder, given) for page, setup in chosen.items()]
    first, *others = [guide.write() for guide in guides]
    hosts = ",".join(guide.host for guide in guides)
    return site.run(first, *map(str, others), f"-i{hosts},", environment=given)
