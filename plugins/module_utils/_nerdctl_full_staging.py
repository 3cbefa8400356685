# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes generations out of archives, out of sight: what is put among the generations is whole, proven and durable."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import DIRECTORY_MODE
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import (
    open_archive,
    parse_checksum,
    unpack,
    verify_checksum,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import GenerationStore, version_of
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_request import (
    ArchiveNeeded,
    Request,
    Source,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._overlays import Overlay, lay_over, write_lists
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._unpacked import Unpacked, copy_unpacked

Judge = t.Callable[[str], None]
"""Called with the folder of what is about to become a generation; raises to refuse it."""

Fetch = t.Callable[[str, str], None]
"""Writes the content of an address to a new file."""


def fetch_over_http(url: str, path: str) -> None:
    """Fetch as ``Downloader`` does."""
    # What talks to servers takes as long to load as all the rest, and most tasks fetch nothing.
    from ansible_collections.nephoran.container_build.plugins.module_utils._download import (  # noqa: PLC0415
        Downloader,
    )

    Downloader().fetch(url, path)


class Staging:
    """Makes generations. Whoever uses it holds the lock of the layout.

    Args:
        store: where they are put.
        request: what the user asked for.
        fetch: fetches archives, over HTTP if left out.
    """

    def __init__(self, store: GenerationStore, request: Request, fetch: Fetch | None = None) -> None:
        self._store = store
        self._request = request
        self._fetch = fetch or fetch_over_http

    def require_archives(self, name: str, *, prove: bool) -> None:
        """Check that there is an archive for the generation *name* and for each overlay, before anything is touched.

        Args:
            name: the generation.
            prove: whether to read those on this node, and to compare their checksums.

        Raises:
            ArchiveNeeded: one was not given.
            IntegrityError: one has another checksum.
        """
        request = self._request
        missing = [f" for {each.overlay}" for each in request.overlays if not each.source.is_given]
        if not request.source.is_given:
            missing.insert(0, "")
        if missing:
            raise ArchiveNeeded(
                f"The generation is not on this node, and no archive was given{missing[0]}",
                subject=self._store.layout.generation(name),
                remedy="give src or url",
            )
        if prove:
            self._prove(request.source, parse_checksum(request.checksum))
            for each in request.overlays:
                self._prove(each.source, each.overlay.checksum)

    def stage(self, name: str, judge: Judge) -> None:
        """Make the generation *name* of the archive and the overlays that were asked for.

        Raises:
            ContainerBuildError: it cannot be made; nothing is left of the attempt.
        """
        request = self._request
        architecture = Platform.host().architecture
        with self._tree() as tree:
            with self._opened(request.source, tree) as (archive, source):
                checksum = parse_checksum(request.checksum)
                verify_checksum(archive, checksum, source)
                unpack(archive, checksum, version_of(name), architecture, tree, source)
            brought: dict[Overlay, dict[str, str]] = {}
            for each in request.overlays:
                scratch = os.path.join(os.path.dirname(tree), f"overlay-{each.overlay.component}")
                os.mkdir(scratch, 0o700)
                with self._opened(each.source, tree) as (archive, source):
                    brought[each.overlay] = lay_over(tree, each.overlay, archive, architecture, scratch, source)
            if brought:
                write_lists(tree, brought)
            judge(tree)
            self._store.adopt(tree, name)

    def take_over(self, unpacked: Unpacked) -> None:
        """Make a generation of what somebody unpacked by hand."""
        with self._tree() as tree:
            copy_unpacked(unpacked, self._store.layout.prefix, tree)
            self._store.adopt(tree, unpacked.name)

    @contextlib.contextmanager
    def _tree(self) -> t.Iterator[str]:
        """Give an empty folder that can become a generation, in a folder that is gone afterwards."""
        with self._store.staging() as staging:
            tree = os.path.join(staging, "tree")
            os.mkdir(tree)
            os.chmod(tree, DIRECTORY_MODE)
            yield tree

    @contextlib.contextmanager
    def _opened(self, source: Source, tree: str) -> t.Iterator[tuple[t.BinaryIO, str]]:
        """Open an archive, fetched first if it has an address; give it with its name for messages."""
        path = source.src
        if source.url is not None:
            path = os.path.join(os.path.dirname(tree), "archive")
            self._fetch(source.url, path)
        if path is None:
            raise ArchiveNeeded("The generation was removed meanwhile", remedy="give src or url")
        with open_archive(path) as archive:
            yield archive, source.shown
        if source.url is not None:
            os.unlink(path)

    def _prove(self, source: Source, checksum: Digest) -> None:
        if source.src is not None and source.src_on_node:
            with open_archive(source.src) as archive:
                verify_checksum(archive, checksum, source.shown)
