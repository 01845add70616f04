# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of CyberArk's Central Credential Provider. Their specs stand in module_utils/managers/cyberark_ccp.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - The address of the server, such as V(https://ccp.example.com), without the web service.
      - Needed at creation.
    type: str
  app_id:
    description:
      - The application that CyberArk knows.
      - Needed at creation.
    type: str
  safe:
    description:
      - The Safe of references that name none. It can't change while the connector keeps secrets.
    type: str
  folder:
    description:
      - The folder of references that name none, such as V(Root). It can't change while the connector keeps secrets.
    type: str
  web_service:
    description:
      - The name of the web service on the server.
      - V(AIMWebService) when left out at creation.
    type: str
  reason:
    description: Why passwords are read, for CyberArk's audit log.
    type: str
  fail_on_password_change:
    description:
      - Fail while CyberArk is changing the password that is asked for. Otherwise the one that it has then is taken,
        which may soon be an old one.
      - V(false) when left out at creation.
    type: bool
  auth_method:
    description:
      - V(cert) takes O(client_cert) and O(client_key).
      - V(none) takes nothing. CyberArk knows the application by the machine that asks. It is taken when no login option
        is given.
    type: str
    choices: [none, cert]
"""
