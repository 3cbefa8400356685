# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes images of a namespace to an archive, if the archive that is there holds something else.

The archive is written beside its place and proven before one rename puts it there: whoever reads meanwhile reads the
old archive, and a failed export leaves it. ``ctr`` itself empties the file first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import stat
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import (
    disk_error,
    require_space,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    Refused,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_lock import image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._image_origin import (
    image_not_whole,
    image_of_namespace,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageState, ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._output_place import put_file_in_place
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import redact

_TEMPORARY_SUFFIX = ".nephoran-export"


@dataclasses.dataclass(frozen=True)
class ExportRequest:
    """An archive that is to hold images.

    Attributes:
        namespace: where the images are.
        references: the images.
        path: the archive.
        platform: the platform that it must serve; None: all that the images name.
        for_docker: whether Docker's tools must be able to load it.
        force: write it again though it holds the images, and over what is no image archive.
    """

    namespace: str
    references: tuple[Reference, ...]
    path: str
    platform: Platform | None
    for_docker: bool = False
    force: bool = False


@dataclasses.dataclass(frozen=True)
class Held:
    """What an archive holds.

    Attributes:
        images: the digests of its images, by their names.
        blobs: digests of those blobs of the wanted images that it holds.
        for_docker: whether Docker's tools can load it.
    """

    images: t.Mapping[str, str]
    blobs: frozenset[Digest]
    for_docker: bool


@dataclasses.dataclass(frozen=True)
class Observed:
    """The state of things before an export.

    Attributes:
        wanted: the images in their namespace.
        there: what the archive holds that is there; None if none is, or none that can be read.
        trouble: why it cannot be read; empty if it can, or if nothing is there.
    """

    wanted: tuple[ImageState, ...]
    there: Held | None
    trouble: str = ""

    @property
    def digests(self) -> dict[str, str]:
        """The digests of the wanted images, by their names."""
        return {state.record.name: state.digest for state in self.wanted}

    @property
    def blobs(self) -> frozenset[Digest]:
        """All that the wanted images consist of."""
        return frozenset(each.digest for state in self.wanted if state.blobs for each in state.blobs.needed)


@dataclasses.dataclass(frozen=True)
class Exported:
    """What came of it.

    Attributes:
        plan: what had to happen.
        digests: the digests of the archive's images, by their names.
        command: the tool's command line; empty if nothing was written.
    """

    plan: Plan
    digests: t.Mapping[str, str]
    command: tuple[str, ...] = ()


class ImageExporter:
    """Observes, plans and applies exports out of one store."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def run(self, request: ExportRequest, *, check: bool = False) -> Exported:
        """Write the archive if it holds something else, or only say it if *check*.

        Raises:
            NotFound: there is no such namespace, or no such image in it.
            IntegrityError: the namespace does not hold all of an image, or the archive did not come out as it should.
            Refused: something stands at the path that is no image archive, and the request is not forced.
            InvalidInput: the path cannot be used.
            Unavailable: the disk is full or refuses.
            Whatever is raised, what stands at the path is what stood there.
        """
        if check:
            observed = self.observe(request)
            return Exported(self.plan(request, observed), observed.digests)
        with image_lock("export", request.path):
            observed = self.observe(request)
            plan = self.plan(request, observed)
            command = self._write(request, observed) if plan.changed else ()
        return Exported(plan, observed.digests, command)

    def observe(self, request: ExportRequest) -> Observed:
        """Return the state of things; errors as of :meth:`run`."""
        _require_place(request.path)
        wanted = []
        for reference in request.references:
            state = image_of_namespace(self._store, request.namespace, reference, request.platform)
            if not state.complete:
                raise image_not_whole(state, request.platform)
            wanted.append(state)
        observed = Observed(tuple(wanted), None)
        if not os.path.lexists(request.path):
            return observed
        try:
            return dataclasses.replace(observed, there=read_held(request.path, observed.blobs))
        except (IntegrityError, InvalidInput) as error:
            if isinstance(error, InvalidInput) and not request.force:
                raise Refused(
                    "Something stands there that is no image archive, and is not overwritten",
                    subject=f"{request.path} ({error.message})",
                    remedy="correct the path, or set force",
                ) from error
            return dataclasses.replace(observed, trouble=error.message)

    @staticmethod
    def plan(request: ExportRequest, observed: Observed) -> Plan:
        """Return what must happen; pure."""
        there = observed.there
        why = _why(request, observed)
        before: dict[str, t.Any] = {"present": there is not None or bool(observed.trouble)}
        if there is not None:
            before.update(images=dict(there.images), for_docker=there.for_docker)
        after = {"present": True, "images": observed.digests, "for_docker": request.for_docker}
        actions = (Action("write", request.path, why),) if why else ()
        return Plan(actions, {request.path: before}, {request.path: after})

    def _write(self, request: ExportRequest, observed: Observed) -> tuple[str, ...]:
        folder, name = os.path.split(request.path)
        sizes = {each.digest: each.size for state in observed.wanted if state.blobs for each in state.blobs.needed}
        # The same name each time, so that what a task left that was killed is written over.
        temporary = os.path.join(folder, f".{name}{_TEMPORARY_SUFFIX}")
        names = [state.record.name for state in observed.wanted]
        try:
            require_space(folder, sum(sizes.values()), "the archive")
            _remove(temporary)
            # Nobody else may read it before it has the mode that it is to have.
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
            completed = self._store.ctr.export_images(
                request.namespace, names, temporary, platform=request.platform, for_docker=request.for_docker
            )
            _require_as_wanted(read_held(temporary, observed.blobs), request, observed)
            put_file_in_place(temporary, request.path)
        except OSError as error:
            raise disk_error(error, "writing the archive", folder) from error
        finally:
            _remove(temporary)
        return tuple(redact(completed.argv))


def read_held(path: str, blobs: t.Iterable[Digest]) -> Held:
    """Return what the archive at *path* holds, and which of *blobs*.

    Raises:
        InvalidInput: it is no image archive.
        IntegrityError: it is damaged.
    """
    with ImageArchive.open(path) as archive:
        named = {name.containerd_name: str(image.root.digest) for image in archive.images for name in image.names}
        unnamed = {f"image {number}": "" for number, image in enumerate(archive.images) if not image.names}
        return Held({**named, **unnamed}, frozenset(filter(archive.has, blobs)), archive.for_docker)


def _why(request: ExportRequest, observed: Observed) -> str:
    there, wanted = observed.there, observed.digests
    if observed.trouble:
        return f"unreadable: {observed.trouble}"
    if there is None:
        return "absent"
    moved = [
        f"{name}: {there.images[name]} → {wanted[name]}"
        for name in wanted
        if there.images.get(name, wanted[name]) != wanted[name]
    ]
    added = [f"{name} added" for name in wanted if name not in there.images]
    gone = [f"{name} dropped" for name in there.images if name not in wanted]
    if moved or added or gone:
        return "; ".join([*moved, *added, *gone])
    missing = sorted(str(digest) for digest in observed.blobs - there.blobs)
    if missing:
        return f"incomplete: {', '.join(missing)}"
    if there.for_docker != request.for_docker:
        return "format"
    return "forced" if request.force else ""


def _require_as_wanted(made: Held, request: ExportRequest, observed: Observed) -> None:
    wanted = Held(observed.digests, observed.blobs, request.for_docker)
    if made != wanted:
        raise IntegrityError(
            "The archive did not come out as it should, and was not put in its place",
            subject=f"{request.path}: it has {', '.join(f'{name} {digest}' for name, digest in made.images.items())}",
            expected=", ".join(f"{name} {digest}" for name, digest in observed.digests.items()),
            remedy="see whether somebody moves the names meanwhile, then run the task again",
        )


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _require_place(path: str) -> None:
    if not os.path.isabs(path) or not path.isprintable():
        raise InvalidInput("Not the path of an archive", subject=f"path: {path!r}", expected="an absolute path")
    if not os.path.isdir(os.path.dirname(path)):
        raise InvalidInput(
            "The folder for the archive does not exist", subject=os.path.dirname(path), remedy="make it first"
        )
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise InvalidInput(
            "Something stands there that is no file", subject=path, remedy="correct the path, or move it away"
        )
