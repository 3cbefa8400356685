# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build contexts in git repositories: ``URL#ref:folder``, as all builders write them.

Source: ``util/gitutil/git_url.go`` of BuildKit v0.26.3.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

_REMOTE = re.compile(
    r"(?:git|ssh)://[^#\s]+|https?://[^#\s]+\.git/?|(?:[A-Za-z0-9_][A-Za-z0-9_.-]*)@[A-Za-z0-9][A-Za-z0-9.-]*:[^#\s]+"
)
_PASSWORD = re.compile(r"[a-z]+://[^/@:\s]*:[^/@\s]*@|https?://[^/@\s]+@")
# What git-check-ref-format allows, and no option.
_REF = re.compile(r"(?!-)[^\s~^:?*\[\\\x00-\x20\x7f]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class GitContext:
    """A folder of a git repository.

    Attributes:
        remote: where the repository is.
        ref: a branch, a tag, a commit, or a full name below ``refs/``; the repository's own choice if empty.
        folder: the context, relative to the repository's root; empty for the root.
    """

    remote: str
    ref: str = ""
    folder: str = ""

    @classmethod
    def is_one(cls, text: str) -> bool:
        """Tell whether *text* names a repository, and not a folder."""
        return _REMOTE.fullmatch(text.partition("#")[0]) is not None

    @classmethod
    def parse(cls, text: str) -> GitContext:
        """Parse ``URL[#[ref][:folder]]``.

        Raises:
            InvalidInput: it is something else, or holds a password.
        """
        remote, _hash, fragment = text.partition("#")
        ref, _colon, folder = fragment.partition(":")
        if _PASSWORD.match(remote):
            raise InvalidInput(
                "The address of a git repository must hold no password: it would stand in command lines",
                subject=f"path: {re.sub('//[^@]*@', '//********@', remote)}",
                remedy="use SSH, or let git find it by a credential helper or in ~/.netrc on the node",
            )
        folder = folder.strip("/")
        usable = cls.is_one(text) and text.isprintable() and (not ref or (_REF.fullmatch(ref) and ".." not in ref))
        if not usable or ".." in folder.split("/"):
            raise InvalidInput(
                "Not a build context in a git repository",
                subject=f"path: {ascii(text)[1:-1][:200]}",
                expected="URL[#ref[:folder]] with a branch, a tag or a commit",
            )
        return cls(remote, ref, folder)

    @property
    def commit(self) -> str:
        """The commit, if the ref is the name of one; else empty."""
        return self.ref if _COMMIT.fullmatch(self.ref) else ""

    def settings(self, commit: str) -> dict[str, str]:
        """Return what decides a build, by names for people: commit and folder, wherever they were fetched from."""
        return {"context": f"commit {commit}", **({"context folder": self.folder} if self.folder else {})}

    def choose(self, refs: t.Mapping[str, str]) -> tuple[str, str]:
        """Return the full name and the commit of this ref among those of a repository; empty if it has none.

        Args:
            refs: commits by full names, as ``git ls-remote`` tells them.

        Git's own order: a tag comes before a branch of the same name (``gitrevisions(7)``). What an annotated tag
        stands for is told under its name with ``^{}``.
        """
        if not self.ref:
            return ("HEAD", refs["HEAD"]) if "HEAD" in refs else ("", "")
        for name in (self.ref, f"refs/{self.ref}", f"refs/tags/{self.ref}", f"refs/heads/{self.ref}"):
            if name in refs:
                return name, refs.get(f"{name}^{{}}", refs[name])
        return "", ""
