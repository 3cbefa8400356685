#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints what an unsuccessful task must leave as it was, one line each: images, whether they stand unpacked, unpacked layers
# and containers of containerd's namespaces, and the images and containers of buildah's store. What a builder keeps for
# itself is left out: views of layers, which come and go with BuildKit, and images without a name, which are buildah's cache.
set -eu

# What nothing refers to any more is gone when this returns, and cannot go between two looks.
ctr leases create --id node-state > /dev/null
ctr leases delete --sync node-state > /dev/null

for namespace in $(ctr namespaces ls -q | sort); do
    ctr --namespace "$namespace" images ls | awk -v where="$namespace" 'NR > 1 { print where, "image", $1, $3 }'
    ctr --namespace "$namespace" images check |
        awk -v where="$namespace" 'NR > 1 { print where, "unpacked", $1, $NF }'
    ctr --namespace "$namespace" snapshots ls |
        awk -v where="$namespace" 'NR > 1 && $NF != "View" { print where, "snapshot", $1 }'
    ctr --namespace "$namespace" containers ls -q | sed "s/^/$namespace container /"
done | sort

buildah images --no-trunc --format 'buildah image {{.ID}} {{.Name}}:{{.Tag}}' | grep --invert-match '<none>$' | sort
buildah containers --format 'buildah container {{.ContainerID}}' | sort
