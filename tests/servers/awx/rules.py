# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX accepts as credential types and credentials, and what it passes from a credential to a job.

The rules are those of AWX 24: awx/main/fields.py (CredentialTypeInputField, CredentialTypeInjectorField,
CredentialInputField), awx/main/constants.py (ENV_BLOCKLIST), awx/api/serializers.py (CredentialTypeSerializer) and
awx/main/models/credential.py (CredentialType.inject_credential, build_safe_env).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema import Draft4Validator

__all__ = ["HIDDEN", "Injected", "credential_errors", "inject", "secret_fields", "type_errors"]

HIDDEN = "**********"
IDENTIFIER = "[a-zA-Z_]+[a-zA-Z0-9_]*"
BLOCKED = frozenset(
    {
        "VIRTUAL_ENV",
        "PATH",
        "PYTHONPATH",
        "JOB_ID",
        "INVENTORY_ID",
        "INVENTORY_SOURCE_ID",
        "INVENTORY_UPDATE_ID",
        "AD_HOC_COMMAND_ID",
        "REST_API_URL",
        "REST_API_TOKEN",
        "MAX_EVENT_RES",
        "CALLBACK_QUEUE",
        "CALLBACK_CONNECTION",
        "CACHE",
        "JOB_CALLBACK_DEBUG",
        "INVENTORY_HOSTVARS",
        "AWX_HOST",
        "PROJECT_REVISION",
        "SUPERVISOR_CONFIG_PATH",
    }
)
FIELD = {
    "type": {"enum": ["string", "boolean"]},
    "format": {"enum": ["ssh_private_key", "url"]},
    "choices": {"type": "array", "minItems": 1, "items": {"type": "string"}, "uniqueItems": True},
    "id": {"type": "string", "pattern": f"^{IDENTIFIER}$"},
    **{name: {"type": "string"} for name in ("label", "help_text")},
    **{name: {"type": "boolean"} for name in ("multiline", "secret", "ask_at_runtime")},
    "default": {},
}


def _only(properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


INPUTS = _only(
    {
        "required": {"type": "array", "items": {"type": "string"}},
        "fields": {"type": "array", "items": _only(FIELD, required=["id", "label"])},
    }
)
INJECTORS = _only(
    {
        "file": _only({}, patternProperties={rf"^template(\.{IDENTIFIER})?$": {"type": "string"}}),
        "env": _only({}, patternProperties={f"^{IDENTIFIER}$": {"type": "string", "pattern": "^[\x00-\x7f]*$"}}),
        "extra_vars": {"type": "object"},
    }
)


def type_errors(payload: Mapping[str, Any]) -> list[str]:
    """Return the reasons why AWX would refuse a credential type, an empty list if it accepts the type."""
    inputs, injectors = payload.get("inputs", {}), payload.get("injectors", {})
    errors = [error.message for error in Draft4Validator(INPUTS).iter_errors(inputs)]
    errors += [error.message for error in Draft4Validator(INJECTORS).iter_errors(injectors)]
    if payload.get("kind") not in ("cloud", "net"):
        errors.append(f"Must be 'cloud' or 'net', not {payload.get('kind')}")
    return errors or [*_field_errors(inputs.get("fields", [])), *_injector_errors(inputs, injectors)]


def _field_errors(fields: list[dict[str, Any]]) -> Iterator[str]:
    names = [field["id"] for field in fields]
    yield from (f"field IDs must be unique ({name})" for name in set(names) if names.count(name) > 1)
    for field in fields:
        kind = {"string": str, "boolean": bool}[field.get("type", "string")]
        if field["id"] == "tower":
            yield '"tower" is a reserved field name'
        if not isinstance(field.get("default", kind()), kind):
            yield f"{field['default']} is not a {field['type']}"
        for key in ("choices", "multiline", "format", "secret"):
            if key in field and kind is not str:
                yield f"{key} not allowed for boolean type ({field['id']})"
        if field.get("ask_at_runtime"):
            yield "'ask_at_runtime' is not supported for custom credentials."


class _Unnamed:
    """Placeholder for named files, which templates must not use without a name."""

    def __str__(self) -> str:
        raise TemplateError("Must define unnamed file injector in order to reference `tower.filename`.")


def _injector_errors(inputs: Mapping[str, Any], injectors: Mapping[str, Any]) -> Iterator[str]:
    files = injectors.get("file", {})
    filename: Any = _Unnamed()
    for label in files:
        _template, _dot, name = label.partition(".")
        if not name:
            filename = "EXAMPLE_FILENAME"
            if len(files) > 1:
                yield "Must use multi-file syntax when injecting multiple files"
                return
        else:
            setattr(filename, name, "EXAMPLE_FILENAME")
    namespace = {field["id"]: "EXAMPLE" for field in inputs.get("fields", [])}
    namespace["tower"] = SimpleNamespace(filename=filename)
    strict = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for name, template in {**files, **injectors.get("env", {})}.items():
        try:
            strict.from_string(template).render(namespace)
        except TemplateError as error:
            yield f"{name}: {error}"
    yield from filter(None, map(_blocked, injectors.get("env", {})))


def _blocked(variable: str) -> str:
    if variable.startswith("ANSIBLE_") or variable in BLOCKED:
        return f"Environment variable {variable} is not allowed to be used in credentials."
    return ""


def secret_fields(inputs: Mapping[str, Any]) -> set[str]:
    return {field["id"] for field in inputs.get("fields", []) if field.get("secret")}


def credential_errors(type_inputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[str]:
    """Return the reasons why AWX would refuse the inputs of a credential, an empty list if it accepts them."""
    schema = _only({field["id"]: {"type": field.get("type", "string")} for field in type_inputs.get("fields", [])})
    return [error.message for error in Draft4Validator(schema).iter_errors(inputs)]


class Injected(SimpleNamespace):
    """What a job gets from a credential: `env`, and `safe_env`, the part that AWX stores and shows."""

    env: dict[str, str]
    safe_env: dict[str, str]


def inject(credential_type: Mapping[str, Any], inputs: Mapping[str, str], folder: Path, seen_as: str) -> Injected:
    """Write the files of a credential to `folder`, which the job sees as `seen_as`."""
    secret = secret_fields(credential_type["inputs"])
    # Empty fields are undefined in templates.
    given = {name: value for name, value in inputs.items() if value}
    safe = {name: HIDDEN if name in secret else value for name, value in given.items()}
    sandbox, filename = ImmutableSandboxedEnvironment(), SimpleNamespace()
    for label, template in credential_type["injectors"].get("file", {}).items():
        descriptor, path = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "w") as file:
            file.write(sandbox.from_string(template).render(tower=SimpleNamespace(filename=filename), **given))
        setattr(filename, label.partition(".")[2], f"{seen_as}/{Path(path).name}")
    tower = SimpleNamespace(filename=filename)
    env = credential_type["injectors"].get("env", {})
    return Injected(
        env={name: sandbox.from_string(template).render(tower=tower, **given) for name, template in env.items()},
        safe_env={name: sandbox.from_string(template).render(tower=tower, **safe) for name, template in env.items()},
    )
