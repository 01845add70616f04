# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run this instead of `moto_server`, with the same options."""

from __future__ import annotations

import sys

from moto.server import main

from servers.moto_strict import kms, secrets_manager

kms.make_strict()
secrets_manager.make_strict()
main(sys.argv[1:])
