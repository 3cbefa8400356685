#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage: search_node.sh WORDS
#
# Prints each line of the file WORDS that a file of the builders' or of a user, the journal, or the collection's own state
# holds. Layers are searched as they stand unpacked.
set -eu
words=$1
{
    grep --recursive --devices=skip --text --only-matching --no-filename --fixed-strings --file="$words" \
        /var/lib/containerd /var/lib/buildkit /var/lib/containers /tmp /var/tmp /root /home || true
    journalctl --no-pager --output=cat | grep --only-matching --fixed-strings --file="$words" || true
    find /var/lib/nephoran-container-build -type f -exec zcat --force {} + |
        grep --text --only-matching --fixed-strings --file="$words" || true
} | sort --unique
