#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Removes every image of these tests, so that each of them starts from nothing; and in each namespace what the CRI plugin
# keeps of them under their ids, until the kubelet would remove it.
set -eu

for namespace in $(ctr namespaces ls -q); do
    ctr --namespace "$namespace" images ls -q | grep -E '^(docker\.io|localhost)/image-tests/' |
        xargs --no-run-if-empty ctr --namespace "$namespace" images rm
    ctr --namespace "$namespace" images ls |
        awk '/^sha256:/ { target[$1] = $3; next } { named[$3] } END { for (id in target) if (!(target[id] in named)) print id }' |
        xargs --no-run-if-empty ctr --namespace "$namespace" images rm --sync
done

if command -v buildah >/dev/null; then
    buildah images --format '{{.Name}}:{{.Tag}}' | grep /image-tests/ | xargs --no-run-if-empty buildah rmi --force
fi
