# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback that hides what a run reads and writes from whatever shows the run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mask
type: aggregate
short_description: Hide the values of secrets in all output of a run
version_added: 0.1.0
author: The scoped.secrets contributors (@scoped)
description:
  - Puts C(********) in place of every value that a run reads or writes through this collection, in all that
    C(ansible-playbook) shows, whichever callback shows it; in the log file; in the events of C(ansible-runner) and AWX.
  - Hides each line of a value with several lines and each field of a value that is JSON too; of files, and of the keys
    and passwords of credentials.
  - Hides them as base64 (also within a longer text, and URL-safe), as JSON, URLs, Python and shells escape them.
  - Does not hide values or lines of fewer than 4 characters, and warns once about those.
  - Changes nothing but output. Variables, facts and what tasks do have the values.
notes:
  - A value that is an ordinary word, say V(root), is hidden wherever that word is shown.
requirements:
  - Enable it with C(callbacks_enabled = scoped.secrets.mask) in C(ansible.cfg).
seealso:
  - plugin: scoped.secrets.usage
    plugin_type: callback
"""

EXAMPLES = r"""
# With this in ansible.cfg, the second task shows "********", and "YXBpO********==" for the base64 of user and password.
#
# [defaults]
# callbacks_enabled = scoped.secrets.mask

- name: A password
  scoped.secrets.secret_text:
    identifier: shown_password
    value: correct horse battery

- name: Shown, by itself and within more
  ansible.builtin.debug:
    msg:
      - "{{ lookup('scoped.secrets.secret', 'shown_password') }}"
      - "{{ ('api:' ~ lookup('scoped.secrets.secret', 'shown_password')) | b64encode }}"
"""

from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

from ..module_utils.processes import bytecode

bytecode.prefer()

from ..module_utils.masking.revealing import reveal_to
from ..module_utils.masking.run_masker import RunMasker
from ..plugin_utils import output


class CallbackModule(CallbackBase):
    """Masks. It has no event of its own."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "scoped.secrets.mask"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        masker = RunMasker()
        reveal_to(masker.reveal)
        try:
            output.mask_results(masker.mask)
            output.mask_events(masker.mask, lambda: _warn(masker))
            output.mask_display(masker.mask)
            output.mask_log(masker.mask)
        except AttributeError as error:
            # ansible-core goes on without a callback that fails, and would show everything.
            raise SystemExit(
                f"scoped.secrets.mask can't mask the output of this version of ansible-core ({error}). "
                "Take it out of callbacks_enabled to run without it."
            ) from None


def _warn(masker: RunMasker) -> None:
    if masker.take_warning():
        Display().warning(
            "A secret of this run has a value, or a line, of fewer than 4 characters. scoped.secrets.mask does not "
            "hide it."
        )
