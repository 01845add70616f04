#!/bin/sh
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Build the collection, install it, and run examples/quickstart.yml with it. Reads no settings of the user, neither
# variables nor an ansible.cfg, and writes only below FOLDER.
#
# Usage: scripts/demo.sh BIN FOLDER
#   BIN     where ansible-playbook and ansible-galaxy are
#   FOLDER  made if it does not exist; a second run finds the store of the first one there
set -eu
bin=$(cd "$1" && pwd)
mkdir -p "$2/home"
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."

# Run a command with nothing of the user's environment but how the terminal is, and where to find temporary space and
# certificates.
run() {
    for name in LANG LC_ALL TERM NO_COLOR TZ TMPDIR SSL_CERT_FILE; do
        eval "value=\${$name-}"
        [ -z "$value" ] || set -- "$name=$value" "$@"
    done
    env -i \
        PATH="$bin:/usr/bin:/bin" \
        HOME="$folder/home" \
        ANSIBLE_CONFIG="$PWD/examples/ansible.cfg" \
        XDG_DATA_HOME="$folder/data" \
        XDG_CONFIG_HOME="$folder/config" \
        XDG_STATE_HOME="$folder/state" \
        ANSIBLE_COLLECTIONS_PATH="$folder/collections" \
        ANSIBLE_LOCALHOST_WARNING=false \
        ANSIBLE_INVENTORY_UNPARSED_WARNING=false \
        "$@"
}

rm -rf "$folder/build"
run ansible-galaxy collection build -f --output-path "$folder/build" >/dev/null
run ansible-galaxy collection install -f -p "$folder/collections" "$folder"/build/*.tar.gz >/dev/null
run ansible-playbook examples/quickstart.yml -e "rendered_file=$folder/payments-api.ini"
echo "The store and its root key are in $folder; the rendered file is $folder/payments-api.ini"
