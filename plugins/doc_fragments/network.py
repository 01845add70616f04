# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network options of connectors, declared in module_utils/managers/network.py.

A module lists the variants that its kind has. Where two fragments have the same option, the one listed first wins. A
variant must not have the name of another file in this folder: Ansible would load that file.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  timeout:
    description:
      - How many seconds one try of a request may take, from 1 to 600. All tries of a request, with the pauses between
        them, take three times as long at most.
      - V(30) when left out at creation.
    type: int
  retries:
    description:
      - How often to try again, from 0 to 10, when the provider is busy, fails or can't be reached. The pauses between
        tries grow. A request that changes something is sent again only if repeating it does no harm.
      - V(3) when left out at creation.
    type: int
  ca_cert:
    description:
      - The certificate authority to trust, as PEM text or as the absolute path of a PEM file on the control node. No
        other is trusted then.
      - When left out, the file or folder named by E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE), otherwise the authorities
        of the Python package C(certifi).
      - Mutually exclusive with O(ca_cert_ref).
    type: str
  ca_cert_ref:
    description: A reference to a secret that holds O(ca_cert) as PEM text.
    type: str
"""

    VALIDATE_CERTS = r"""
options:
  validate_certs:
    description:
      - Verify TLS certificates. Every run warns while this is V(false).
      - V(true) when left out at creation.
    type: bool
"""

    PLAIN_HTTP = r"""
options:
  allow_plain_http:
    description:
      - Accept addresses without TLS, which show every value to the network. Addresses of the control node itself
        (loopback) are always accepted.
      - V(false) when left out at creation.
    type: bool
"""

    CLIENT_CERTIFICATE = r"""
options:
  client_cert:
    description:
      - A client certificate and its chain, as PEM text or as the absolute path of a PEM file on the control node.
      - It is kept as the secret C(<identifier>_client_cert).
      - Mutually exclusive with O(client_cert_ref).
    type: str
  client_cert_ref:
    description: A reference to a text or file secret that holds O(client_cert).
    type: str
  client_key:
    description:
      - The private key of O(client_cert), without a passphrase, as PEM text or as the absolute path of a PEM file on
        the control node. It is never written to a disk.
      - It is kept as the secret C(<identifier>_client_key).
      - Mutually exclusive with O(client_key_ref).
    type: str
  client_key_ref:
    description: A reference to a text or file secret that holds O(client_key).
    type: str
"""

    CA_CERT_AWS = r"""
options:
  ca_cert:
    description:
      - The certificate authority to trust, as PEM text or as the absolute path of a PEM file on the control node. No
        other is trusted then.
      - When left out, E(AWS_CA_BUNDLE), the AWS profile, or the authorities that the AWS libraries bring along.
      - Mutually exclusive with O(ca_cert_ref).
    type: str
"""

    CA_CERT_GCP = r"""
options:
  ca_cert:
    description:
      - The certificate authority of O(endpoint), as PEM text or as the absolute path of a PEM file on the control node.
        No other is trusted there. Addresses that issue tokens may also have a certificate of the usual authorities.
      - When left out, E(GRPC_DEFAULT_SSL_ROOTS_FILE_PATH) or the authorities that the Google libraries bring along; for
        tokens, E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE), otherwise those of the Python package C(certifi).
      - Mutually exclusive with O(ca_cert_ref).
    type: str
"""

    PROGRAM = r"""
options:
  timeout:
    description:
      - How many seconds one call of the program may take, from 1 to 600.
      - V(30) when left out at creation.
    type: int
"""
