#!/usr/bin/env bash
# Eclipse Mosquitto: MQTT 3.1.1 and 5.0 on PORT, 127.0.0.1 only.
#
#   MOSQUITTO_BIN                 the binary to run (default: mosquitto on PATH or in /usr/sbin)
#   BROKER_USER, BROKER_PASS      the only login; without them everybody may connect
#   MOSQUITTO_AUTOSAVE            changes after which the store is written. 1 (the default here) keeps sessions and
#                                 retained messages over a kill -9; 0 writes only at a clean stop, the broker's default
#   MOSQUITTO_EXTRA               more configuration lines, as they are
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
PATH=$PATH:/usr/sbin

broker_packages() { echo mosquitto; }
broker_command() { echo "${MOSQUITTO_BIN:-mosquitto}"; }
# `mosquitto -h` exits with 3.
broker_version() { { "$(broker_command)" -h || true; } | head -1; }
broker_ports() { echo "mqtt $1"; }
broker_ready() { answers_mqtt "$1"; }

broker_start() {
    local port=$1 dir=$2
    {
        echo "listener $port 127.0.0.1"
        # Started by root it would give up its rights, and then may not write into DIR.
        [ "$(id -u)" != 0 ] || echo "user root"
        echo "log_dest stderr"
        echo "persistence true"
        echo "persistence_location $dir/"
        if [ "${MOSQUITTO_AUTOSAVE:-1}" != 0 ]; then
            echo "autosave_on_changes true"
            echo "autosave_interval ${MOSQUITTO_AUTOSAVE:-1}"
        fi
        if [ -n "${BROKER_USER:-}" ]; then
            rm -f "$dir/passwords"
            (umask 077 && : > "$dir/passwords")
            mosquitto_passwd -b "$dir/passwords" "$BROKER_USER" "${BROKER_PASS:-}"
            echo "allow_anonymous false"
            echo "password_file $dir/passwords"
        else
            echo "allow_anonymous true"
        fi
        printf '%s\n' "${MOSQUITTO_EXTRA:-}"
    } > "$dir/mosquitto.conf"
    exec "$(broker_command)" -c "$dir/mosquitto.conf"
}

main "$@"
