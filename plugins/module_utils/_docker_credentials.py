# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials in Docker's ``config.json``, which nerdctl, BuildKit's clients and buildah all read.

Only the keys that are ours are touched; whatever else somebody keeps in the file stays.

Source: ``cli/config/configfile`` of github.com/docker/cli; containers-auth.json(5).
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, InvalidInput

_INDENT = "\t"


def merge_credentials(
    text: str | None, wanted: t.Mapping[str, str], unwanted: t.Iterable[str], path: str
) -> str | None:
    """Return the file *text* with the credentials *wanted* and without those *unwanted*.

    Args:
        text: the file's content; ``None`` if there is no file.
        wanted: ``user:password`` in Base64, by key.
        unwanted: keys that are ours and are not asked for any longer.
        path: where the file lies, for messages.

    Returns:
        *text* itself if it says all that already, ``None`` if no file is needed.

    Raises:
        IntegrityError: the file is not JSON of Docker's kind.
        InvalidInput: a helper would hide the credentials from those who are to read them.
    """
    document = _parse(text, path)
    _require_no_helper(document, wanted, path)
    before = document.get("auths", {})
    after = {key: value for key, value in before.items() if key not in set(unwanted)}
    for key, auth in wanted.items():
        if _auth_of(before.get(key)) != auth:
            after[key] = {"auth": auth}
    if after == before:
        return text
    merged = {**document, "auths": after}
    if not after:
        del merged["auths"]
    return json.dumps(merged, indent=_INDENT) + "\n" if merged else None


def _parse(text: str | None, path: str) -> dict[str, t.Any]:
    if text is None or not text.strip():
        return {}
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("auths", {}), dict):
        # The parser's own message would quote the file, and secrets with it.
        raise IntegrityError(
            "Credentials cannot be added to a file that is not what Docker's clients write; it was left as it is",
            subject=path,
            expected='a JSON object, with an object under "auths" if it has that key',
            remedy="correct the file, or move it away",
        )
    return document


def _require_no_helper(document: t.Mapping[str, t.Any], wanted: t.Mapping[str, str], path: str) -> None:
    store = document.get("credsStore")
    helpers = document.get("credHelpers") or {}
    for key in wanted:
        helper = helpers.get(key, store) if isinstance(helpers, dict) else store
        if helper:
            raise InvalidInput(
                f"The file leaves the credentials of {key} to the helper docker-credential-{helper}, so that those of "
                "the role would not be seen",
                subject=path,
                remedy="remove the helper from the file (credHelpers, credsStore), or the credentials from the role",
            )


def _auth_of(entry: t.Any) -> str | None:
    auth = entry.get("auth") if isinstance(entry, dict) else None
    return auth if isinstance(auth, str) else None
