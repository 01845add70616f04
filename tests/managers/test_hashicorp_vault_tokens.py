# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of HashiCorp Vault's tokens within a run: renewal, new logins, refusals."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.vault import HashicorpVault
from servers.faults import Fault, FaultProxy
from servers.openbao import OpenBao, OpenBaoError
from vault_connectors import POLICY, Clock, connector, names, refusal, vault

HOUR = 3600
Proxy = Callable[[str], FaultProxy]


@pytest.fixture(scope="module")
def policy(openbao: OpenBao) -> str:
    openbao.request("POST", "secret/data/ours/there", {"data": {"value": "kept"}})
    return openbao.write_policy("ours", POLICY)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def approle(server: OpenBao, *policies: str, **options: object) -> dict[str, str]:
    role = server.add_approle(next(names), *policies, **options)
    return {"role_id": role.role_id, "secret_id": role.secret_id}


def touch(manager: HashicorpVault) -> None:
    """Send one request."""
    assert manager.read("ours/there").version


def quiet(**login: Any) -> dict[str, Any]:
    """Return options of a connector that doesn't need to detect its engine's version."""
    return {"detected_engine_version": 2, **login}


def test_a_login_s_token_is_renewed_at_half_its_life(openbao: OpenBao, policy: str, clock: Clock) -> None:
    counts: Counter[str] = Counter()
    with vault(openbao, counts, **quiet(**approle(openbao, policy, token_ttl="1h"))) as manager:
        touch(manager)
        counts.clear()
        clock.forward(HOUR / 2 - 1)
        touch(manager)
        assert counts == {"requests": 1}
        clock.forward(2)
        touch(manager)
        touch(manager)
        assert counts == {"requests": 4, "renewals": 1}


@pytest.mark.parametrize("options", [{"ttl": "1h"}, {"period": "1h"}, {"ttl": "1h", "no_default_policy": False}])
def test_a_given_token_is_renewed_at_half_its_life(
    openbao: OpenBao, policy: str, clock: Clock, options: dict[str, object]
) -> None:
    counts: Counter[str] = Counter()
    with vault(openbao, counts, **quiet(token=openbao.create_token(policy, **options))) as manager:
        clock.forward(HOUR / 2 + 1)
        touch(manager)
        assert counts["renewals"] == 1


def test_what_can_t_be_renewed_is_used_until_its_end(openbao: OpenBao, policy: str, clock: Clock) -> None:
    counts: Counter[str] = Counter()
    token = openbao.create_token(policy, ttl="1h", renewable=False)
    with vault(openbao, counts, **quiet(token=token)) as manager:
        touch(manager)
        clock.forward(HOUR - 60)
        touch(manager)
        assert counts["renewals"] == 0
        clock.forward(61)
        assert refusal(manager.read, "ours/there").code == "login_expired"


def test_a_login_whose_token_can_t_be_renewed_logs_in_again_before_its_end(
    openbao: OpenBao, policy: str, clock: Clock
) -> None:
    counts: Counter[str] = Counter()
    login = approle(openbao, policy, token_type="batch", token_ttl="1h")
    with vault(openbao, counts, **quiet(**login)) as manager:
        touch(manager)
        clock.forward(HOUR - 1)
        touch(manager)
        assert (counts["renewals"], counts["logins"]) == (0, 1)


def test_a_login_whose_renewal_is_refused_logs_in_again(
    openbao: OpenBao, policy: str, clock: Clock, fault_proxy: Proxy
) -> None:
    counts: Counter[str] = Counter()
    proxy = fault_proxy(openbao.url)
    proxy.add(Fault.answer(403), path="renew-self")
    with vault(proxy.url, counts, **quiet(**approle(openbao, policy, token_ttl="1h"))) as manager:
        clock.forward(HOUR / 2 + 1)
        touch(manager)
        assert (counts["renewals"], counts["logins"]) == (1, 1)


def test_a_given_token_whose_renewal_is_refused_is_used_until_its_end(
    openbao: OpenBao, policy: str, clock: Clock, fault_proxy: Proxy
) -> None:
    counts: Counter[str] = Counter()
    proxy = fault_proxy(openbao.url)
    proxy.add(Fault.answer(403), path="renew-self", times=None)
    with vault(proxy.url, counts, **quiet(token=openbao.create_token(policy, ttl="1h"))) as manager:
        clock.forward(HOUR / 2 + 1)
        touch(manager)
        touch(manager)
        assert counts["renewals"] == 1
        clock.forward(HOUR / 2)
        assert refusal(manager.read, "ours/there").code == "login_expired"


def test_a_token_near_its_greatest_age_is_not_renewed_again_and_again(
    openbao: OpenBao, policy: str, clock: Clock
) -> None:
    counts: Counter[str] = Counter()
    # The server grants the rest of 61 minutes, while an hour passes each time on the test's clock.
    login = approle(openbao, policy, token_ttl="1h", token_max_ttl="1h")
    with vault(openbao, counts, **quiet(**login)) as manager:
        manager._client._token.life = 3 * HOUR  # type: ignore[union-attr]  # As if it had lived for long.
        clock.forward(HOUR / 2 + 1)
        touch(manager)
        clock.forward(HOUR / 2 + 1)
        touch(manager)
        assert counts["renewals"] == 1
        clock.forward(HOUR / 2)
        touch(manager)
        assert (counts["renewals"], counts["logins"]) == (1, 1)


def test_many_threads_renew_once(openbao: OpenBao, policy: str, clock: Clock) -> None:
    counts: Counter[str] = Counter()
    with vault(openbao, counts, **quiet(**approle(openbao, policy, token_ttl="1h"))) as manager:
        clock.forward(HOUR / 2 + 1)
        threads = [threading.Thread(target=touch, args=[manager]) for _number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == {"requests": 9, "renewals": 1}


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_token_that_is_revoked_mid_run(openbao: OpenBao, policy: str, is_ours: bool) -> None:
    counts: Counter[str] = Counter()
    login = approle(openbao, policy) if is_ours else {"token": openbao.create_token(policy)}
    with vault(openbao, counts, **quiet(**login)) as manager:
        token = manager._client._token.vault.token  # type: ignore[union-attr]
        openbao.revoke_token(token)
        error = refusal(manager.read, "ours/there")
        assert (error.code, error.category) == ("login_expired", "forbidden")
        assert counts == {"requests": 2}  # The second request asks whether the token is alive.


def test_a_token_that_expires_mid_run(openbao: OpenBao, policy: str, clock: Clock) -> None:
    token = openbao.create_token(policy, ttl="1h")
    with vault(openbao, token=token) as manager:
        let_expire(openbao, token)
        assert refusal(manager.read, "ours/there").code == "login_expired"
        clock.forward(HOUR)
        assert refusal(manager.read, "ours/there").code == "login_expired"
        assert refusal(manager.login).code == "login_refused"


def test_a_login_s_token_that_expires_mid_run_is_replaced(openbao: OpenBao, policy: str, clock: Clock) -> None:
    counts: Counter[str] = Counter()
    with vault(openbao, counts, **quiet(**approle(openbao, policy, token_ttl="1h"))) as manager:
        let_expire(openbao, manager._client._token.vault.token)  # type: ignore[union-attr]
        clock.forward(HOUR)
        touch(manager)
        assert (counts["logins"], counts["renewals"]) == (1, 0)


def let_expire(server: OpenBao, token: str) -> None:
    """Shorten the life of a token that is in use, and wait for its end.

    With a short life from the start it could end before the manager has logged in.
    """
    server.request("POST", "auth/token/renew", {"token": token, "increment": "1s"})
    with contextlib.suppress(OpenBaoError):
        while server.look_up(token):
            time.sleep(0.1)


def test_a_path_that_is_denied_is_not_a_dead_token(openbao: OpenBao, policy: str) -> None:
    counts: Counter[str] = Counter()
    for login in (approle(openbao, policy), {"token": openbao.create_token(policy, no_default_policy=True)}):
        with vault(openbao, counts, **quiet(**login)) as manager:
            error = refusal(manager.read, "others/secret")
            assert error.code == "provider_denied"
            assert counts == {"requests": 2}


def test_logging_in_by_itself_if_nobody_did(openbao: OpenBao, policy: str) -> None:
    counts: Counter[str] = Counter()
    manager = connector(openbao.url, counts, **quiet(**approle(openbao, policy)))
    touch(manager)
    manager.close()
    assert counts == {"logins": 1, "requests": 3}
