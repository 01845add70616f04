# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake Google Cloud: KMS and Secret Manager over gRPC, and the endpoints that issue their tokens.

By hand: python -m servers.google_cloud
"""

from __future__ import annotations

from servers.google_cloud.calls import Calls, GrpcFault
from servers.google_cloud.server import GoogleCloud, serve
from servers.google_cloud.tokens import Tokens

__all__ = ["Calls", "GoogleCloud", "GrpcFault", "Tokens", "serve"]
