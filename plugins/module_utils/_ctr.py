# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd's own client. Only its documents, its ``-q`` lists and its exit statuses are read, never a table."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import if_true
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import (
    Completed,
    Runner,
    checked,
    failure,
)

# What ctr says when the bytes that it was given are not those that the digest and the size promise.
_WRONG_BYTES = ("unexpected commit digest", "unexpected EOF", "unexpected commit size")


class BlobMissing(NotFound):
    """A namespace does not hold a blob that something in it refers to.

    Attributes:
        digest: the blob's digest.
    """

    def __init__(self, namespace: str, digest: str) -> None:
        super().__init__(
            "The namespace does not hold a blob",
            subject=f"{digest} in {namespace}",
            remedy="build, import or pull the image again",
        )
        self.digest = digest


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

    def namespaces(self) -> list[str]:
        """Return the names of all namespaces."""
        completed = self._run(None, ["namespaces", "ls", "-q"])
        return checked(completed, "The namespaces could not be listed", subject=self._address).text.split()

    def remove_namespace(self, namespace: str) -> bool:
        """Remove *namespace*, unless something is in it.

        Returns:
            False if something is; it stays then.
        """
        completed = self._run(None, ["namespaces", "rm", namespace])
        if "must be empty" in completed.stderr:
            return False
        if "not found" not in completed.stderr:
            checked(completed, "The namespace could not be removed", subject=namespace)
        return True

    def image_names(self, namespace: str, *filters: str) -> list[str]:
        """Return the names of the images in *namespace* that match one of *filters*, all without a filter."""
        completed = self._run(namespace, ["images", "ls", "-q", *filters])
        return checked(completed, "The images could not be listed", subject=f"namespace {namespace}").text.splitlines()

    def container_ids(self, namespace: str, images: t.Iterable[str]) -> list[str]:
        """Return the ids of the containers in *namespace* that were made from one of the names *images*."""
        filters = [f"image=={name}" for name in images]
        if not filters:
            return []
        completed = self._run(namespace, ["containers", "ls", "-q", *filters])
        return checked(completed, "The containers could not be listed", subject=f"namespace {namespace}").text.split()

    def remove_container(self, namespace: str, container: str) -> None:
        """End what runs in *container* and remove it; what is gone already, or goes meanwhile, is no error."""
        for words in (["tasks", "rm", "--force", container], ["containers", "rm", "--keep-snapshot", container]):
            completed = self._run(namespace, words)
            if "not found" not in completed.stderr:
                checked(completed, "A container could not be removed", subject=f"{container} in {namespace}")

    def content_digests(self, namespace: str) -> frozenset[str]:
        """Return the digests of all blobs that *namespace* holds."""
        completed = self._run(namespace, ["content", "ls", "-q"])
        checked(completed, "The content could not be listed", subject=f"namespace {namespace}")
        return frozenset(completed.text.split())

    def read_content(self, namespace: str, digest: str) -> bytes:
        """Return the blob *digest*; for documents, not for layers.

        Raises:
            BlobMissing: the namespace does not hold it.
        """
        completed = self._run(namespace, ["content", "get", digest])
        if completed.rc != 0 and "not found" in completed.stderr:
            raise BlobMissing(namespace, digest)
        return checked(completed, "A blob could not be read", subject=f"{digest} in {namespace}").stdout

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

    def import_archive(
        self,
        namespace: str,
        archive: bytes,
        *,
        labels: t.Mapping[str, str] | None = None,
        unpack: bool = False,
        snapshotter: str | None = None,
        platform: Platform | None = None,
        subject: str,
    ) -> None:
        """Create or update image records out of an OCI archive.

        The record gets its target and *labels* in one transaction.

        Args:
            namespace: where to.
            archive: the tar, small enough for memory: documents without layers.
            labels: what the record's labels are to be.
            unpack: whether to unpack the image of *platform* into *snapshotter*.
            snapshotter: containerd's default if none is given.
            platform: whose documents to keep; None: those of all platforms.
            subject: the image's name, for the message if it fails.
        """
        words = ["images", "import"]
        if not unpack:
            words.append("--no-unpack")
        elif snapshotter:
            words += ["--snapshotter", snapshotter]
        words += ["--all-platforms"] if platform is None else ["--platform", platform.format()]
        for key, value in sorted((labels or {}).items()):
            words += ["--label", f"{key}={value}"]
        completed = self._run(namespace, [*words, "-"], data=archive)
        checked(completed, "The image could not be imported", subject=f"{subject} into {namespace}")

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

    def name_image(self, namespace: str, known: str, name: str) -> bool:
        """Give the image that is *known* by one name another one, *name*, with no labels of its own, in one step.

        Returns:
            False if there is an image of that name already, which stays. ctr 2 itself would put the new one in its
            place without a word; ctr 1.7 would do so in two steps if it were forced to.
        """
        completed = self._run(namespace, ["images", "tag", known, name])
        if completed.rc != 0 and "already exists" in completed.stderr:
            return False
        checked(completed, "The image could not be named", subject=f"{name} in {namespace}")
        return True

    def label_image(self, namespace: str, name: str, labels: t.Mapping[str, str]) -> None:
        """Set *labels* on the image's record and leave its others."""
        words = [f"{key}={value}" for key, value in sorted(labels.items())]
        completed = self._run(namespace, ["images", "label", name, *words])
        checked(completed, "The image's labels could not be set", subject=f"{name} in {namespace}")

    def remove_image(self, namespace: str, name: str, *, missing_ok: bool = False, wait: bool = False) -> None:
        """Remove the image's record; containerd's garbage collection frees what nothing else references.

        Args:
            namespace: where it is.
            name: its name.
            missing_ok: accept that there is none.
            wait: return only when the garbage is collected.
        """
        completed = self._run(namespace, ["images", "rm", *if_true("--sync", wait), name])
        if missing_ok and "not found" in completed.stderr:
            return
        checked(completed, "The image could not be removed", subject=f"{name} in {namespace}")

    def snapshot_exists(self, namespace: str, snapshotter: str, key: str) -> bool:
        """Tell whether *snapshotter* holds the snapshot *key*: an image is unpacked if it holds its chain id."""
        completed = self._run(namespace, ["snapshots", "--snapshotter", snapshotter, "info", key])
        if completed.rc == 0:
            return True
        if "not found" in completed.stderr or "does not exist" in completed.stderr:
            return False
        raise failure(completed, "A snapshot could not be looked up", subject=f"{key} in {namespace}")

    def _run(self, namespace: str | None, words: list[str], **streams: t.Any) -> Completed:
        argv = ["ctr", "--address", self._address]
        if namespace is not None:
            argv += ["--namespace", namespace]
        return self._runner.run([*argv, *words], timeout=self._timeout, **streams)
