# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account that runs a daemon in a user namespace, and what the node must have for that.

Sources: ``docs/rootless.md`` of BuildKit v0.26.3, ``README.md`` and ``docs/network.md`` of RootlessKit v2.3.6,
user_namespaces(7).
"""

from __future__ import annotations

import dataclasses
import grp
import os
import pwd
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner, checked
from ansible_collections.nephoran.container_build.plugins.module_utils._subordinate_ids import (
    IdRange,
    free_range,
    parse_ranges,
    ranges_of,
)

# As many as an image may use: those of ``nobody`` and ``nogroup`` are among them.
COUNT = 65_536
MAP_PROGRAMS = ("newuidmap", "newgidmap")
TUN = "/dev/net/tun"
_APPARMOR_LIMIT = "kernel/apparmor_restrict_unprivileged_userns"
_APPARMOR_PARSER = "apparmor_parser"
_MAY_ALL_READ_AND_WRITE = 0o006


@dataclasses.dataclass(frozen=True)
class AccountSpec:
    """The account as it should be.

    Attributes:
        name: its name.
        home: its home, which is not made.
        programs: commands that the node must have besides ``newuidmap`` and ``newgidmap``.
        folders: where commands are looked for besides the usual folders.
        forbidden_groups: groups whose members are root in all but name.
        needs_tun: whether the daemon gets a network of its own by way of a TAP device.
    """

    name: str
    home: str
    programs: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    forbidden_groups: tuple[str, ...] = ()
    needs_tun: bool = False


@dataclasses.dataclass(frozen=True)
class AccountState:
    """The account as it is.

    Attributes:
        exists: whether there is one.
        has_group: whether there is a group of its name.
        uids: its subordinate user ids.
        gids: its subordinate group ids.
    """

    exists: bool
    has_group: bool
    uids: tuple[IdRange, ...] = ()
    gids: tuple[IdRange, ...] = ()


@dataclasses.dataclass(frozen=True)
class AccountPlan:
    """What brings an account from one to the other.

    Attributes:
        plan: the same as actions and states.
        commands: the words of each command, in their order.
        uids: its subordinate user ids afterwards.
        gids: its subordinate group ids afterwards.
    """

    plan: Plan
    commands: tuple[tuple[str, ...], ...]
    uids: tuple[IdRange, ...]
    gids: tuple[IdRange, ...]


class RootlessAccount:
    """Finds out how an account is and makes it what it should be.

    Args:
        runner: starts the processes.
        spec: the account as it should be.
        root: the node's root folder.
    """

    def __init__(self, runner: Runner, spec: AccountSpec, root: str = "/") -> None:
        self._runner = runner
        self._spec = spec
        self._root = root

    def is_restricted(self) -> bool:
        """Tell whether AppArmor takes the privileges inside user namespaces from programs without a profile."""
        return self._sysctl(_APPARMOR_LIMIT) == "1"

    def require_usable(self, *, check_mode: bool) -> None:
        """Check all that must hold before anything is changed.

        In check mode a program that is not installed yet is no error: what installs it was only a prediction as well.

        Raises:
            Unavailable: the kernel lets no one make user namespaces, or the device for a network is missing.
            NotFound: a program is missing.
        """
        self._require_namespaces()
        if self._spec.needs_tun:
            self._require_tun()
        if check_mode:
            return
        programs = (*MAP_PROGRAMS, *self._spec.programs, *((_APPARMOR_PARSER,) if self.is_restricted() else ()))
        missing = [program for program in programs if not self._has(program)]
        if missing:
            raise NotFound(
                "A daemon without root needs programs that the node does not have",
                subject=", ".join(missing),
                remedy="install the packages that they are in; on Debian and Ubuntu newuidmap and newgidmap are in "
                "uidmap, slirp4netns and apparmor_parser in slirp4netns and apparmor",
            )

    def state(self) -> AccountState:
        """Return the account as it is.

        Raises:
            InvalidInput: a daemon that it runs could become root.
        """
        name = self._spec.name
        has_group = any(group.gr_name == name for group in grp.getgrall())
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            return AccountState(exists=False, has_group=has_group)
        if account.pw_uid == 0:
            raise InvalidInput("The account is root itself", subject=name, expected="an account without privileges")
        self._require_no_privileges(account)
        uids, gids = (
            tuple(ranges_of(self._ranges(path), name, str(account.pw_uid))) for path in ("etc/subuid", "etc/subgid")
        )
        _require_nobodys(name, uids, {each.pw_uid: each.pw_name for each in pwd.getpwall()})
        _require_nobodys(name, gids, {each.gr_gid: each.gr_name for each in grp.getgrall()})
        return AccountState(exists=True, has_group=has_group, uids=uids, gids=gids)

    def plan(self, state: AccountState) -> AccountPlan:
        """Return what makes *state* what it should be; useradd(8) and usermod(8) do it, with the locks of their files.

        Raises:
            Unavailable: there are not enough subordinate ids left.
        """
        name = self._spec.name
        actions: list[Action] = []
        commands: list[tuple[str, ...]] = []
        if not state.exists:
            group = ("--gid", name) if state.has_group else ("--user-group",)
            place = ("--home-dir", self._spec.home, "--no-create-home", "--shell", "/usr/sbin/nologin")
            commands.append(("useradd", "--system", *group, *place, name))
            actions.append(Action("make", f"account {name}"))
        new_uids, new_gids = self._missing(state.uids, "SUB_UID"), self._missing(state.gids, "SUB_GID")
        if new_uids or new_gids:
            words = [word for each in new_uids for word in ("--add-subuids", str(each))]
            words += [word for each in new_gids for word in ("--add-subgids", str(each))]
            commands.append(("usermod", *words, name))
        actions.extend(Action("give", f"{name} the subordinate user ids {each}") for each in new_uids)
        actions.extend(Action("give", f"{name} the subordinate group ids {each}") for each in new_gids)
        uids, gids = (*state.uids, *new_uids), (*state.gids, *new_gids)
        plan = Plan(
            tuple(actions),
            before={"exists": state.exists, "subuids": _shown(state.uids), "subgids": _shown(state.gids)},
            after={"exists": True, "subuids": _shown(uids), "subgids": _shown(gids)},
        )
        return AccountPlan(plan, tuple(commands), uids, gids)

    def apply(self, plan: AccountPlan) -> None:
        """Carry out *plan*.

        Raises:
            ToolFailed: useradd or usermod refused.
        """
        for words in plan.commands:
            checked(self._runner.run(words), "The account could not be made ready", subject=self._spec.name)

    def group(self) -> str:
        """Return the group that the account's files have, and with them the daemon's socket."""
        try:
            return grp.getgrgid(pwd.getpwnam(self._spec.name).pw_gid).gr_name
        except KeyError:
            # Only check mode comes here before there is an account.
            return self._spec.name

    def _missing(self, has: t.Sequence[IdRange], key: str) -> tuple[IdRange, ...]:
        if sum(each.count for each in has) >= COUNT:
            return ()
        # An account's user and group ids are the same then.
        taken = [*self._ranges("etc/subuid"), *self._ranges("etc/subgid")]
        ids = [*(each.pw_uid for each in pwd.getpwall()), *(each.gr_gid for each in grp.getgrall())]
        return (free_range(self._spec.name, COUNT, taken, ids, self._read("etc/login.defs"), key),)

    def _ranges(self, path: str) -> list[IdRange]:
        return parse_ranges(self._read(path))

    def _require_no_privileges(self, account: pwd.struct_passwd) -> None:
        for group in grp.getgrall():
            is_member = account.pw_name in group.gr_mem or account.pw_gid == group.gr_gid
            if is_member and group.gr_name in self._spec.forbidden_groups:
                raise InvalidInput(
                    "The account is in a group whose members can become root, and so could whoever builds",
                    subject=f"{account.pw_name}: {group.gr_name}",
                    remedy="take the account out of the group, or name another account",
                )

    def _require_namespaces(self) -> None:
        if not os.path.exists(os.path.join(self._root, "proc/self/ns/user")):
            raise Unavailable(
                "The kernel has no user namespaces", subject="CONFIG_USER_NS", remedy="use a kernel that has them"
            )
        for name, remedy in (("user/max_user_namespaces", "28633"), ("kernel/unprivileged_userns_clone", "1")):
            if self._sysctl(name) == "0":
                setting = name.replace("/", ".")
                raise Unavailable(
                    "The kernel's settings let no account make user namespaces",
                    subject=f"{setting} = 0",
                    expected=f"{setting} = {remedy}",
                    remedy="write that to a file in /etc/sysctl.d, and run sysctl --system",
                )

    def _require_tun(self) -> None:
        path = os.path.join(self._root, TUN.lstrip("/"))
        try:
            mode = os.stat(path).st_mode
        except OSError:
            mode = 0
        if mode & _MAY_ALL_READ_AND_WRITE != _MAY_ALL_READ_AND_WRITE:
            raise Unavailable(
                "The device that gives the daemon a network of its own is missing, or the account may not use it",
                subject=TUN,
                expected="a device that all users may read and write, as udev makes it",
                remedy="load the module tun (modprobe tun; /etc/modules-load.d for every boot), or give the daemon the "
                "node's network",
            )

    def _has(self, program: str) -> bool:
        if any(os.access(os.path.join(folder, program), os.X_OK) for folder in self._spec.folders):
            return True
        try:
            return bool(self._runner.find(program))
        except Unavailable:
            return False

    def _sysctl(self, name: str) -> str:
        return self._read(f"proc/sys/{name}").strip()

    def _read(self, path: str) -> str:
        try:
            with open(os.path.join(self._root, path), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""


def _require_nobodys(name: str, ranges: t.Sequence[IdRange], ids: t.Mapping[int, str]) -> None:
    for each in ranges:
        for number, owner in ids.items():
            if number in each:
                raise InvalidInput(
                    "A subordinate id of the account is somebody else's own",
                    subject=f"{name}: {each}: {number} ({owner})",
                    expected="ids that no account and no group has",
                    remedy="correct /etc/subuid and /etc/subgid",
                )


def _shown(ranges: t.Sequence[IdRange]) -> list[str]:
    return [str(each) for each in ranges]
