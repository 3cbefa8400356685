#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage: watch_pinned_name.sh IMAGE STOP
#
# Looks until the file STOP exists whether the namespace `default` has IMAGE, pinned. Prints how often it looked.
set -eu
image=$1 stop=$2
looks=0
while [ ! -e "$stop" ]; do
    looks=$((looks + 1))
    found=$(timeout 20 ctr images ls -q "name==$image,labels.\"io.cri-containerd.pinned\"==pinned") || {
        echo "ctr ended with status $? at look $looks" >&2
        exit 1
    }
    if [ -z "$found" ]; then
        echo "not there, or not pinned, at look $looks" >&2
        exit 1
    fi
done
echo "$looks"
