# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry has under a name."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import Document
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Descriptor, Index, Manifest


@dataclasses.dataclass(frozen=True)
class RemoteImage:
    """What a registry has under a name.

    Attributes:
        document: the index or manifest. nerdctl writes it anew, so its bytes are not the registry's.
        digest: its digest at the registry; None for an index, whose digest nerdctl does not tell.
    """

    document: Document
    digest: Digest | None

    def is_same(self, target: Descriptor, document: Document) -> bool:
        """Tell whether this is the image *target*, whose index or manifest is *document*.

        An index without a digest is the same if all that it says is: what it lists, in its order, and its annotations.
        """
        if self.digest is not None:
            return self.digest == target.digest
        mine = self.document
        return (
            isinstance(mine, Index)
            and isinstance(document, Index)
            and (mine.media_type, mine.manifests) == (document.media_type, document.manifests)
            and dict(mine.annotations) == dict(document.annotations)
        )

    def has_config(self, digest: str) -> bool:
        """Tell whether this is a manifest whose config is *digest*: the same image, whatever compressed its layers."""
        return isinstance(self.document, Manifest) and str(self.document.config.digest) == digest

    def shown(self) -> dict[str, t.Any]:
        """Return what a diff shows of it."""
        if isinstance(self.document, Index):
            listed = {str(each.platform or each.media_type): str(each.digest) for each in self.document.images}
            return {"present": True, "manifests": listed}
        return {"present": True, "digest": str(self.digest)}
