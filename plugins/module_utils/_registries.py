# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that tell containerd, nerdctl, BuildKit's clients and buildah about registries."""

from __future__ import annotations

import dataclasses
import os
import ssl
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._docker_credentials import merge_credentials
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import (
    SECRET_MODE,
    FileState,
    ManagedFile,
    make_folder,
    read_file,
    remove_file,
    text_diff,
    write_file,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._owned_files import (
    PRIVATE_FOLDER_MODE,
    RECORD_FOLDER,
    FileSetPlan,
    Record,
    apply_files,
    find_files,
    plan_files,
    read_record,
    write_record,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_hosts import (
    Authority,
    Credentials,
    Registry,
    containers_registries,
    hosts_of,
    hosts_toml,
)

CONTAINERS_PATH = "/etc/containers/registries.conf.d/50-nephoran.conf"


@dataclasses.dataclass(frozen=True)
class RegistriesSpec:
    """What should be said of registries, and where.

    Attributes:
        registries: the registries.
        search: where buildah looks for a name without a registry.
        hosts_folder: where containerd looks for its ``hosts.toml`` files.
        docker_config: the ``config.json`` that holds credentials.
        root: a folder that stands for the file system's root.
    """

    registries: tuple[Registry, ...]
    search: tuple[str, ...]
    hosts_folder: str
    docker_config: str
    root: str = ""

    @property
    def record_path(self) -> str:
        """Where the record of earlier runs lies."""
        return f"{self.root}{RECORD_FOLDER}/registries.json"


@dataclasses.dataclass(frozen=True)
class RegistriesPlan:
    """What makes the files what they should be.

    Attributes:
        files: those that are ours alone.
        credentials: the content of ``config.json``, if that has to change.
        remove_credentials: whether ``config.json`` has to go: nothing else was in it.
        record: what is on the node once the plan was applied.
        actions: the steps, in order.
        diffs: what Ansible shows with ``--diff``.
        warnings: what could not be foreseen in check mode.
    """

    files: FileSetPlan
    record: Record
    credentials: ManagedFile | None = None
    remove_credentials: bool = False
    actions: tuple[Action, ...] = ()
    diffs: tuple[dict[str, t.Any], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether applying the plan moves anything."""
        return bool(self.actions)

    def action_lines(self) -> list[str]:
        """Return the actions as sentences, in order."""
        return [str(action) for action in self.actions]


class RegistriesManager:
    """Finds out what is said of registries and makes it what should be said."""

    def __init__(self, spec: RegistriesSpec) -> None:
        self._spec = spec

    def plan(self, *, check_mode: bool) -> RegistriesPlan:
        """Return what has to change.

        In check mode a file that holds an authority's certificates may be missing: an earlier task may only have
        predicted it.

        Raises:
            NotFound: a file that holds an authority's certificates is missing.
            InvalidInput: it holds none, or something that is not a file stands where one belongs.
            IntegrityError: the record of earlier runs or ``config.json`` cannot be read.
        """
        record = read_record(self._spec.record_path)
        wanted = self._hosts_files()
        warnings: list[str] = []
        for path, authority in self._authorities().items():
            missing = _missing(authority)
            if missing is None:
                wanted.append(ManagedFile(path, _certificates(authority)))
            elif check_mode:
                warnings.append(str(missing))
            else:
                raise missing
        containers = containers_registries(self._spec.registries, self._spec.search)
        if containers is not None:
            wanted.append(ManagedFile(f"{self._spec.root}{CONTAINERS_PATH}", containers))
        files = plan_files(wanted, find_files(wanted, record), record)
        return self._with_credentials(files, record, wanted, tuple(warnings))

    def apply(self, plan: RegistriesPlan) -> None:
        """Carry out *plan*.

        Raises:
            Unavailable: the file system refuses.
        """
        record = read_record(self._spec.record_path)
        write_record(self._spec.record_path, record.merged(plan.record))
        apply_files(plan.files)
        if plan.credentials is not None:
            make_folder(os.path.dirname(plan.credentials.path), PRIVATE_FOLDER_MODE)
            write_file(plan.credentials.path, plan.credentials.text, plan.credentials.mode)
        if plan.remove_credentials:
            remove_file(self._spec.docker_config)
        write_record(self._spec.record_path, plan.record)

    def _hosts_files(self) -> list[ManagedFile]:
        headers = _in_hosts_toml(self._spec.registries)
        files: list[ManagedFile] = []
        for registry in self._spec.registries:
            text = hosts_toml(registry, headers)
            if text is None:
                continue
            endpoints = {registry.name, *(mirror.host.name for mirror in registry.mirrors)}
            secret = bool(endpoints & set(headers))
            path = os.path.join(self._spec.hosts_folder, registry.name, "hosts.toml")
            files.append(ManagedFile(path, text, SECRET_MODE, secret=True) if secret else ManagedFile(path, text))
        return files

    def _authorities(self) -> dict[str, Authority]:
        return {
            f"{self._spec.root}{host.certificate_path}": host.authority
            for host in hosts_of(self._spec.registries).values()
            if host.authority is not None
        }

    def _with_credentials(
        self, files: FileSetPlan, record: Record, wanted: t.Sequence[ManagedFile], warnings: tuple[str, ...]
    ) -> RegistriesPlan:
        path = self._spec.docker_config
        auths = {
            registry.credentials_key: registry.credentials.basic
            for registry in self._spec.registries
            if registry.credentials is not None
        }
        unwanted = [key for key in record.credentials if key not in auths]
        state = read_file(path)
        text = merge_credentials(state.text if state else None, auths, unwanted, path)
        file = ManagedFile(path, text, SECRET_MODE, secret=True) if text is not None else None
        actions = list(files.plan.actions)
        diffs = list(files.diffs)
        why = _credentials_change(state, file, auths, record)
        if why:
            actions.append(Action("write" if file else "remove", path, why))
            diffs.append(text_diff(path, state, file, secret=True))
        elif unwanted:
            actions.append(Action("forget", f"credentials of {', '.join(unwanted)}", "they are gone already"))
        return RegistriesPlan(
            files=files,
            record=Record(tuple(sorted(one.path for one in wanted)), tuple(sorted(auths))),
            credentials=file if why else None,
            remove_credentials=bool(why) and file is None,
            actions=tuple(actions),
            diffs=tuple(diffs),
            warnings=warnings,
        )


def _in_hosts_toml(registries: t.Iterable[Registry]) -> dict[str, Credentials]:
    return {
        registry.name: registry.credentials
        for registry in registries
        if registry.credentials is not None and registry.credentials.in_hosts_toml
    }


def _credentials_change(
    state: FileState | None, file: ManagedFile | None, auths: t.Mapping[str, str], record: Record
) -> str:
    """Return why ``config.json`` has to be written; empty if it has not."""
    if (state.text if state else None) != (file.text if file else None):
        keys = sorted({*auths, *record.credentials})
        return f"credentials of {', '.join(keys)}"
    if auths and file is not None and not file.is_met_by(state):
        return "mode or owner"
    return ""


def _missing(authority: Authority) -> NotFound | None:
    if authority.path is None or os.path.exists(authority.path):
        return None
    return NotFound(
        "The file with the certificates of an authority is not on the node",
        subject=authority.path,
        remedy="copy it there before the role runs, or give the certificates themselves in ca",
    )


def _certificates(authority: Authority) -> str:
    state = read_file(os.path.realpath(authority.path)) if authority.path is not None else None
    text = (state.text if state is not None else authority.pem or "").strip() + "\n"
    if "PRIVATE KEY" in text:
        raise InvalidInput(
            "This is no list of certificates alone: a private key is in it",
            subject=authority.path or "ca",
            remedy="give the certificates without the key",
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidInput(
            f"There is no certificate that can be read ({error})",
            subject=authority.path or "ca",
            expected="one or more blocks from BEGIN CERTIFICATE to END CERTIFICATE",
        ) from error
    return text
