# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports the secrets among the settings of a run: its key, and the password in the URL of its store."""

from __future__ import annotations

import os
from contextlib import suppress

from ..model.passwords import passwords_in
from ..model.settings import Settings
from .revealing import is_masked, reveal

__all__ = ["reveal_key_file", "reveal_settings"]

# Bytes. Longer files are not keys.
_LIMIT = 4096


def reveal_settings(settings: Settings) -> None:
    """Report the secrets that the settings contain themselves."""
    if is_masked():
        secrets = {settings.root_key, settings.passphrase, settings.scope_key, *passwords_in(settings.store)}
        for secret in filter(None, secrets):
            reveal(secret)


def reveal_key_file(settings: Settings) -> bool:
    """Report the key in the file that the settings name, if there is one by now; return whether nothing is left to do.

    Whether the file may be used is for the engine to say.
    """
    if not is_masked() or settings.scope_key or settings.root_key or settings.passphrase:
        return True
    with suppress(OSError):
        key = _start_of(settings.scope_key_file or settings.root_key_file).strip()
        # Another file, named by mistake, may have lines that are everywhere.
        if len(key.split()) == 1 and len(key) < _LIMIT:
            reveal(key)
        return True
    return False


def _start_of(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, _LIMIT)
    finally:
        os.close(descriptor)
