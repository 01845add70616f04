# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that nobody may see, and what looks for them: in output, in files, in arguments and environments."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from site_of_runs import Run, Site

KEY = "-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n"

LOUD = {
    "ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage,junit,tree,profile_tasks",
    "ANSIBLE_RETRY_FILES_ENABLED": "1",
    "ANSIBLE_KEEP_REMOTE_FILES": "0",
    "ANSIBLE_CACHE_PLUGIN": "jsonfile",
    "ANSIBLE_CACHE_PLUGIN_CONNECTION": "fact-cache",
}


def canaries() -> dict[str, Any]:
    """Return values of every sort, new ones each time."""
    token = secrets.token_hex
    return {
        "text": f"tx-{token(12)}",
        "changed": f'ch"{token(12)}\\ü',
        "password": f"pw&{token(12)}%/",
        "short": f"s{token(4)}",
        "fields": {"password": f"pf-{token(12)}", "user": f"us-{token(12)}"},
        "ssh_key": new_ssh_key(),
        "key": KEY.format(base64.b64encode(os.urandom(48)).decode(), base64.b64encode(os.urandom(48)).decode()),
        "root_key": base64.b64encode(os.urandom(32)).decode(),
        "url": f"postgresql://u:url-{token(12)}@localhost:1/x",
    }


def new_ssh_key() -> str:
    """Return a private key that OpenSSH made."""
    with TemporaryDirectory() as folder:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", f"{folder}/key"], check=True)
        return Path(f"{folder}/key").read_text(encoding="utf-8")


def spellings(canary: dict[str, Any]) -> set[bytes]:
    """Return every canary as it might be written: plain, base64, hex, URL and JSON; of keys each line."""
    texts = [text for name, text in canary.items() if isinstance(text, str) and name != "url"]
    texts += [*canary["fields"].values(), canary["url"].split("@")[0].split(":")[-1]]
    lines = [line for text in texts for line in text.splitlines() if "-----" not in line]
    found: set[str] = set()
    for text in {*texts, *lines}:
        raw = text.encode()
        found |= {text, base64.b64encode(raw).decode().rstrip("="), raw.hex(), quote(text), quote(text, safe="")}
        found |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return {text.encode() for text in found}


class Watch:
    """Looks at the arguments and the environment of every process while a run lasts.

    `agents` has the ids of the processes of ssh-agent whose home is that of the site.
    """

    def __init__(self, wanted: set[bytes], site: Site | None = None) -> None:
        self._wanted = wanted
        self._home = f"HOME={site.folder}/home\0".encode() if site else b""
        self.agents: set[str] = set()
        self._done = threading.Event()
        self._searched: set[bytes] = set()
        self._thread = threading.Thread(target=self._look)
        self.seen: list[str] = []
        self.looks = 0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self.looks += 1
            for file in (
                path for folder in Path("/proc").glob("[0-9]*") for path in (folder / "cmdline", folder / "environ")
            ):
                try:
                    content = file.read_bytes()
                except OSError:
                    continue
                # Few have changed since the last look, and there are many words to search for.
                if content not in self._searched:
                    self._searched.add(content)
                    self.seen += [f"{file}: {word!r}" for word in self._wanted if word in content]
                if self._home and self._home in content and _is_agent(file.parent):
                    self.agents.add(file.parent.name)


def _is_agent(process: Path) -> bool:
    """Tell whether a process is an ssh-agent, and not what starts one, which has its name for a moment."""
    with suppress(OSError):
        return (process / "comm").read_text() == "ssh-agent\n" and os.getsid(int(process.name)) == int(process.name)
    return False


def contents_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file outside the folder `meant`.

    Those that a broker removes as it ends may be gone already.
    """
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file() and "meant" not in path.relative_to(folder).parts:
                yield str(path), path.read_bytes()


def check_output(site: Site, run: Run, wanted: set[bytes]) -> None:
    """Fail for a canary in the output, or in any file outside the folder `meant`."""
    for what, content in [("output", run.output.encode()), *contents_below(site.folder)]:
        for word in wanted:
            at = content.find(word)
            assert at < 0, f"{word!r} stands in {what}: …{content[max(0, at - 300) : at + 100]!r}…"
