# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd's own client, for what moves the bytes of layers or takes more than one call of containerd's interface.

Of its output only exit statuses and errors are read, never a table.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import if_true
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import (
    Completed,
    Runner,
    checked,
)

# What ctr says when the bytes that it was given are not those that the digest and the size promise.
_WRONG_BYTES = ("unexpected commit digest", "unexpected EOF", "unexpected commit size")


class Ctr:
    """``ctr`` against one containerd.

    Args:
        runner: starts the processes.
        address: containerd's socket.
        timeout: seconds that one call may take; no limit by default.
    """

    def __init__(self, runner: Runner, address: str, timeout: int | None = None) -> None:
        self._runner = runner
        self._address = address
        self._timeout = timeout

    def remove_container(self, namespace: str, container: str) -> None:
        """End what runs in *container* and remove it; what is gone already, or goes meanwhile, is no error."""
        for words in (["tasks", "rm", "--force", container], ["containers", "rm", "--keep-snapshot", container]):
            completed = self._run(namespace, words)
            if "not found" not in completed.stderr:
                checked(completed, "A container could not be removed", subject=f"{container} in {namespace}")

    def save_content(self, namespace: str, digest: str, path: str) -> None:
        """Write the blob *digest* to the file *path*."""
        completed = self._run(namespace, ["content", "get", digest], stdout_path=path)
        checked(completed, "A blob could not be read", subject=f"{digest} in {namespace}")

    def ingest(self, namespace: str, digest: str, size: int, path: str) -> bool:
        """Make the blob *digest* visible in *namespace*, out of the file *path*.

        containerd asks for bytes only where its store holds none under that digest, or where its content policy is
        ``isolated``; otherwise the file is measured and not read.

        Each attempt has a key of its own: containerd resumes an ingest of the same key, and would append the right
        bytes to the wrong ones of an attempt that failed.

        Returns:
            False if the file does not hold what the digest promises; nothing changed then.
        """
        promise = ["--expected-digest", digest, "--expected-size", str(size)]
        words = ["content", "ingest", *promise, f"ingest-{os.urandom(16).hex()}"]
        completed = self._run(namespace, words, stdin_path=path)
        if completed.rc != 0 and any(sign in completed.stderr for sign in _WRONG_BYTES):
            return False
        checked(completed, "A blob could not be taken into the store", subject=f"{digest} in {namespace}")
        return True

    def unpack_image(
        self, namespace: str, archive: bytes, *, snapshotter: str, platform: Platform | None, subject: str
    ) -> None:
        """Unpack an image whose layers *namespace* holds.

        ctr does that as the end of an import, so the image's documents are imported once more, without its layers.

        Args:
            namespace: where it is.
            archive: an OCI archive of its documents, small enough for memory.
            snapshotter: into which.
            platform: what to unpack; None: all that the image serves.
            subject: the image's name, for the message if it fails.
        """
        which = ["--all-platforms"] if platform is None else ["--platform", platform.format()]
        words = ["images", "import", "--snapshotter", snapshotter, *which, "-"]
        completed = self._run(namespace, words, data=archive)
        checked(completed, "The image could not be unpacked", subject=f"{subject} in {namespace}")

    def export_images(
        self, namespace: str, names: t.Sequence[str], path: str, *, platform: Platform | None, for_docker: bool
    ) -> Completed:
        """Write images to an OCI archive at *path*, whatever stands there.

        The client itself reads and writes. Through containerd's transfer service, the default of ctr 2, it may end
        before it has written all, with success (2.2.1).

        Args:
            namespace: where they are.
            names: the images.
            path: the archive.
            platform: whose manifests and layers to write; None: all.
            for_docker: add the ``manifest.json`` that Docker's tools look for.
        """
        which = ["--all-platforms"] if platform is None else ["--platform", platform.format()]
        flags = [*which, *if_true("--skip-manifest-json", not for_docker)]
        completed = self._run(namespace, ["images", "export", "--local", *flags, path, *names])
        return checked(completed, "The images could not be exported", subject=f"{', '.join(names)} in {namespace}")

    def _run(self, namespace: str, words: list[str], **streams: t.Any) -> Completed:
        argv = ["ctr", "--address", self._address, "--namespace", namespace, *words]
        return self._runner.run(argv, timeout=self._timeout, **streams)
