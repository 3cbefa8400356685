#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Makes a layout folder of an image's archive, with two lists of its blobs, and removes the archive and what an earlier
# build of the image left. Killed anywhere, there is no folder LAYOUT or a whole one.
# Usage: sh lay_out.sh ARCHIVE LAYOUT PREFIX    (what begins with PREFIX and a hyphen belongs to the image)
set -eu
archive=$1 layout=$2 prefix=$3

rm -rf "$layout.new"
mkdir "$layout.new"
tar -C "$layout.new" -xf "$archive" blobs index.json oci-layout
(
    cd "$layout.new"
    touch documents layers
    for blob in blobs/*/*; do
        # A manifest or a config is JSON; a layer may be, and is then sent more often than it has to be.
        if [ "$(head -c 1 "$blob" | tr -d '\0')" = '{' ]; then
            echo "$blob" >> documents
        else
            echo "$blob" >> layers
        fi
    done
)
for old in "$prefix"-*; do
    [ "$old" = "$layout.new" ] || rm -rf "$old"
done
mv "$layout.new" "$layout"
