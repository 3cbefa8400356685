# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of modules that Ansible runs as it runs any other, but which begin sooner.

Each of them has a file in plugins/action that imports this, since Ansible looks for an action by its module's name.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.nephoran.container_build.plugins.plugin_utils._early_start import EarlyStart


class ActionModule(EarlyStart, NormalAction):
    """Runs the module whose name the action is called by."""
