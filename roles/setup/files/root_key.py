# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See to the file of a root key, and print what came of it as JSON: `changed`, `failed`, `msg`.

Usage: root_key.py PATH make|need|look. `make` writes the key that comes on standard input, or else a random one, where
there is no file; `need` writes none; `look` only tells. A file that is there is never written to.
"""

from __future__ import annotations

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "..", "plugins"))

from module_utils.crypto.rootkey import create_key_file, from_base64, read_key_file
from module_utils.model.errors import KeyRefused


def see_to(path: str, how: str, given: str) -> bool:
    """Return whether a file is new, or would be; raise KeyRefused."""
    wanted = from_base64(given, "'setup_root_key'") if given else None
    is_new = not os.path.lexists(path)
    if is_new and how == "look":
        return True
    found = create_key_file(path, given) if is_new and how == "make" else read_key_file(path)
    if wanted and found.key_id != wanted.key_id:
        raise KeyRefused(
            "wrong_key",
            f"The file {path} holds another root key than 'setup_root_key'.",
            hint="A root key is never overwritten: see which of the two opens the store.",
        )
    return is_new


def main() -> None:
    outcome = {"changed": False, "failed": False, "msg": ""}
    try:
        outcome["changed"] = see_to(sys.argv[1], sys.argv[2], sys.stdin.read().strip())
    except KeyRefused as error:
        outcome |= {"failed": True, "msg": f"{error.message} {error.hint}"}
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
