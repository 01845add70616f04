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
  ca_cert:
    description:
      - The certificate authority of the server, as PEM text or as the absolute path of a PEM file on the control node.
        No other is trusted then.
      - When left out, the file or folder that E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) names, else what the Python
        package C(certifi) has.
      - Mutually exclusive with O(ca_cert_ref).
    type: str
  ca_cert_ref:
    description: A reference to a secret with O(ca_cert), as PEM text.
    type: str
  validate_certs:
    description:
      - Verify the TLS certificate of the server. Each run warns while it is V(false).
      - V(true) when left out at creation.
    type: bool
  allow_plain_http:
    description:
      - Take an address without TLS that is not on this machine.
      - V(false) when left out at creation.
    type: bool
  timeout:
    description:
      - How many seconds to wait for an answer to one try, from 1 to 600. All tries of a request together, with the
        pauses between them, get three times that. CyberArk is told the seconds of one try too.
      - V(30) when left out at creation.
    type: int
  retries:
    description:
      - How many further tries a request gets, from 0 to 10.
      - V(3) when left out at creation.
    type: int
  auth_method:
    description:
      - V(cert) takes O(client_cert) and O(client_key).
      - V(none) takes nothing. CyberArk knows the application by the machine that asks. It is taken when no login option
        is given.
    type: str
    choices: [none, cert]
  client_cert:
    description:
      - The client certificate of the application, as PEM text or as the absolute path of a PEM file on the control
        node. It is kept as the secret C(<identifier>_client_cert).
      - Mutually exclusive with O(client_cert_ref).
    type: str
  client_cert_ref:
    description: A reference to a secret, text or file, with O(client_cert).
    type: str
  client_key:
    description:
      - The key of O(client_cert), without a passphrase, as PEM text or as the absolute path of a PEM file on the
        control node. It is kept as the secret C(<identifier>_client_key), and never written to a disk.
      - Mutually exclusive with O(client_key_ref).
    type: str
  client_key_ref:
    description: A reference to a secret, text or file, with O(client_key).
    type: str
"""
