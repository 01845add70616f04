# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router: runs every module of the collection, on the control node.

Each module has an action plugin of its own name: this class with the module's Spec. ansible-core's strategies load such
a plugin once, in the parent process, and workers inherit it (27 ms per task, over 100 tasks). A plugin named by
`plugin_routing` is loaded again in each worker (80 ms per task). A redirect in `plugin_routing.action` also loads it in
the parent, but then `module_defaults` groups no longer apply. Measured on core 2.19 and 2.21.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.processes import bytecode

bytecode.prefer()

from ..module_utils.face.call import call, failure
from ..module_utils.face.censor import censor, censored_result, secret_strings, shown
from ..module_utils.face.inherited import load_inherited
from ..module_utils.face.options import resolve_options
from ..module_utils.face.sources import Files, missing_src, spelled, with_dates_as_text
from ..module_utils.face.spec import Spec
from ..module_utils.masking.revealing import reveal
from ..module_utils.model.errors import InvalidInput, ScopedSecretsError, internal_error
from ..module_utils.model.messages import Request
from ..module_utils.model.passwords import passwords_in
from ..module_utils.processes.caller import passed_on

load_inherited(C.CONFIG_FILE)


class _HiddenArguments(dict[str, Any]):
    """Arguments for ansible-core to pass on. With ANSIBLE_DEBUG it prints their repr, which only has the names."""

    def __repr__(self) -> str:
        return str(sorted(self))


class Router(ActionBase):
    """Validates a task with the module's Spec, calls the engine, and censors the result."""

    spec: ClassVar[Spec]

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        # ansible-core can't validate an option with a date in it.
        arguments: dict[str, Any] = with_dates_as_text(dict(self._task.args))
        self._secrets: set[str] = set()
        self._hide(self._secrets_in(arguments))
        result = self._guarded(arguments, task_vars or {})
        result["invocation"] = {"module_args": self._shown(arguments)}
        censored: dict[str, Any] = censored_result(result, self._secrets)
        return censored

    def _secrets_in(self, arguments: dict[str, Any]) -> set[str]:
        """Return everything in a task's arguments that must not be shown."""
        return secret_strings(arguments, self.spec.argument_spec)

    def _shown(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as -vvv shows them."""
        return shown(arguments, self.spec.argument_spec)

    def _guarded(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the result or the failure. No exception may escape: core would print it uncensored."""
        try:
            return self._run(arguments, task_vars)
        except ScopedSecretsError as error:
            return failure(error)
        except Exception as error:
            return failure(internal_error(error))

    def _run(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        params = validated(self.spec, arguments)
        options = resolve_options(self.spec.common(params), task_vars, self._templar.template, C.CONFIG_FILE)
        urls = [options["store"], *(str(value) for name, value in params.items() if value and name.endswith("url"))]
        self._hide(secret_strings(options, self.spec.argument_spec).union(*map(passwords_in, urls)))
        if self._is_delegated():
            return self._run_there(params, options, task_vars)
        return self._call(params, options)

    def _call(self, params: dict[str, Any], options: dict[str, str], items: Sequence[Request] = ()) -> dict[str, Any]:
        return call(
            self.spec,
            params,
            options,
            check_mode=self._task.check_mode,
            diff=self._task.diff,
            files=self._files,
            tell=self._tell,
            items=items,
        )

    @property
    def _files(self) -> Files:
        return Files(self._read_file, self._loader.path_dwim)

    def _hide(self, secrets: set[str]) -> None:
        """Censor strings in this task's result; with the mask callback enabled, mask them in all output too."""
        self._secrets |= secrets
        for secret in secrets:
            reveal(secret)

    def _is_delegated(self) -> bool:
        host = self._task.delegate_to
        return bool(host) and host not in C.LOCALHOST

    def _run_there(self, params: dict[str, Any], options: dict[str, str], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run the real module on the host to which the task is delegated, with a store that both can reach."""
        if not options["store"] or options["store"].startswith("sqlite:"):
            raise InvalidInput(
                "shared_store_needed",
                f"This task is delegated to '{self._task.delegate_to}', which can't reach a store in a file of the "
                "control node.",
                hint="Set 'store' to a shared store, or remove 'delegate_to': modules of this collection run on the "
                "control node anyway.",
            )
        if params.get("src") and "src" not in self.spec.paths:
            raise InvalidInput(
                "src_not_delegated",
                f"'src' is a path on the control node, which '{self._task.delegate_to}' can't read.",
                hint="Use content_b64 with the file lookup and the b64encode filter instead.",
            )
        resolved = {option: options[option] for option in self.spec.common(params)}
        # Without defaults: some options exclude others, even at their default.
        merged = {**{option: params[option] for option in self._task.args}, **resolved}
        # Passed as environment so that tasks can't disable auditing.
        audit = {f"SCOPED_SECRETS_{name.upper()}": options[name] for name in ("audit", "audit_sink") if options[name]}
        self._task.environment = [*(self._task.environment or []), {**audit, **passed_on()}]
        arguments = _HiddenArguments({option: value for option, value in merged.items() if value is not None})
        answer: dict[str, Any] = self._execute_module(
            module_name=f"scoped.secrets.{self.spec.resource}", module_args=arguments, task_vars=task_vars
        )
        # The other host may answer what it likes, but it sets no facts.
        return {name: value for name, value in answer.items() if not name.startswith("ansible_")}

    def _tell(self, line: str) -> None:
        """Show the progress of a long operation."""
        line = censor(line, self._secrets)
        Display().display(f"{self.spec.resource}: {line}")

    def _read_file(self, src: str) -> bytes:
        """Return the content of `src`, found as the copy module finds it; decrypt ansible-vault files in memory."""
        try:
            path = self._find_needle("files", src)
            content, _shown = self._loader._get_file_contents(path)
        except (AnsibleError, OSError) as error:
            raise missing_src(src, getattr(error, "strerror", None) or "no such file") from None
        return bytes(content)


def validated(spec: Spec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments converted and completed with defaults as their Spec says; raise InvalidInput."""
    validator = ArgumentSpecValidator(
        spec.argument_spec, mutually_exclusive=spec.mutually_exclusive, required_by=spec.required_by
    )
    # ansible-core would write the same dictionary as different text if its keys had another order.
    is_json = {name for name, option in spec.argument_spec.items() if option.get("type") == "json"}
    given = {name: spelled(value) if name in is_json and value else value for name, value in arguments.items()}
    try:
        outcome = validator.validate(given)
    except TypeError:
        # ansible-core raises it if an option with suboptions is not a dictionary.
        raise InvalidInput(
            "invalid_options",
            "An option has a value of the wrong type.",
            hint=f"Check the types in: ansible-doc scoped.secrets.{spec.resource}",
        ) from None
    if outcome.error_messages:
        unknown = "Unsupported options: " if outcome.unsupported_parameters else ""
        raise InvalidInput(
            "invalid_options",
            unknown + "; ".join(outcome.error_messages),
            hint=f"Check the options in: ansible-doc scoped.secrets.{spec.resource}",
        )
    return dict(outcome.validated_parameters)
