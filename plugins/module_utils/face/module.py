# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module file runs when its task is delegated to another host: the engine inline, in that host's Python."""

from __future__ import annotations

from ..model.errors import ScopedSecretsError
from ..model.messages import tell_nobody
from ..model.passwords import passwords_in
from .call import call, failure
from .censor import censored_result, secret_strings, shown
from .options import resolve_options
from .sources import LOCAL
from .spec import Spec

__all__ = ["run_module"]


def run_module(spec: Spec) -> None:
    """Run one module call and end the process."""
    # Imported late: the router imports every module file for its SPEC but never calls this function.
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(
        argument_spec=spec.argument_spec,
        mutually_exclusive=spec.mutually_exclusive,
        required_by=spec.required_by,
        supports_check_mode=True,
        # The store's URL may contain a password, which AnsibleModule would log and return.
        no_log=True,
    )
    secrets = secret_strings(module.params, spec.argument_spec) | passwords_in(module.params["store"] or "")
    try:
        # A broker belongs to an ansible-playbook process, which this host doesn't have.
        options = {**resolve_options(spec.common(module.params)), "broker": "off"}
        result = call(
            spec,
            module.params,
            options,
            check_mode=module.check_mode,
            diff=module._diff,
            files=LOCAL,
            # A module on another host can't show progress: it returns one result when it ends.
            tell=tell_nobody,
        )
    except ScopedSecretsError as error:
        result = failure(error)
    result["invocation"] = {"module_args": shown(module.params, spec.argument_spec)}
    # AnsibleModule would search the structure of the result too.
    module.no_log_values.clear()
    end = module.fail_json if result.get("failed") else module.exit_json
    end(**censored_result(result, secrets))
