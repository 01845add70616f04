# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks in the guides that no test runs name existing options. integration/test_guides.py runs the others."""

from __future__ import annotations

from collections.abc import Iterator
from configparser import ConfigParser
from importlib import import_module

import pytest
import yaml
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import INI_SECTION, OPTIONS
from guides import PAGES, Block, blocks

BLOCKS = [block for page in PAGES for block in blocks(page)]
OF_ANSIBLE = {"defaults": {"callbacks_enabled"}}


def logins() -> Iterator[tuple[str, Block]]:
    """Yield the blocks with login options on the pages of secret managers, each with the kind of its page."""
    for block in BLOCKS:
        folder, _slash, kind = block.page.removesuffix(".md").rpartition("/")
        is_read = folder == "docs/managers" and block.language == "yaml" and not block.excuse
        if is_read and isinstance(yaml.safe_load(block.text), dict):
            yield kind, block


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "ini"], ids=lambda block: block.page)
def test_settings_of_ansible_cfg(block: Block) -> None:
    parser = ConfigParser(interpolation=None)
    parser.read_string(block.text)
    known = {INI_SECTION: {option.ini for option in OPTIONS} - {""}, **OF_ANSIBLE}
    for section in parser.sections():
        assert set(parser[section]) <= known[section], block.line


def test_options_of_logins() -> None:
    found = list(logins())
    assert len(found) > 10
    for kind, block in found:
        module = import_module(f"ansible_collections.scoped.secrets.plugins.modules.connector_{kind}")
        # A blank line separates the logins in a block.
        for login in block.text.split("\n\n"):
            assert set(yaml.safe_load(login) or {}) <= set(module.SPEC.argument_spec), f"{block.page}: {block.line}"
