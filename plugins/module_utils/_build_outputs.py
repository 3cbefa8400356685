# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders that are made of an image: which of them must be written, and why.

Each output is known by a seal: the SHA-256 of a file, or the digest of a folder's entries with their kinds, modes and
contents. The seal is kept together with the image that the output was made of. So an output that is missing, that
somebody changed, or that was made of another image is found, whatever its kind and its builder.
"""

from __future__ import annotations

import dataclasses
import os
import stat
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_context import (
    HashCache,
    snapshot_folder,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_record import BuildRecords
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    FOLDER_OUTPUT,
    IMAGE_OUTPUT,
    BuiltImage,
    Output,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, Refused
from ansible_collections.nephoran.container_build.plugins.module_utils._file_hashes import hash_files
from ansible_collections.nephoran.container_build.plugins.module_utils._image_lock import image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._output_place import (
    put_file_in_place,
    put_folder_in_place,
    staged,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan

# What records of outputs are kept under; no place of images is called so.
_PLACE = "(output)"
_MISSING = "missing"


class OutputWriter(t.Protocol):
    """Writes files and folders out of an image."""

    def write(self, kind: str, path: str) -> None:
        """Write the image as *kind* to *path*, where nothing is yet; raise what ended that."""


@dataclasses.dataclass(frozen=True)
class DueOutput:
    """An output that has to be written.

    Attributes:
        output: which.
        why: ``missing``, ``changed`` … ; empty if only the image moved.
        seal: of what is there; empty if nothing is.
    """

    output: Output
    why: str
    seal: str

    @property
    def reason(self) -> str:
        """Why, as one of the reasons of a build; empty if the image's own reasons say it."""
        return f"output {self.output.dest} {self.why}" if self.why else ""


class BuildOutputs:
    """Observes, plans and writes the outputs of one build.

    Args:
        outputs: what is asked for; names of images are others' business.
        records: what earlier outputs were made of.
        cache: digests of files from earlier runs.
        only_missing: leave alone what is there, whatever it is.
    """

    def __init__(
        self,
        outputs: t.Sequence[Output],
        records: BuildRecords,
        cache: HashCache | None,
        *,
        only_missing: bool = False,
    ) -> None:
        self._outputs = [output for output in outputs if output.kind != IMAGE_OUTPUT]
        self._records = records
        self._cache = cache
        self._only_missing = only_missing

    def refuse_taken_places(self) -> None:
        """Raise ``Refused`` if something else stands where an output is to be."""
        for output in self._outputs:
            _refuse_what_is_not_ours(output, self._records.load(_PLACE, output.dest) is not None)

    def due(self, image: BuiltImage | None, *, built: bool) -> list[DueOutput]:
        """Return the outputs that must be written for *image* to be in all of them.

        Args:
            image: the image that they are to be made of; None: one that does not exist yet.
            built: whether it was built in this task, or would be, so that an output of the one before is no surprise.

        Raises:
            Refused: something else stands where an output is to be.
        """
        due = []
        for output in self._outputs:
            seal = self._seal(output)
            why = self._why(output, seal, image)
            if why is None:
                continue
            due.append(DueOutput(output, "" if built and why.startswith("made of") else why, seal))
        return due

    @staticmethod
    def plan(due: t.Sequence[DueOutput]) -> Plan:
        """Return what must happen; pure."""
        actions = tuple(Action("write", each.output.dest, each.why or "the image is built") for each in due)
        before = {each.output.dest: {"present": bool(each.seal)} for each in due}
        after = {each.output.dest: {"present": True, "type": each.output.kind} for each in due}
        return Plan(actions, before, after)

    def write(self, due: t.Sequence[DueOutput], image: BuiltImage, writer: OutputWriter) -> bool:
        """Write the outputs, and tell whether any of them is something else now.

        Raises:
            ContainerBuildError: one could not be written. It is what it was then; those before it are written.
        """
        moved = [self._write(each, image, writer) for each in due]
        return any(moved)

    def _write(self, due: DueOutput, image: BuiltImage, writer: OutputWriter) -> bool:
        output = due.output
        with image_lock("output", output.dest), staged(output.dest) as temporary:
            writer.write(output.kind, temporary)
            seal = _seal_of(output.kind, temporary, None)
            if not seal:
                raise IntegrityError(
                    "The builder reported success, but there is no output",
                    subject=output.dest,
                    remedy="see whether something removes files there, then run the task again",
                )
            if seal != due.seal:
                _refuse_what_is_not_ours(output, bool(due.seal))
                place = put_folder_in_place if output.kind == FOLDER_OUTPUT else put_file_in_place
                place(temporary, output.dest)
        document = {"type": output.kind, "seal": seal, "image": list(image.identity)}
        self._records.save(_PLACE, output.dest, document)
        return seal != due.seal

    def _seal(self, output: Output) -> str:
        known = self._records.load(_PLACE, output.dest) is not None
        _refuse_what_is_not_ours(output, known)
        if not known and os.path.isdir(output.dest):
            # An empty folder that somebody made to be filled is no output yet.
            return ""
        return _seal_of(output.kind, output.dest, self._cache)

    def _why(self, output: Output, seal: str, image: BuiltImage | None) -> str | None:
        if not seal:
            return _MISSING
        if self._only_missing:
            return None
        record = self._records.load(_PLACE, output.dest) or {}
        if record.get("type") != output.kind:
            return "is not known to be of this image"
        if record.get("seal") != seal:
            return "changed"
        if image is None or record.get("image") != list(image.identity):
            return "made of another image"
        return None


def _seal_of(kind: str, path: str, cache: HashCache | None) -> str:
    """Return the seal of what is at *path*; empty if nothing is."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return ""
    if kind == FOLDER_OUTPUT:
        return snapshot_folder(path, cache).digest
    folder, name = os.path.split(path)
    (hashed,) = hash_files(os.fsencode(folder), [(name, status)], cache)
    return f"sha256:{hashed[1]}" if hashed[1] is not None else ""


def _refuse_what_is_not_ours(output: Output, known: bool) -> None:
    """Raise ``Refused`` if something else stands where the output is to be.

    A folder is replaced as a whole, so one that no output of ours was put into must not hold anything.
    """
    try:
        mode = os.lstat(output.dest).st_mode
    except FileNotFoundError:
        return
    wants_folder = output.kind == FOLDER_OUTPUT
    if wants_folder != stat.S_ISDIR(mode) or not (wants_folder or stat.S_ISREG(mode)):
        raise Refused(
            "Something else stands where an output is to be",
            subject=f"outputs: {output.dest}",
            expected="a folder, or nothing" if wants_folder else "a file, or nothing",
            remedy="correct dest, or move it away",
        )
    if wants_folder and not known and os.listdir(output.dest):
        raise Refused(
            "The folder of an output holds what this module did not write, and is not replaced",
            subject=f"outputs: {output.dest}",
            expected="an empty folder, or none",
            remedy="name a folder that is the output's alone, or empty it",
        )
