#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Writes a kubeconfig, whole in itself, for each client that the folder has a certificate of: SERVER NAME...
set -eu
cd "$(dirname "$0")"
umask 077
server=$1
shift
data() {
    base64 --wrap=0 "$1"
}
for name in "$@"; do
    cat > "$name.kubeconfig" << END
apiVersion: v1
kind: Config
clusters:
  - name: lab
    cluster:
      server: $server
      certificate-authority-data: $(data ca.pem)
users:
  - name: $name
    user:
      client-certificate-data: $(data "$name.pem")
      client-key-data: $(data "$name-key.pem")
contexts:
  - name: lab
    context:
      cluster: lab
      user: $name
current-context: lab
END
done
