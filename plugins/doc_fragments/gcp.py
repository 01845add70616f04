# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the Google Cloud kinds share, declared in module_utils/managers/gcp/."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  gcp_project:
    description:
      - The id or number of the project.
      - When left out at creation, the project of the login, which is the one in the key of a service account or the one
        that the Google libraries find (E(GOOGLE_CLOUD_PROJECT), gcloud, the instance). The connector keeps it. The
        login V(workload_identity) has no project.
    type: str
  endpoint:
    description:
      - The host of the service, such as V(secretmanager.europe-west3.rep.googleapis.com), with a port if it is not 443,
        or its URL. Use it for regional and private endpoints. Google's default when left out.
    type: str
  auth_method:
    description:
      - How to log in. You can leave it out if the login options belong to only one login.
      - V(service_account) takes O(credentials_json).
      - V(workload_identity) takes O(project_number), O(pool), O(provider), O(token_file) and optionally
        O(service_account_email).
      - V(default) uses the credentials that the Google libraries find where ansible-playbook runs, which come from
        E(GOOGLE_APPLICATION_CREDENTIALS), the login of gcloud, or the service account of the instance.
    type: str
    choices: [service_account, workload_identity, default]
  credentials_json:
    description:
      - The key of a service account, as the JSON that Google issues. It is kept as the secret
        C(<identifier>_credentials_json).
      - Other JSON credentials are refused, because they can name programs to run. Put those into the file that
        E(GOOGLE_APPLICATION_CREDENTIALS) names.
      - Mutually exclusive with O(credentials_json_ref).
    type: json
  credentials_json_ref:
    description: A reference to a text or file secret that holds O(credentials_json).
    type: str
  project_number:
    description: The number of the project that contains the workload identity pool.
    type: str
  pool:
    description: The id of the workload identity pool.
    type: str
  provider:
    description: The id of the pool's provider.
    type: str
  service_account_email:
    description:
      - The service account to impersonate. When left out, the identity in the pool is used directly.
    type: str
  token_file:
    description:
      - The path of a file on the control node that holds a token (JWT) trusted by the provider. It is read again for
        each new Google token.
    type: path
  sts_endpoint:
    description:
      - The host or URL that exchanges the token. C(sts.googleapis.com) when left out.
    type: str
  iam_endpoint:
    description:
      - The host or URL that issues tokens for O(service_account_email). C(iamcredentials.googleapis.com) when left out.
    type: str
"""
