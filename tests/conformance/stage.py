# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a manager goes through the scenarios of a topic. One that fails hides no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.provider import Provider
from conformance.subject import Subject
from conformance.topic import Scenario, Topic

__all__ = ["Stage"]

FAILURES = (Exception, pytest.fail.Exception)


class Stage:
    """One subject, whose connector is declared in the account, for all scenarios but those that are `alone`."""

    def __init__(
        self,
        provider_class: type[Provider],
        new_subject: Callable[[], Subject],
        record: Callable[[str, object], None],
    ) -> None:
        """Take what makes a subject, and what adds a property to the report of the test."""
        self.provider_class = provider_class
        self._new_subject = new_subject
        self._record = record
        self._shared: Subject | None = None
        self._errors: list[BaseException] = []

    def play(self, topic: Topic) -> None:
        """Play all scenarios for the manager; raise the errors of those that failed, with their names."""
        for scenario in topic.scenarios_for(self.provider_class):
            for name, given in scenario.takes:
                passed = self._passes(name, self._play, scenario, given)
                if scenario.proves:
                    outcome = "passed" if passed else "failed"
                    self._record("proves", [self.provider_class.name(), scenario.proves, outcome])
        self._passes("the end", self._leave)
        if self._errors:
            failed = "; ".join(note for error in self._errors for note in error.__notes__)
            raise BaseExceptionGroup(f"{self.provider_class.name()}: {failed}", self._errors)

    def _passes(self, name: str, deed: Callable[..., None], *arguments: object) -> bool:
        try:
            deed(*arguments)
        except FAILURES as error:
            error.add_note(name)
            self._errors.append(error)
            return False
        return True

    def _play(self, scenario: Scenario, given: tuple[Any, ...]) -> None:
        if scenario.alone:
            subject = self._new_subject()
            scenario.play(subject, *given)
            subject.leave()
            return
        subject = self._shared or self._connected()
        # Nobody knows what a failure leaves behind. The next scenario then gets a new subject.
        self._shared = None
        scenario.play(subject, *given)
        subject.clear()
        self._shared = subject

    def _connected(self) -> Subject:
        subject = self._new_subject()
        subject.connect()
        subject.settle()
        return subject

    def _leave(self) -> None:
        if self._shared:
            self._shared.leave()
