# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of files that a role owns: those that should be, and those of earlier runs that should be no longer.

A record on the node names them. It is written before the files and struck down after them, so that it never names fewer
than there are, whenever a run is killed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import (
    SECRET_MODE,
    FileState,
    ManagedFile,
    file_begins_with,
    make_folder,
    read_file,
    remove_empty_folder,
    remove_file,
    text_diff,
    write_file,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan

RECORD_FOLDER = "/var/lib/nephoran-container-build"
PRIVATE_FOLDER_MODE = 0o700


@dataclasses.dataclass(frozen=True)
class Record:
    """What earlier runs left on the node.

    Attributes:
        files: the paths of the files that they wrote.
        credentials: the keys that they wrote into Docker's ``config.json``.
    """

    files: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()

    def merged(self, other: Record) -> Record:
        """Return what stands in this record, in *other* or in both."""
        return Record(
            tuple(sorted({*self.files, *other.files})),
            tuple(sorted({*self.credentials, *other.credentials})),
        )


@dataclasses.dataclass(frozen=True)
class FileSetPlan:
    """What makes the files what they should be.

    Attributes:
        plan: the same as actions.
        write: the files to write.
        remove: the paths to remove.
        diffs: what Ansible shows with ``--diff``.
    """

    plan: Plan = dataclasses.field(default_factory=Plan)
    write: tuple[ManagedFile, ...] = ()
    remove: tuple[str, ...] = ()
    diffs: tuple[dict[str, t.Any], ...] = ()


@dataclasses.dataclass(frozen=True)
class FileSet:
    """The files that a role owns under a name, and the record of them.

    Attributes:
        name: the name of the set, which is that of the record.
        wanted: the files that should be.
        paths: the paths at which an earlier run may have written a file of the set.
        marker: what a file begins with at one of *paths* to count as written by an earlier run, if anything does.
        keep: the paths of files that stay if an earlier run wrote them, though they are not wanted.
        record_folder: where the record lies.
    """

    name: str
    wanted: tuple[ManagedFile, ...]
    paths: tuple[str, ...] = ()
    marker: str | None = None
    keep: tuple[str, ...] = ()
    record_folder: str = RECORD_FOLDER

    def plan(self) -> FileSetPlan:
        """Return what makes the files what they should be.

        Raises:
            ContainerBuildError: the record or a file cannot be read, or something that is no file stands there.
        """
        known = self._known(read_record(self._record_path))
        return plan_files(self.wanted, find_files(self.wanted, known), known, keep=self._kept(known))

    def apply(self, plan: FileSetPlan) -> None:
        """Carry out *plan*, which ``plan`` returned, and have the record name what is left.

        Raises:
            ContainerBuildError: the file system refuses.
        """
        recorded = read_record(self._record_path)
        known = self._known(recorded)
        after = Record(tuple(sorted({*self._kept(known), *(file.path for file in self.wanted)})))
        # That a record has to be written again is nothing that a user could observe.
        if plan.plan.changed or recorded != after:
            write_record(self._record_path, known.merged(after))
            apply_files(plan)
            write_record(self._record_path, after)

    @property
    def _record_path(self) -> str:
        return os.path.join(self.record_folder, f"{self.name}.json")

    def _known(self, recorded: Record) -> Record:
        return with_marked(recorded, self.paths, self.marker)

    def _kept(self, known: Record) -> set[str]:
        return {path for path in self.keep if path in known.files}


def plan_files(
    wanted: t.Sequence[ManagedFile],
    found: t.Mapping[str, FileState | None],
    record: Record,
    *,
    keep: t.Collection[str] = (),
) -> FileSetPlan:
    """Return what makes *found* what is *wanted*.

    Args:
        wanted: the files that should be.
        found: the files that are, by path: those wanted and those of the record.
        record: the files of earlier runs.
        keep: the paths of those among them that stay though they are not wanted.
    """
    write = [file for file in wanted if not file.is_met_by(found.get(file.path))]
    paths = {*keep, *(file.path for file in wanted)}
    remove = [path for path in record.files if path not in paths and found.get(path) is not None]
    adopted = [file.path for file in wanted if file not in write and file.path not in record.files]
    actions = [Action("write", file.path, _why(file, found.get(file.path))) for file in write]
    actions.extend(Action("adopt", path, "it is as it should be") for path in adopted)
    actions.extend(Action("remove", path, "not asked for any longer") for path in remove)
    gone = [path for path in record.files if path not in paths and found.get(path) is None]
    actions.extend(Action("forget", path, "it is gone already") for path in gone)
    diffs = [text_diff(file.path, found.get(file.path), file, secret=_is_secret(file, found)) for file in write]
    for path in remove:
        state = found[path]
        secret = state is not None and state.mode & 0o077 == 0
        diffs.append(text_diff(path, state, None, secret=secret))
    return FileSetPlan(Plan(tuple(actions)), tuple(write), tuple(remove), tuple(diffs))


def with_marked(record: Record, paths: t.Iterable[str], marker: str | None) -> Record:
    """Return *record* with those of *paths* at which a file stands that begins with *marker*, if there is one.

    Raises:
        Unavailable: a file cannot be read.
    """
    return record.merged(Record(tuple(path for path in paths if marker and file_begins_with(path, marker))))


def find_files(wanted: t.Iterable[ManagedFile], record: Record) -> dict[str, FileState | None]:
    """Return the files that are, by path: those *wanted* and those of *record*."""
    return {path: read_file(path) for path in sorted({*(file.path for file in wanted), *record.files})}


def apply_files(plan: FileSetPlan) -> None:
    """Write and remove what *plan* says; folders that are empty then go too.

    Raises:
        Unavailable: the file system refuses.
    """
    for file in plan.write:
        write_file(file.path, file.text, file.mode)
    for path in plan.remove:
        remove_file(path)
        remove_empty_folder(os.path.dirname(path))


def read_record(path: str) -> Record:
    """Return the record at *path*; an empty one if there is none.

    Raises:
        IntegrityError: what stands there is no record.
    """
    state = read_file(path)
    if state is None:
        return Record()
    try:
        document = json.loads(state.text)
        return Record(
            tuple(str(item) for item in document["files"]),
            tuple(str(item) for item in document["credentials"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "The record of the files that were written earlier cannot be read",
            subject=path,
            expected="the JSON that this collection writes there",
            remedy="move it away; files that are not asked for any longer then stay, and are yours to remove",
        ) from error


def write_record(path: str, record: Record) -> None:
    """Put *record* at *path*, unless it stands there; an empty one is no file."""
    if record == read_record(path):
        return
    if record == Record():
        remove_file(path)
        return
    make_folder(os.path.dirname(path), PRIVATE_FOLDER_MODE)
    write_file(path, json.dumps(dataclasses.asdict(record), indent=2, sort_keys=True) + "\n", SECRET_MODE)


def _why(file: ManagedFile, state: FileState | None) -> str:
    if state is None:
        return "new"
    return "content" if state.text != file.text else "mode or owner"


def _is_secret(file: ManagedFile, found: t.Mapping[str, FileState | None]) -> bool:
    # What is secret no longer was so in the version that the diff would show.
    state = found.get(file.path)
    return file.secret or (state is not None and state.mode & 0o077 == 0)
