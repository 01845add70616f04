# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx configuration, based on `antsibull-docs sphinx-init`. Also reads Markdown pages, and needs no network."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from pygments.lexers.special import TextLexer

project = "scoped.secrets"
copyright = "the scoped.secrets contributors"
html_title = html_short_title = project

extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 4
pygments_style = "ansible"
# Blocks without a language are commands and output.
highlight_language = "none"
nitpicky = True

html_theme = "sphinx_ansible_theme"
# Load nothing from other sites.
html_theme_options = {
    "collapse_navigation": False,
    "display_version": False,
    "navigation_depth": 2,
    "show_extranav": False,
    "show_rtd_ethical_ads": False,
    "titles_only": True,
}
html_show_sphinx = False
html_use_index = False
html_copy_source = False

ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "callback_plugins": "plugins/callback.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
PLUGIN = re.compile(r"ansible_collections\.(?!scoped\.)(\w+)\.(\w+)\.(\w+)")


def ansibles_own(app: Any, env: Any, node: Any, child: nodes.Node) -> nodes.Node | None:
    """Return the link for a label of Ansible's own documentation, whose inventory is only available online."""
    plugin = PLUGIN.match(node["reftarget"])
    page = f"collections/{'/'.join(plugin.groups())}.html" if plugin else LABELS.get(node["reftarget"])
    return nodes.reference("", "", child, refuri=f"{ANSIBLE}/{page}", internal=False) if page else None


def home(app: Any, page: str, template: str, context: dict[str, Any], tree: nodes.Node | None) -> None:
    """Make the theme's home link work from every folder."""
    context["theme_documentation_home_url"] = context["pathto"](app.config.root_doc)


def setup(app: Any) -> None:
    # The HCL lexer of Pygments only supports Terraform, and fails on Vault policies.
    app.add_lexer("hcl", TextLexer)
    app.connect("missing-reference", ansibles_own)
    app.connect("html-page-context", home)
