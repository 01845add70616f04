# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms for lookup plugins: a path can't leave the place that the template of the term gives it."""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote

__all__ = ["PATH", "BadPath", "BadTemplate", "check_template", "term_of"]

PATH = "{path}"

# All lookup plugins of ansible-core that start a shell, expand variables in a file name, or ask a URL.
_SHELLS = frozenset({"pipe", "lines"})
_FILES = frozenset({"file", "fileglob", "first_found", "template", "unvault"})
_URLS = frozenset({"url"})
_CORE = re.compile(r"ansible\.(builtin|legacy)\.")

# Shell syntax in which quotes around a path do not protect it.
_UNQUOTABLE = re.compile(r"[`\n]|\$'|\(\(|<<")
_BELOW_A_SERVER = re.compile(r"[a-z]+://[^/?#{}]+/")
_SHELL_TOKEN = re.compile(r"""\\.|'[^']*'|"(\\.|[^"\\])*"|[^\\'"]""", re.DOTALL)


class BadPath(Exception):
    """The path must not be put into the template. The argument says what paths may contain."""


class BadTemplate(Exception):
    """The path can't be put safely into the template. The argument says why."""


def term_of(template: str, path: str, plugin: str) -> str:
    """Return the term for a path; raise BadPath or BadTemplate. `plugin` is the full name after redirects."""
    if template == PATH:
        return path
    check_template(template, plugin)
    _check_path(path)
    return template.replace(PATH, _inserted(template, path, _core_name(plugin)))


def check_template(template: str, plugin: str) -> None:
    """Raise BadTemplate for a template with which no path is safe."""
    if template == PATH:
        return
    if _core_name(plugin) in _URLS and not _BELOW_A_SERVER.match(template):
        raise BadTemplate(f"does not have {PATH} after the name of a server and a slash")
    if _core_name(plugin) in _SHELLS:
        _check_command(template)


def _check_command(template: str) -> None:
    if _UNQUOTABLE.search(template):
        raise BadTemplate("has backquotes, several lines, <<, (( or $', in which a path can't be quoted")
    # NUL stands for the path: outside of quotes, it is a token of its own.
    tokens = [match[0] for match in _SHELL_TOKEN.finditer(template.replace(PATH, "\0"))]
    if "".join(tokens) != template.replace(PATH, "\0") or any("\0" in token and token != "\0" for token in tokens):
        raise BadTemplate(f"has {PATH} within quotes or after a backslash; the path is quoted anyway")


def _check_path(path: str) -> None:
    if not path.isprintable() or {"", ".", ".."} & set(path.split("/")):
        raise BadPath("printable parts separated by '/', none of them empty, '.' or '..'")


def _inserted(template: str, path: str, core_name: str) -> str:
    """Return a path as a plugin's term contains it; raise BadPath."""
    if core_name in _SHELLS:
        if path.startswith("-"):
            raise BadPath("no '-' at the start, since a command would take that for an option")
        return shlex.quote(path)
    if core_name in _URLS:
        return quote(path, safe="/")
    if core_name in _FILES:
        if "$" in path:
            raise BadPath("no '$', since the plugin would expand a variable")
        if path.startswith("~"):
            raise BadPath("no '~' at the start, since the plugin would take that for a home folder")
    elif " " in template and re.search(r"[ ='\"\\]", path):
        raise BadPath("no blanks, quotes, backslashes or '=', since the template has several words")
    elif re.search(r" [^ ]*=", path):
        raise BadPath("no blank with a '=' after it, since many plugins would take that for an option")
    return path


def _core_name(plugin: str) -> str:
    """Return the name of a plugin of ansible-core without its collection, empty for any other."""
    return plugin[match.end() :] if (match := _CORE.match(plugin)) else ""
