# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the secret managers at Google Cloud share. The specs stand in module_utils/managers/gcp.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  gcp_project:
    description:
      - The project, by its id or its number.
      - "When left out at creation: that of the login, which is the one in the key of a service account, or the one that
        the Google libraries find (E(GOOGLE_CLOUD_PROJECT), gcloud, the instance). What was found is kept with the
        connector. The login V(workload_identity) implies none."
    type: str
  endpoint:
    description:
      - The host of the service, as in V(secretmanager.europe-west3.rep.googleapis.com), with a port if it is not 443,
        or its URL; for regional and private endpoints, or a stand-in. Google's own when left out.
    type: str
  auth_method:
    description:
      - How to log in. It may be left out when the login options that are given belong to exactly one of these.
      - V(service_account) takes O(credentials_json).
      - V(workload_identity) takes O(project_number), O(pool), O(provider), O(token_file) and perhaps
        O(service_account_email).
      - V(default) takes what the Google libraries find by themselves, where ansible-playbook runs, which is
        E(GOOGLE_APPLICATION_CREDENTIALS), the login of gcloud, or the service account of the instance.
    type: str
    choices: [service_account, workload_identity, default]
  credentials_json:
    description:
      - The key of a service account, as the JSON that Google hands out. It is kept as the secret
        C(<identifier>_credentials_json).
      - Other credentials in JSON are refused, for they may name programs to run. Put those into the file that
        E(GOOGLE_APPLICATION_CREDENTIALS) names.
      - Mutually exclusive with O(credentials_json_ref).
    type: json
  credentials_json_ref:
    description: A reference to a text or file secret with O(credentials_json).
    type: str
  project_number:
    description: The number of the project that has the workload identity pool.
    type: str
  pool:
    description: The id of the workload identity pool.
    type: str
  provider:
    description: The id of the pool's provider.
    type: str
  service_account_email:
    description:
      - The service account to act as. When left out, the identity in the pool acts for itself.
    type: str
  token_file:
    description:
      - The path of a file on the control node with a token (JWT) that the provider trusts. It is read again whenever
        a new token of Google's is needed.
    type: path
  sts_endpoint:
    description:
      - The host or URL that exchanges the token, where it is not C(sts.googleapis.com).
    type: str
  iam_endpoint:
    description:
      - The host or URL that gives tokens of O(service_account_email), where it is not C(iamcredentials.googleapis.com).
    type: str
"""
