#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints what an unsuccessful task must leave as it was, one line each: images, whether they stand unpacked, containers and
# leases of containerd's namespaces, which is all that containerd keeps anything for, and the images and containers of buildah's
# store. What a builder keeps for itself is left out, since it goes at a time of the builder's own: images without a name, which
# are buildah's cache; what BuildKit has flat or temporary leases for, or such as are named RECORD-variants; and its namespaces
# of past builds. The layer of a step that failed is of these too: it stays until the daemon's garbage collector finds the step's
# error ("leaked execError detected and released").
set -eu

# What nothing refers to any more is gone when this returns, and cannot be taken for an image that stands unpacked.
ctr leases create --id node-state > /dev/null
ctr leases delete --sync node-state > /dev/null

for namespace in $(ctr namespaces ls -q | grep --invert-match '_history$' | sort); do
    ctr --namespace "$namespace" images ls | awk -v where="$namespace" 'NR > 1 { print where, "image", $1, $3 }'
    ctr --namespace "$namespace" images check |
        awk -v where="$namespace" 'NR > 1 { print where, "unpacked", $1, $NF }'
    ctr --namespace "$namespace" containers ls -q | sed "s/^/$namespace container /"
    ctr --namespace "$namespace" leases ls |
        awk -v where="$namespace" 'NR > 1 && !/containerd.io\/gc.flat=|buildkit\/lease.temporary=/ && $1 !~ /-variants$/ {
            print where, "lease", $1
        }'
done | sort

buildah images --no-trunc --format 'buildah image {{.ID}} {{.Name}}:{{.Tag}}' | grep --invert-match '<none>$' | sort
buildah containers --format 'buildah container {{.ContainerID}}' | sort
