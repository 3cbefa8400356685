# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index ``Packages`` of a flat repository: a folder with it and the ``.deb`` files that it names.

Source: the sections *"Packages" Indices* and *Flat Repository Format* of Debian's ``RepositoryFormat``.
"""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, InvalidInput

INDEX_NAME = "Packages"

# A name in the folder itself; what apt would have to unquote is left out, and so is the epoch's colon.
_FILENAME = re.compile(r"(?:\./)?(?P<name>[A-Za-z0-9][A-Za-z0-9._+~-]*\.deb)")
_FIELD = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9-]*):[ \t]*(?P<value>.*)")
# Names by Debian's policy, 5.6.1, which cannot be options of apt-get; a version may hold what dpkg accepts in one.
_WANTED = re.compile(r"[a-z0-9][a-z0-9+.-]+(?:=[A-Za-z0-9.+~:-]+\*?)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Package:
    """A package of a repository.

    Attributes:
        name: what it is called.
        version: its version, with the epoch if it has one.
        architecture: Debian's name of it, or ``all``.
        filename: its file in the folder.
        size: the file's bytes.
        sha256: the file's hash in hexadecimal digits.
    """

    name: str
    version: str
    architecture: str
    filename: str
    size: int
    sha256: str


def validate_wanted(name: str) -> str:
    """Return *name* if it is that of a package, alone or with ``=`` and a version, which may end in an asterisk.

    Raises:
        InvalidInput: it is something else.
    """
    if not _WANTED.fullmatch(name):
        raise InvalidInput("Not a package", subject=repr(name[:100]), expected="a name, or a name, = and a version")
    return name


def parse_index(text: str, where: str) -> tuple[Package, ...]:
    """Return the packages that an index names, in its order.

    Args:
        text: the index.
        where: the repository, for messages.

    Raises:
        IntegrityError: it is no index of a flat repository, or gives a file no hash.
    """
    stanzas = [stanza for stanza in re.split(r"\n[ \t]*\n", text) if stanza.strip()]
    packages = tuple(_parse_stanza(stanza, where) for stanza in stanzas)
    if not packages:
        raise _broken(where, "it names no package")
    if len({package.filename for package in packages}) != len(packages):
        raise _broken(where, "it names a file twice")
    return packages


def stanza(control: str, filename: str, size: int, sha256: str) -> str:
    """Return the entry of an index for a file.

    Args:
        control: the package's control file, as ``dpkg-deb --field`` prints it.
        filename: the file's name in the folder.
        size: its bytes.
        sha256: its hash in hexadecimal digits.
    """
    return f"{control.strip()}\nFilename: ./{filename}\nSize: {size}\nSHA256: {sha256}\n"


def plain_filename(name: str, version: str, architecture: str) -> str:
    """Return the name of a package's file, as ``dpkg-name`` gives it: without the epoch."""
    return f"{name}_{version.rpartition(':')[2]}_{architecture}.deb"


def _parse_stanza(text: str, where: str) -> Package:
    fields: dict[str, str] = {}
    for line in text.strip("\n").splitlines():
        if line.startswith((" ", "\t")):
            continue
        found = _FIELD.fullmatch(line)
        if found is None:
            raise _broken(where, f"the line {line[:80]!r} is no field")
        if found["key"].lower() in fields:
            raise _broken(where, f"the field {found['key']} stands twice in one entry")
        fields[found["key"].lower()] = found["value"].strip()
    name = fields.get("package", "")
    if not name or not fields.get("version") or not fields.get("architecture"):
        raise _broken(where, f"an entry ({name or 'without Package'}) lacks Package, Version or Architecture")
    filename = _FILENAME.fullmatch(fields.get("filename", ""))
    if filename is None:
        raise _broken(where, f"{name} has the Filename {fields.get('filename', '')[:200]!r}, not a name in this folder")
    size, sha256 = fields.get("size", ""), fields.get("sha256", "")
    if not (size.isascii() and size.isdigit()) or not _SHA256.fullmatch(sha256):
        raise _broken(where, f"{name} has no Size or no SHA256")
    return Package(name, fields["version"], fields["architecture"], filename["name"], int(size), sha256)


def _broken(where: str, reason: str) -> IntegrityError:
    return IntegrityError(
        f"Not the index of a flat repository ({reason})",
        subject=f"{where}/{INDEX_NAME}",
        expected="what the module deb_collect writes, or dpkg-scanpackages",
        remedy="make it again",
    )
