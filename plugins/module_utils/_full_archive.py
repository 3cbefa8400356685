# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive ``nerdctl-full``: what it promises, and how it is proven before any of it is used.

Source: the target ``out-full`` of the Dockerfile of github.com/containerd/nerdctl v2.2.1, which lays down ``bin``,
``lib``, ``libexec`` and ``share``, names its own version in ``share/doc/nerdctl-full/README.md``, and lists the sha256
of every file in ``share/doc/nerdctl-full/SHA256SUMS``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import posixpath
import re
import struct
import typing as t
import zlib

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import require_space
from ansible_collections.nephoran.container_build.plugins.module_utils._elf import program_architecture
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._gzip_stream import GZIP_MAGIC, GzipStream
from ansible_collections.nephoran.container_build.plugins.module_utils._tar_extract import Extracted, extract

SUMS_PATH = "share/doc/nerdctl-full/SHA256SUMS"
README_PATH = "share/doc/nerdctl-full/README.md"
OVERLAYS_PATH = "share/doc/nerdctl-full/overlays.json"
"""Which components are not the archive's; only in a generation that something was laid over."""

SERVICES: t.Mapping[str, str] = {
    "bin/buildkitd": "buildkit",
    "bin/containerd": "containerd",
    "bin/containerd-stargz-grpc": "stargz-snapshotter",
    "bin/rootlesskit": "buildkit-rootless",
}
"""The programs that outlive a change of the files they were started from, and the service that each is part of."""

_PIECE_BYTES = 1 << 20
_SUM_LINE = re.compile(r"(?P<hex>[0-9a-f]{64}) [ *](?:\./)?(?P<path>.+)")
_COMPONENT_LINE = re.compile(r"^- (?P<name>[A-Za-z][\w .-]*): v?(?P<version>\d\S*)$", re.MULTILINE)
_HTML = re.compile(rb"\s*(<!doctype html|<html|<head|<!--|<\?xml)", re.IGNORECASE)
_HTML_TITLE = re.compile(rb"<title[^>]*>\s*(.{1,100}?)\s*</title>", re.IGNORECASE | re.DOTALL)
# Folders, links and what the file system itself needs for them.
_ROOM_BESIDE_FILES = 4 << 20


def parse_checksum(text: str | None) -> Digest:
    """Return the digest that the user states for an archive.

    Raises:
        InvalidInput: there is none, or it is no sha256.
    """
    expected = "sha256: and 64 hexadecimal digits, as the release's SHA256SUMS lists them"
    if not text:
        raise InvalidInput(
            "No checksum was given; an archive is never installed unverified",
            subject="option checksum",
            expected=expected,
            remedy="take it from the release's SHA256SUMS",
        )
    digest = Digest.parse(text.strip().lower())
    if digest.algorithm != "sha256":
        raise InvalidInput("The checksum is of another kind", subject=text, expected=expected)
    return digest


def open_archive(path: str) -> t.BinaryIO:
    """Open the archive at *path*.

    Raises:
        NotFound: nothing is there.
        InvalidInput: it is no regular file.
    """
    try:
        archive = open(path, "rb")  # noqa: SIM115 - the caller's `with` closes it
    except FileNotFoundError as error:
        raise NotFound(
            "The archive does not exist on this node",
            subject=path,
            remedy="give the path of a file on this node, or set remote_src to false for one on the controller",
        ) from error
    except IsADirectoryError as error:
        raise InvalidInput("The archive is a folder", subject=path, expected="a file") from error
    return archive


def verify_checksum(archive: t.BinaryIO, checksum: Digest, source: str) -> None:
    """Check that *archive*, read from its start and left there, has *checksum*.

    Raises:
        IntegrityError: it has another; the message says why if the content tells.
    """
    archive.seek(0)
    digest = hashlib.sha256()
    while piece := archive.read(_PIECE_BYTES):
        digest.update(piece)
    if digest.hexdigest() != checksum.encoded:
        raise wrong_checksum(archive, checksum, digest.hexdigest(), source)
    archive.seek(0)


def wrong_checksum(archive: t.BinaryIO, checksum: Digest, found: str, source: str) -> IntegrityError:
    """Return the error for an archive whose sha256 is *found*, with what its content says of the cause."""
    cause, remedy = _cause_of_mismatch(archive)
    return IntegrityError(
        f"The archive's checksum is wrong: {cause}",
        subject=source,
        expected=f"{checksum}; found sha256:{found}",
        remedy=remedy,
    )


def unpack(
    archive: t.BinaryIO, checksum: Digest, version: str, architecture: str, folder: str, source: str
) -> Extracted:
    """Unpack *archive* into the empty folder *folder*, and prove each of its files.

    Args:
        archive: open at its start; its checksum was verified.
        checksum: verified once more over the bytes that are unpacked, since a file can change between two readings.
        version: nerdctl's version that the archive must hold.
        architecture: Go's name of the architecture its programs must be for.
        folder: private to the user who runs this.
        source: where the archive came from, for messages.

    Raises:
        IntegrityError: the archive is unsafe, damaged, incomplete, for another architecture or of another version.
        Unavailable: the file system has too little room.
        OSError: the disk failed.
    """
    extracted = extract_verified(archive, checksum, architecture, folder, source)
    verify_sums(extracted, read_sums(folder), source)
    _verify_version(folder, version, source)
    return extracted


def extract_verified(archive: t.BinaryIO, checksum: Digest, architecture: str, folder: str, source: str) -> Extracted:
    """Unpack *archive* into the empty folder *folder*; the arguments are those of ``unpack``.

    Raises:
        IntegrityError: the archive is unsafe, damaged, or for another architecture.
        Unavailable: the file system has too little room.
    """
    require_space(folder, unpacked_size(archive) + _ROOM_BESIDE_FILES, "the unpacked archive")
    stream = GzipStream(archive)
    try:
        extracted = extract(
            stream, folder, lambda path, header: refuse_other_architecture(path, header, architecture, source)
        )
        with _damage_named():
            found = stream.finish()
    finally:
        stream.close()
    if found != checksum.encoded:
        raise wrong_checksum(archive, checksum, found, source)
    return extracted


def refuse_other_architecture(path: str, header: bytes, architecture: str, source: str) -> None:
    """Check that a file which begins with *header* is no program for another architecture than this node's.

    Raises:
        IntegrityError: it is.
    """
    found = program_architecture(header)
    if found is not None and found != architecture:
        raise IntegrityError(
            f"The archive is for another architecture: its {path} is for {found}",
            subject=source,
            expected=f"programs for {architecture}, which this node is",
            remedy=f"give the archive whose name ends in -linux-{architecture}.tar.gz, and its checksum",
        )


def unpacked_size(archive: t.BinaryIO) -> int:
    """Return how many bytes *archive* holds once decompressed, and leave it at its start.

    gzip notes that number, modulo 4 GiB, in the last four bytes (RFC 1952, ISIZE).
    """
    compressed = archive.seek(0, os.SEEK_END)
    size = 0
    if compressed >= 4:
        archive.seek(-4, os.SEEK_END)
        (size,) = struct.unpack("<I", archive.read(4))
    archive.seek(0)
    return max(size, compressed)


def read_sums(folder: str) -> dict[str, str]:
    """Return the sha256 of every file by its path, as the archive unpacked in *folder* lists them.

    Raises:
        IntegrityError: the list is missing or has a line of another form.
    """
    try:
        with open(os.path.join(folder, SUMS_PATH), encoding="utf-8", errors="surrogateescape") as lines:
            matches = [(line, _SUM_LINE.fullmatch(line.rstrip("\n"))) for line in lines]
    except FileNotFoundError as error:
        raise IntegrityError(
            "The archive lists no checksums of its files",
            subject=SUMS_PATH,
            expected="an archive nerdctl-full, not the small archive nerdctl",
        ) from error
    sums: dict[str, str] = {}
    for line, match in matches:
        if match is None:
            raise IntegrityError(
                "The archive's list of checksums has a line of another form",
                subject=f"{SUMS_PATH}: {line.rstrip()[:100]!r}",
                expected="64 hexadecimal digits, two spaces, a path",
            )
        sums[posixpath.normpath(match["path"])] = match["hex"]
    return sums


def sums_text(sums: t.Mapping[str, str]) -> str:
    """Return the list of checksums that ``read_sums`` reads as *sums*, in the form of the archive's own."""
    return "".join(f"{digest}  ./{path}\n" for path, digest in sorted(sums.items()))


def verify_sums(extracted: Extracted, sums: t.Mapping[str, str], source: str) -> None:
    """Check that what was unpacked is exactly what the archive's own list says.

    A link is listed with the sum of the file it leads to.

    Raises:
        IntegrityError: a file is missing, was added, or has another content.
    """
    found = dict(extracted.files)
    for link in extracted.links:
        leads_to = _end_of_link(link, extracted)
        if leads_to is not None:
            found[link] = extracted.files[leads_to]
    found.pop(SUMS_PATH, None)
    unlisted_links = extracted.links.keys() - sums.keys()
    troubles = [f"{path} is missing" for path in sorted(sums.keys() - found.keys())]
    troubles += [f"{path} is not listed" for path in sorted(found.keys() - sums.keys() - unlisted_links)]
    troubles += [
        f"{path} has another content" for path in sorted(sums.keys() & found.keys()) if sums[path] != found[path]
    ]
    if troubles:
        raise IntegrityError(
            f"The archive's files are not what its own {SUMS_PATH} lists",
            subject=source,
            remedy="fetch the archive again",
            tail="\n".join(troubles),
        )


def stated_version(folder: str) -> str | None:
    """Return nerdctl's version, without a leading v, that the archive unpacked in *folder* states, if it states one."""
    return components(folder).get("nerdctl")


def components(folder: str) -> dict[str, str]:
    """Return the version of each component, without a leading v, that the archive unpacked in *folder* states.

    The names are those of its README.md, such as ``containerd``, ``BuildKit`` and ``CNI plugins``. What was laid over
    the archive counts in its place.
    """
    stated: dict[str, str] = {}
    readme = os.path.join(folder, README_PATH)
    with contextlib.suppress(FileNotFoundError), open(readme, encoding="utf-8", errors="replace") as lines:
        stated.update({match["name"]: match["version"] for match in _COMPONENT_LINE.finditer(lines.read())})
    return {**stated, **{entry["name"]: entry["version"] for entry in read_overlays(folder)}}


def read_overlays(folder: str) -> list[dict[str, t.Any]]:
    """Return what was laid over the archive that the generation *folder* was made of, as ``OVERLAYS_PATH`` says."""
    try:
        with open(os.path.join(folder, OVERLAYS_PATH), encoding="utf-8") as document:
            entries: list[dict[str, t.Any]] = json.load(document)
    except FileNotFoundError:
        return []
    return entries


def _verify_version(folder: str, version: str, source: str) -> None:
    stated = stated_version(folder)
    if stated is not None and stated != version:
        raise IntegrityError(
            f"The archive holds nerdctl {stated}",
            subject=source,
            expected=f"version {version}",
            remedy="set the option version to what the archive holds, or give the other archive and its checksum",
        )


def _end_of_link(link: str, extracted: Extracted) -> str | None:
    """Return the path of the file that *link* leads to in the end; ``None`` if that is no file of the archive."""
    path = link
    for _hop in extracted.links:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), extracted.links[path]))
        if path not in extracted.links:
            break
    return path if path in extracted.files else None


@contextlib.contextmanager
def _damage_named() -> t.Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error) as error:
        raise IntegrityError("The archive is damaged or truncated", remedy="fetch it again", tail=str(error)) from error


def _cause_of_mismatch(archive: t.BinaryIO) -> tuple[str, str]:
    """Return cause and remedy, as far as the content of an archive with a wrong checksum tells them."""
    archive.seek(0)
    start = archive.read(4096)
    archive.seek(0)
    if not start:
        return "the file is empty", "fetch it again"
    if _HTML.match(start):
        title = _HTML_TITLE.search(start)
        named = f", titled {title[1].decode('utf-8', 'replace')!r}" if title else ""
        return (
            f"it is a web page{named}, not an archive",
            "a login page, a proxy or an error page answered in the server's place: open the address in a browser",
        )
    if not start.startswith(GZIP_MAGIC):
        return (
            "it is not a gzip file",
            "give the file nerdctl-full-<version>-linux-<architecture>.tar.gz of the release",
        )
    stream = GzipStream(archive)
    try:
        stream.finish()
    except EOFError:
        return "it ends before its end mark, so it was truncated", "fetch it again"
    except zlib.error:
        return "its content is damaged", "fetch it again"
    finally:
        stream.close()
    return (
        "it is a whole archive, but another one than the checksum is of",
        "compare version and architecture of the archive with those that the checksum was published for",
    )
