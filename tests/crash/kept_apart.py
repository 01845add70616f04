# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store whose secrets a provider keeps, and what must be true of the two."""

from __future__ import annotations

import base64
import os
import uuid
from pathlib import Path

from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from crashing import Call, declare, intents
from providers import Kms, Provider

__all__ = ["NEW", "OLD", "ORG", "Store", "next_run", "text"]

ORG = {"org": "payments"}
OLD, NEW = b"old value", b"new value"


def text(identifier: str, **options: object) -> Call:
    return Call("secret_text", {**ORG, "identifier": identifier, **options})


class Store:
    """A store of its own, with a provider as the default manager of an organization."""

    def __init__(self, url: str, folder: Path, provider: Provider) -> None:
        key_file = folder / "root.key"
        key_file.write_bytes(base64.b64encode(os.urandom(32)))
        key_file.chmod(0o600)
        self.settings = Settings(url, str(key_file))
        self.provider = provider
        provider.place = f"t{uuid.uuid4().hex[:12]}"
        kept = {**ORG, "identifier": "main", "use_as_default": True, **provider.options()}
        secret = next(name for name in ("token", "secret_access_key") if name in kept)
        engine = self.engine
        declare(engine, Call("scope", ORG))
        declare(engine, text("login", value=str(kept.pop(secret)).encode()))
        declare(engine, Call(f"connector_{provider.kind}", {**kept, f"{secret}_ref": "login"}))

    @property
    def engine(self) -> Engine:
        """A new one, as the next run has it."""
        return Engine(self.settings)

    def check(self) -> None:
        """Fail unless the store and the provider agree, and nothing is begun and not finished."""
        engine = self.engine
        assert intents(engine) == []
        known = self._values(engine)
        assert self.provider.held() == {name: value for name, value in known.items() if self._is_there(engine, name)}
        assert set(known.values()) <= {OLD, NEW}
        for name, value in known.items():
            # Nothing changes: the store knows the very value.
            assert not declare(self.engine, text(name, value=value)).changed

    def _values(self, engine: Engine) -> dict[str, bytes]:
        listed = self._listed(engine)
        names = [one["identifier"] for one in listed if one["kind"] == "text" and one["identifier"] != "login"]
        answers = engine.resolve([Query(name, **ORG) for name in names])
        assert [answer.error for answer in answers] == [None] * len(names)
        return {name: answer.value for name, answer in zip(names, answers, strict=True)}

    def _listed(self, engine: Engine) -> list[dict[str, str]]:
        if not declare(engine, Call("scope_info", ORG)).returned["scopes"]:
            return []
        found: list[dict[str, str]] = declare(engine, Call("secret_info", ORG)).returned["secrets"]
        return found

    def _is_there(self, engine: Engine, name: str) -> bool:
        managers = {one["identifier"]: one["secret_manager"] for one in self._listed(engine)}
        return managers[name] == "main" and not isinstance(self.provider, Kms)


def next_run(store: Store) -> None:
    """Do what any run does that declares something."""
    declare(store.engine, Call("scope", {"org": "elsewhere"}))
