# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: the pure value that check mode reports and the real run applies."""

from __future__ import annotations

import typing as t


class Action(t.NamedTuple):
    """One step that moves something a user could observe.

    Attributes:
        verb: what is done, in the words of the tools (``build``, ``tag``, ``pin``, ``link``).
        subject: to what: a reference, a path, a unit.
        detail: why, or from what to what; empty if the verb says it all.
    """

    verb: str
    subject: str
    detail: str = ""

    def __str__(self) -> str:
        sentence = f"{self.verb} {self.subject}"
        return f"{sentence} ({self.detail})" if self.detail else sentence


class Plan(t.NamedTuple):
    """What must happen to go from the actual to the desired state.

    Attributes:
        actions: the steps in order; none means that nothing has to change.
        before: the observable state now, as ``--diff`` shows it.
        after: the observable state once every action was applied.
    """

    actions: tuple[Action, ...] = ()
    before: t.Mapping[str, t.Any] = {}
    after: t.Mapping[str, t.Any] = {}

    @property
    def changed(self) -> bool:
        """Whether applying the plan moves anything."""
        return bool(self.actions)

    def diff(self, header: str) -> dict[str, t.Any]:
        """Return Ansible's diff structure under *header*."""
        return {
            "before_header": header,
            "after_header": header,
            "before": dict(self.before),
            "after": dict(self.after),
        }

    def action_lines(self) -> list[str]:
        """Return the actions as sentences, in order."""
        return [str(action) for action in self.actions]


def merge_plans(plans: t.Iterable[Plan]) -> Plan:
    """Return one plan that does all of *plans* in order; later states win where keys meet."""
    actions: list[Action] = []
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for plan in plans:
        actions.extend(plan.actions)
        before.update(plan.before)
        after.update(plan.after)
    return Plan(tuple(actions), before, after)
