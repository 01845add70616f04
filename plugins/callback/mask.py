# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback that hides the values of secrets in all output of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mask
type: aggregate
short_description: Hide the values of secrets in all output of a run
version_added: 0.1.0
author: The scoped.secrets contributors (@scoped)
description:
  - Replaces every value that a run reads or writes through this collection with C(********). This covers all output of
    C(ansible-playbook), from any callback, as well as the log file and the events of C(ansible-runner) and AWX.
  - Also hides each line of a multi-line value and each field of a JSON value, in text secrets, files, and the keys and
    passwords of credentials.
  - Also hides values encoded as base64 (even as part of a longer text, and URL-safe), escaped for JSON, YAML, HTML,
    URLs, Python, regular expressions and shells (even several times), and the numbers that templates make of them.
  - Also hides the root key, scope key or passphrase of the store, and the password in its URL.
  - Does not hide values, lines or numbers of fewer than 4 characters, and warns about such values and lines once.
  - Only changes output. Variables, facts and tasks keep the real values.
notes:
  - A value that is a common word, such as V(root), is hidden wherever that word appears.
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

- name: Declare a password
  scoped.secrets.secret_text:
    identifier: shown_password
    value: correct horse battery

- name: Show it, alone and as part of a longer text
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
    """Masks the output; it handles no events itself."""

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
            # ansible-core would continue without a callback that fails, and show everything.
            raise SystemExit(
                f"scoped.secrets.mask can't mask the output of this version of ansible-core ({error}). "
                "Remove it from callbacks_enabled to run without it."
            ) from None


def _warn(masker: RunMasker) -> None:
    if masker.take_warning():
        Display().warning(
            "A secret of this run has a value, or a line, of fewer than 4 characters. scoped.secrets.mask does not "
            "hide it."
        )
