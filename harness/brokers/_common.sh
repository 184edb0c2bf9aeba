# Sourced by the broker scripts beside it: installing, probing, and the verbs that are the same everywhere.
# A script defines broker_packages, broker_command, broker_version, broker_ports PORT, broker_start PORT DIR and
# broker_ready PORT; may redefine broker_stop PORT DIR; and ends with: main "$@"

die() { echo "$(basename "$0"): $*" >&2; exit 2; }

# The MQTT and AMQP handshakes that `ready` probes with. hello PORT ESCAPED_BYTES COUNT prints the first COUNT
# bytes of the answer in hex.
hello() {
    timeout 3 bash -c '
        exec 3<> "/dev/tcp/127.0.0.1/$1" || exit 1
        printf "$2" >&3
        head -c "$3" <&3 | od -An -tx1 | tr -d " \n"
    ' _ "$1" "$2" "$3" 2> /dev/null || true
}

# An MQTT 3.1.1 CONNECT, clean session, keep alive 10 s, client id mqspec-probe, answered by any CONNACK at
# all: a broker that wants a login refuses with one, and is ready.
answers_mqtt() {
    [ "$(hello "$1" '\x10\x18\x00\x04MQTT\x04\x02\x00\x0a\x00\x0cmqspec-probe' 2)" = 2002 ]
}

# The AMQP 0-9-1 protocol header, answered by a method frame on channel 0 (connection.start).
answers_amqp() { [ "$(hello "$1" 'AMQP\x00\x00\x09\x01' 3)" = 010000 ]; }

# wait_for SECONDS COMMAND... : asks ten times a second.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || { echo "$(basename "$0"): not ready in time" >&2; return 1; }
        sleep 0.1
    done
}

# Installs Debian packages without letting them start services on their default ports.
apt_install() {
    local policy=/usr/sbin/policy-rc.d ours='' outcome=0
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
        ours=yes
    fi
    export DEBIAN_FRONTEND=noninteractive
    # A stale package list may still do; installing decides.
    apt-get -o DPkg::Lock::Timeout=600 update -qq >&2 || echo "apt-get update failed; trying the old list" >&2
    apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "$@" >&2 || outcome=$?
    [ -z "$ours" ] || rm -f "$policy"
    return "$outcome"
}

# A data directory carries a mark, so that `clean` wipes nothing that these scripts did not make.
mark=.mqspec-broker-data
own() {
    mkdir -p "$1"
    : > "$1/$mark"
    (cd "$1" && pwd)
}
wipe() {
    [ -d "$1" ] || return 0
    [ -e "$1/$mark" ] || die "$1 was not made by a broker script, so it is not wiped"
    find "$1" -mindepth 1 -delete
}

broker_stop() { :; }

usage() {
    cat >&2 <<USAGE
usage: $(basename "$0") VERB
  installed              exit code 0 if the broker can be started here
  install                install it (Debian, root)
  version                print the installed version
  start PORT DIR         run in the foreground; this process becomes the broker
  ready PORT [SECONDS]   wait (60 s) until it answers a protocol handshake
  ports PORT             print what it listens on, "role port" a line
  stop PORT DIR          end what a killed broker leaves behind
  clean DIR              wipe its data, so that the next start is fresh
USAGE
    exit 2
}

# Verbs of one script only: extra_verb VERB ARGS... returns 64 if it does not know the verb.
extra_verb() { return 64; }

main() {
    local verb=${1:-} outcome=0
    shift || usage
    case "$verb" in
    installed) command -v "$(broker_command)" > /dev/null ;;
    install) command -v "$(broker_command)" > /dev/null || apt_install $(broker_packages) ;;
    version) broker_version ;;
    start) [ $# = 2 ] || usage; broker_start "$1" "$(own "$2")" ;;
    ready) [ $# -ge 1 ] || usage; wait_for "${2:-60}" broker_ready "$1" ;;
    ports) [ $# = 1 ] || usage; broker_ports "$1" ;;
    stop) [ $# = 2 ] || usage; broker_stop "$1" "$2" ;;
    clean) [ $# = 1 ] || usage; wipe "$1" ;;
    *)
        extra_verb "$verb" "$@" || outcome=$?
        [ "$outcome" != 64 ] || usage
        return "$outcome" ;;
    esac
}
