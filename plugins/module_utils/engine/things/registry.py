# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which class handles what a module declares or lists."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...model.errors import InvalidInput
from ...model.messages import Request
from ..changes.resource import Info, Resource
from .connector_views import ConnectorInfo
from .connectors import ConnectorResource
from .credentials import CredentialResource
from .defaults import DefaultManagerResource
from .scopes import ScopeInfo, ScopeResource
from .secret_views import SecretInfo
from .secrets import SecretResource
from .shares import ShareResource

__all__ = ["INFOS", "RESOURCES", "resource_of"]

RESOURCES: dict[str, Callable[[dict[str, Any]], Resource[Any]]] = {
    "scope": ScopeResource,
    "default_secret_manager": DefaultManagerResource,
    "secret_text": partial(SecretResource, kind="text"),
    "secret_file": partial(SecretResource, kind="file"),
    "secret_ssh": partial(CredentialResource, kind="ssh"),
    "secret_share": ShareResource,
    "secret_winrm": partial(CredentialResource, kind="winrm"),
}
INFOS: dict[str, Callable[[dict[str, Any]], Info]] = {
    "scope_info": ScopeInfo,
    "connector_info": ConnectorInfo,
    "secret_info": SecretInfo,
}
# The rest of the module's name is the kind: connector_hashicorp_vault, …
_CONNECTOR = "connector_"


def resource_of(request: Request) -> Resource[Any]:
    """Return what a request declares; raise InvalidInput for an unknown module or an invalid option."""
    if request.resource in RESOURCES:
        return RESOURCES[request.resource](request.params)
    if request.resource.startswith(_CONNECTOR):
        return ConnectorResource(request.params, kind=request.resource.removeprefix(_CONNECTOR))
    raise InvalidInput(
        "unknown_resource",
        f"The engine has no module '{request.resource}'.",
        hint="Check whether two versions of the collection are installed: "
        "ansible-galaxy collection list scoped.secrets",
    )
