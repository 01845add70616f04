# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the suite knows of a secret manager: how it is connected, and the way round us to what it really holds."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import (
    Capability,
    KeyKeeper,
    Manager,
    ValueKeeper,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds
from ansible_collections.scoped.secrets.plugins.module_utils.model.references import SCHEMES

if TYPE_CHECKING:
    from servers.faults import FaultProxy, Seen

__all__ = ["Provider"]

Options = dict[str, Any]


class Provider(ABC):
    """A kind of secret manager, or a variant of one, for one subject: with a place there that no other has.

    A new kind is a file in `kinds/` with a `PROVIDERS` of subclasses of this one. What raises NotImplementedError here
    is asked of kinds with a connector, or of those that keep values.
    """

    KIND: ClassVar[str]
    VARIANT: ClassVar[str] = ""
    TITLE: ClassVar[str] = ""
    """How the table calls it; empty for a variant that is as the kind is."""
    SERVER: ClassVar[str] = ""
    """The fixture of tests/servers that gives its server, which has a `url`."""
    IS_PROXIED: ClassVar[bool] = True
    """Whether a proxy before its server counts; one that speaks something else than HTTP/1.1 counts by itself."""
    LACKS: ClassVar[frozenset[Capability]] = frozenset()
    """What the kind is able to do and this variant is not."""
    CELLS: ClassVar[Mapping[str, str]] = {}
    """Words for cells of the table that would be a plain yes, or the limit as the kind declares it."""
    FORESEES: ClassVar[bool] = True
    """Whether check mode can tell that a secret of others is in the way."""
    REFUSES_EMPTY: ClassVar[bool] = False
    CREDENTIAL: ClassVar[str] = ""
    """A credential among its options; empty for a kind whose login nobody checks."""
    OFFLINE: ClassVar[Options] = {}
    """Options of a connector to an address where nothing answers; empty for kinds without an address."""
    LOGINS: ClassVar[Sequence[Options]] = ()
    """Complete options of each login that takes a credential, for `OFFLINE`. Credentials are replaced by tests."""

    def __init__(self, fixture: Callable[[str], Any], place: str) -> None:
        """Take what returns a fixture by its name, and a word for the place."""
        self.fixture = fixture
        self.place = place
        self.foreign: set[str] = set()
        self.proxy: FaultProxy | None = None
        self.server: Any = None
        if self.SERVER:
            self.server = fixture(self.SERVER)
            self.proxy = self.front() if self.IS_PROXIED else None

    def front(self) -> FaultProxy:
        """Return the proxy before its server."""
        proxy: FaultProxy = self.fixture("fault_proxy")(self.server.url)
        return proxy

    @classmethod
    def manager(cls) -> type[Manager] | None:
        """Return the kind's class, None for the built-in manager."""
        return kinds().get(cls.KIND)

    @classmethod
    def able(cls) -> frozenset[Capability]:
        """Return what it is able to do. The built-in manager is a key keeper that needs no connector."""
        return (cls.manager() or KeyKeeper).CAPABILITIES - cls.LACKS

    @classmethod
    def limit(cls) -> int:
        """Return the largest value in bytes, as the kind declares it."""
        return (cls.manager() or KeyKeeper).MAX_VALUE

    @classmethod
    def keeps_values(cls) -> bool:
        return issubclass(cls.manager() or KeyKeeper, ValueKeeper)

    @classmethod
    def has_connector(cls) -> bool:
        return cls.manager() is not None

    @classmethod
    def has_login(cls) -> bool:
        return bool(cls.CREDENTIAL)

    @classmethod
    def name(cls) -> str:
        return "-".join(filter(None, [cls.KIND, cls.VARIANT]))

    @property
    def scheme(self) -> str:
        """What URL references to the kind begin with."""
        return next(scheme for scheme, (kind, _version) in SCHEMES.items() if kind == self.KIND)

    @property
    def requests(self) -> Sequence[Seen]:
        """Every request since `forget_requests`, as they left us."""
        return self.proxy.seen if self.proxy else []

    def forget_requests(self) -> None:
        if self.proxy:
            self.proxy.clear()

    def largest(self) -> int:
        """Return how many ASCII characters a text may have."""
        return self.limit()

    # Its connector.

    def options(self, place: str = "") -> Options:
        """Return a connector's options, for another place than usual if one is named."""
        raise NotImplementedError

    def wrong_login(self) -> Options:
        """Return what makes of `options` a connector whose login is refused."""
        raise NotImplementedError

    def is_login(self, seen: Seen) -> bool:
        """Tell whether a request is a login. A kind that signs each request has none."""
        return False

    def is_read(self, seen: Seen) -> bool:
        """Tell whether a request reads a value, or unwraps a data key."""
        raise NotImplementedError

    def unwraps(self, number: int) -> int:
        """Return how many requests of a key keeper open so many values."""
        return number if self.has_connector() else 0

    def is_write(self, seen: Seen) -> bool:
        """Tell whether a request changes anything, or wraps a data key."""
        raise NotImplementedError

    # The way round us. Paths are what `reference` takes.

    def path(self, identifier: str, place: str = "") -> str:
        """Return where a secret of ours lies."""
        return f"{place or self.place}/{identifier}"

    def present(self) -> set[str]:
        """Return the paths of all that can be read there: in its places, whose names begin with `place`."""
        return set()

    def remains(self) -> set[str]:
        """Return the paths of all that is there, including what its owner could restore."""
        return self.present()

    def value_at(self, path: str) -> bytes | None:
        """Return the value of a secret of ours as the provider has it, None where there is none."""
        raise NotImplementedError

    def fields_at(self, path: str) -> dict[str, Any]:
        """Return the fields of a secret of others."""
        raise NotImplementedError

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        """Write a secret as others do, over whatever is there, without a mark of ours; `foreign` remembers it."""
        raise NotImplementedError

    def change(self, path: str, value: str) -> None:
        """Change the value of a secret of ours; whose it is stays as it is."""
        raise NotImplementedError

    def remove(self, path: str) -> None:
        """Remove a secret so that nothing is left of it."""
        raise NotImplementedError

    def retire(self, path: str) -> None:
        """Remove a secret so that its owner could restore it, where the provider has such a thing."""
        self.remove(path)
