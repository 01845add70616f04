# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for templates that ansible-core neither renders as a template nor parses as a list, dictionary or boolean."""

from __future__ import annotations

from typing import Any

try:
    # ansible-core 2.18 renders what a filter returns, and parses what a lookup returns if it looks like Python or JSON.
    from ansible.utils.native_jinja import NativeJinjaText as _NativeJinjaText  # noqa: F401
    from ansible.utils.unsafe_proxy import NativeJinjaUnsafeText as _Text
except ImportError:
    # Later releases do neither.
    _Text = str


def verbatim(data: Any) -> Any:
    """Return text, or data with text in it, that stays as it is."""
    if isinstance(data, str):
        return _Text(data)
    if isinstance(data, dict):
        return {name: verbatim(value) for name, value in data.items()}
    return [verbatim(item) for item in data] if isinstance(data, list) else data
