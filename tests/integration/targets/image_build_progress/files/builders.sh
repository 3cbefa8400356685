#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints the processes that are left of a build whose last step is "sleep SECONDS": usage: builders.sh SECONDS
ps --no-headers -o pid,args -C nerdctl,buildctl,buildah
pgrep --list-full --exact --full "sleep $1"
ls -d /tmp/nephoran-image-build-* 2> /dev/null
exit 0
