# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""git: which commit a ref stands for, and the files of that commit."""

from __future__ import annotations

import os
import re
import shutil
import stat
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import if_given
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound, ToolFailed, Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._git_context import GitContext
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed, Runner

_LINE = re.compile(r"(?P<commit>[0-9a-f]{40}|[0-9a-f]{64})\t(?P<name>\S+)")
# Nobody is there who could answer a question.
_ENVIRON: t.Mapping[str, str] = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "SSH_ASKPASS": "/bin/false",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
}


class Git:
    """``git``, with the credentials and known hosts of the user that the task runs as.

    Args:
        runner: starts the processes.
        timeout: seconds that one call may take; no limit by default.
    """

    def __init__(self, runner: Runner, timeout: int | None = None) -> None:
        self._runner = runner
        self._timeout = timeout

    def resolve(self, context: GitContext) -> str:
        """Return the commit that the context's ref stands for now.

        Raises:
            NotFound: the repository has no such ref.
            Unavailable: git is not installed, or the repository cannot be reached.
        """
        return context.commit or self._find(context)[1]

    def check_out(self, context: GitContext, commit: str, folder: str) -> None:
        """Write the files of *commit*, with those of its submodules, to the new folder *folder*.

        Their times are that of the commit, and their modes do not depend on the umask, so that equal commits make equal
        layers. The repository itself is not kept.

        Raises:
            NotFound: the repository has no such commit.
            ToolFailed: git failed.
            Unavailable: the repository cannot be reached.
        """
        self._done(self._run(["init", "--quiet", "--template=", folder]), context)
        self._fetch(context, commit, folder)
        self._done(self._run(["checkout", "--quiet", "--detach", commit], folder), context)
        if os.path.exists(os.path.join(folder, ".gitmodules")):
            words = ["submodule", "update", "--quiet", "--init", "--recursive", "--depth=1"]
            self._done(self._run(words, folder), context)
        told = self._done(self._run(["log", "-1", "--format=%ct", commit], folder), context)
        shutil.rmtree(os.path.join(folder, ".git"))
        _normalise(folder, int(told.text))

    def _fetch(self, context: GitContext, commit: str, folder: str) -> None:
        words = ["fetch", "--quiet", "--no-tags", "--depth=1", "--", context.remote]
        if self._run([*words, commit], folder).rc == 0:
            return
        # A server may give only what its refs name.
        name = "" if context.commit else self._find(context)[0]
        if name and self._run([*words, name], folder).rc == 0 and self._has(commit, folder):
            return
        everything = ("+refs/heads/*:refs/all/heads/*", "+refs/tags/*:refs/all/tags/*")
        words = ["fetch", "--quiet", "--", context.remote, *everything]
        self._done(self._run(words, folder), context)
        if not self._has(commit, folder):
            raise _no_such(context, commit)

    def _has(self, commit: str, folder: str) -> bool:
        return self._run(["cat-file", "-e", f"{commit}^{{commit}}"], folder).rc == 0

    def _find(self, context: GitContext) -> tuple[str, str]:
        ref = context.ref or "HEAD"
        words = ["ls-remote", "--quiet", "--", context.remote, ref, f"{ref}^{{}}"]
        completed = self._done(self._run(words), context)
        lines = (_LINE.fullmatch(line) for line in completed.text.splitlines())
        name, commit = context.choose({found["name"]: found["commit"] for found in lines if found})
        if not commit:
            raise _no_such(context, ref)
        return name, commit

    def _run(self, words: t.Sequence[str], folder: str | None = None) -> Completed:
        # A hook of the user's would run with root's rights on files that are not the user's.
        argv = ["git", *if_given("-C", folder), "-c", "core.hooksPath=/dev/null", *words]
        return self._runner.run(argv, environ=_ENVIRON, timeout=self._timeout)

    @staticmethod
    def _done(completed: Completed, context: GitContext) -> Completed:
        if completed.rc == 0:
            return completed
        subject = f"path: {context.remote}"
        reach = (
            r"Could not resolve host|Connection (?:refused|timed out)|unable to (?:access|connect)|"
            r"Authentication failed|could not read (?:Username|Password|from remote)|Permission denied|"
            r"not found|does not appear to be a git repository|Host key verification failed"
        )
        if re.search(reach, completed.stderr, re.IGNORECASE):
            raise Unavailable(
                "The git repository cannot be read",
                subject=subject,
                remedy="correct the address, or give the user of this task access on the node: an SSH key and a known "
                "host, a credential helper, or ~/.netrc",
                tail=completed.stderr,
            )
        raise ToolFailed(f"git exited with {completed.rc}", subject=subject, tail=completed.stderr)


def _no_such(context: GitContext, what: str) -> NotFound:
    return NotFound(
        "The git repository has no such branch, tag or commit",
        subject=f"{what} in {context.remote}",
        remedy="correct what follows the # in path",
    )


def _normalise(folder: str, seconds: int) -> None:
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(parent, name)
            mode = os.lstat(path).st_mode
            if not stat.S_ISLNK(mode):
                # All that git knows of modes is whether a file may be run.
                os.chmod(path, 0o755 if mode & stat.S_IXUSR else 0o644)
            os.utime(path, (seconds, seconds), follow_symlinks=False)
