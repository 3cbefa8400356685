# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs, switches and removes generations of the archive ``nerdctl-full``."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._advisories import AS_OF
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (
    FOREIGN,
    ContainerdOwner,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import (
    disk_error,
    make_directories,
    require_usable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    InvalidInput,
    NotFound,
    Refused,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._exposure import (
    Exposed,
    of_archive,
    sentences,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._file_lock import locked
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import (
    components,
    parse_checksum,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import (
    GenerationStore,
    Layout,
    generation_name,
    is_older,
    version_of,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation_users import is_shim
from ansible_collections.nephoran.container_build.plugins.module_utils._links import (
    LinkPlan,
    make_links,
    remove_links,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import remove_empty_folder
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_plan import Desired
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_request import (
    Outcome,
    Request,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_staging import (
    Fetch,
    Staging,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_survey import (
    Decision,
    FindOwner,
    Survey,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._overlays import content_digest, refuse_twice
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner, checked
from ansible_collections.nephoran.container_build.plugins.module_utils._unpacked import (
    Unpacked,
    let_give_way,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._url import validate_url

_SELINUX_MARK = "/sys/fs/selinux/enforce"
_PROCESSES_NAMED_MAX = 10


class NerdctlFull:
    """One installation of the archive on this node.

    Args:
        layout: where it is.
        request: what the user asked for.
        runner: starts processes.
        fetch: fetches archives, over HTTP if left out.
        processes: the node's processes.
        find_owner: tells whose containerd serves a socket.
        check_mode: whether nothing may be touched.
    """

    def __init__(
        self,
        layout: Layout,
        request: Request,
        runner: Runner,
        *,
        fetch: Fetch | None = None,
        processes: ProcessTable | None = None,
        find_owner: FindOwner | None = None,
        check_mode: bool = False,
    ) -> None:
        self._layout = layout
        self._request = request
        self._runner = runner
        self._check_mode = check_mode
        self._store = GenerationStore(layout)
        self._staging = Staging(self._store, request, fetch)
        self._survey = Survey(
            layout,
            request.cni_bin_dirs,
            request.address,
            runner,
            processes or ProcessTable(),
            find_owner,
            take_over=request.take_over,
        )

    def ensure_present(self) -> Outcome:
        """Let the requested generation serve.

        Raises:
            ArchiveNeeded: it is not on the node, and neither ``src`` nor ``url`` was given.
            ContainerBuildError: it cannot be done; what served before serves still.
        """
        return self._ensure_serves(self._desired)

    def ensure_rolled_back(self) -> Outcome:
        """Let the generation serve that served before this one, unless this one came to it by a rollback.

        Raises:
            NotFound: there is none.
            ContainerBuildError: it cannot be done; what served before serves still.
        """
        return self._ensure_serves(self._way_back)

    def _ensure_serves(self, wanted: t.Callable[[], Desired]) -> Outcome:
        desired = wanted()
        decision = self._survey.decide(desired)
        self._refuse_downgrade(desired, decision)
        if desired.generation in decision.actual.generations:
            self._refuse_exposed(desired, self._layout.generation(desired.generation), decision.owner)
        if not decision.plan.changed:
            return self._outcome(desired, decision)
        self._require_usable_folders()
        if desired.generation not in decision.actual.generations:
            self._staging.require_archives(desired.generation, prove=self._check_mode)
        if self._check_mode:
            return self._outcome(desired, decision)
        with self._changing("installing the archive"), self._locked():
            # What another run did in the meantime is seen now.
            desired = wanted()
            decision = self._survey.decide(desired)
            self._refuse_downgrade(desired, decision)
            return self._outcome(desired, self._install(desired, decision))

    def ensure_absent(self) -> Outcome:
        """Remove every link and every generation.

        Raises:
            Unavailable: containers, or services, still run from one, and ``force`` was not given.
        """
        actual = self._survey.installation()
        plan = self._survey.decide_absent(actual)
        if not plan.changed:
            return Outcome(plan)
        warnings = self._refuse_running()
        self._require_usable_folders()
        if self._check_mode:
            return Outcome(plan, previous_generation=actual.current, warnings=warnings)
        with self._changing("removing the installation"), self._locked():
            actual = self._survey.installation()
            # All commands go at once, or a run that is killed here would leave some of them.
            self._store.stop_serving()
            remove_links(actual.links.ours)
            # Plugins of somebody else keep their folder.
            remove_empty_folder(self._layout.plugins)
            self._store.sweep(actual.leftovers)
            # Last: as long as it is there, the next run knows that there is something to remove.
            self._store.remove_all()
        return Outcome(plan, previous_generation=actual.current, warnings=warnings)

    def _desired(self) -> Desired:
        request = self._request
        checksum = parse_checksum(request.checksum)
        if not request.version:
            raise InvalidInput("No version was given", subject="option version", expected="such as 2.2.1")
        if request.keep < 1:
            raise InvalidInput("Too few generations to keep", subject=f"keep: {request.keep}", expected="1 or more")
        overlays = [each.overlay for each in request.overlays]
        refuse_twice(overlays)
        sources = [request.source, *(each.source for each in request.overlays)]
        for source in sources:
            if source.url is not None:
                validate_url(source.url)
        return Desired(
            generation_name(request.version, content_digest(checksum, overlays)),
            request.keep,
            downloads=tuple(source.shown for source in sources if source.url is not None),
            overlays=tuple(str(overlay) for overlay in overlays),
        )

    def _way_back(self) -> Desired:
        store = self._store
        store.refuse_planted()
        current = store.current()
        target = current if store.is_rolled_back() else store.previous()
        if target is None:
            raise NotFound(
                "There is no generation to go back to",
                subject=self._layout.generations,
                expected=f"one that served before {current}" if current else "one that serves, and one before it",
                remedy="install the version that you want with state: present; a larger keep leaves more to go back to",
            )
        return Desired(target, keep=None, rollback=True)

    def _refuse_downgrade(self, desired: Desired, decision: Decision) -> None:
        current = decision.actual.current
        if desired.rollback:
            return
        wanted = version_of(desired.generation)
        if current is not None and is_older(wanted, version_of(current)) and not self._request.allow_downgrade:
            raise InvalidInput(
                f"Version {wanted} is older than {version_of(current)}, which is installed",
                subject=self._layout.current,
                remedy="set allow_downgrade to true if that is what you want",
            )

    def _refuse_exposed(self, desired: Desired, folder: str, owner: ContainerdOwner) -> None:
        """Refuse what has known vulnerabilities, if the user wants that; the way back is open nevertheless."""
        exposed = self._exposed(folder, owner) if self._request.advisories == "fail" and not desired.rollback else ()
        if exposed:
            raise Refused(
                f"The archive has known vulnerabilities, as of {AS_OF}",
                subject="; ".join(sentences(exposed)),
                remedy="give a version without them, or set advisories to warn",
            )

    def _exposed(self, folder: str, owner: ContainerdOwner) -> tuple[Exposed, ...]:
        return tuple(of_archive(components(folder), runs_containerd=owner.kind != FOREIGN))

    def _refuse_running(self) -> tuple[str, ...]:
        """Refuse to remove what runs; return a warning where a real run comes only after its services were stopped."""
        running = [process for processes in self._survey.running().values() for process in processes]
        if not running or self._request.force:
            return ()
        shown = running[:_PROCESSES_NAMED_MAX]
        named = ", ".join(f"{os.path.basename(process.executable)} (PID {process.pid})" for process in shown)
        containers_run = any(is_shim(process) for process in running)
        if self._check_mode and not containers_run:
            return (f"These run from the installation and must be stopped before it is removed: {named}",)
        raise Unavailable(
            f"{'Containers' if containers_run else 'Services'} still run from this installation",
            subject=named,
            remedy="stop them first, or set force to true",
        )

    def _require_usable_folders(self) -> None:
        require_usable(self._layout.base, "prefix", executable=True)
        require_usable(self._layout.commands, "prefix")
        require_usable(self._layout.plugins, "prefix")
        for folder in self._request.cni_bin_dirs:
            require_usable(folder, "cni_bin_dirs")

    def _install(self, desired: Desired, decision: Decision) -> Decision:
        """Do what was decided, and return it with the links that were made.

        Until the switch what served before serves, and from then on the new generation.
        """
        store, actual = self._store, decision.actual
        store.sweep(actual.leftovers)
        if actual.unpacked is not None:
            self._take_over(actual.unpacked)
        if desired.generation not in actual.generations:
            self._staging.stage(
                desired.generation, lambda folder: self._refuse_exposed(desired, folder, decision.owner)
            )
        links = self._survey.links(desired, actual, decision.owner)
        make_links(links)
        if actual.serves_to_be != desired.generation:
            self._label(desired.generation)
            store.switch(desired.generation, rollback=desired.rollback)
        remove_links(links.remove)
        for name in decision.removable:
            store.remove(name)
        return self._survey.with_links(desired, decision, links)

    def _take_over(self, unpacked: Unpacked) -> None:
        """Make what was unpacked by hand a generation that serves, and only then let its files give way to links."""
        store = self._store
        if unpacked.name not in store.names():
            self._staging.take_over(unpacked)
        if store.current() != unpacked.name:
            self._label(unpacked.name)
            store.switch(unpacked.name)
        let_give_way(unpacked)

    def _label(self, name: str) -> None:
        """Give a generation the labels that the node's SELinux policy has for its paths."""
        if os.path.exists(_SELINUX_MARK):
            folder = self._layout.generation(name)
            completed = self._runner.run(["restorecon", "-R", folder])
            checked(completed, "The generation could not be labelled for SELinux", subject=folder)

    @contextlib.contextmanager
    def _locked(self) -> t.Iterator[None]:
        make_directories(self._layout.base)
        with locked(self._layout.lock, self._request.timeout):
            yield

    @contextlib.contextmanager
    def _changing(self, doing: str) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise disk_error(error, doing, self._layout.prefix) from error

    def _outcome(self, desired: Desired, decision: Decision) -> Outcome:
        links = decision.links or LinkPlan()
        # Only those are linked and skipped at once that an earlier run linked.
        warned = [skipped for skipped in links.skipped if skipped.path in links.right]
        warnings = [f"{skipped.path}: {skipped.reason}" for skipped in warned]
        folder = self._layout.generation(desired.generation)
        exposed = self._exposed(folder, decision.owner) if os.path.isdir(folder) else None
        if exposed and self._request.advisories != "ignore":
            warnings += [f"{sentence} (as of {AS_OF})" for sentence in sentences(exposed)]
        return Outcome(
            plan=decision.plan,
            generation=desired.generation,
            previous_generation=decision.actual.current,
            links=tuple(links.linked),
            skipped=links.skipped,
            kept=decision.kept,
            restarts_needed=self._survey.restarts_needed(desired, decision.running),
            owner=decision.owner,
            exposed=exposed,
            warnings=tuple(warnings),
        )
