# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share."""

from __future__ import annotations

import signal

import hermetic
from hypothesis import settings

# Before anything imports ansible-core, which reads its configuration at that moment.
HOME = hermetic.isolate()

# No test asserts a time, and machines are busy.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# A shell without job control has what it runs in the background ignore these, and so would all that the tests start.
for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

pytest_plugins = ["servers.fixtures", "conformance.reporting"]


def pytest_unconfigure() -> None:
    hermetic.leave(HOME)
