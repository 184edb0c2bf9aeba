#!/usr/bin/env bash
# RabbitMQ as a private node, 127.0.0.1 only: AMQP 0-9-1 on PORT, MQTT 3.1.1 on PORT+1, management HTTP on
# PORT+2, Erlang distribution on PORT+3, its own epmd on PORT+4. Only `install` needs root.
#
#   BROKER_USER, BROKER_PASS      the administrator's login (default guest, guest); MQTT clients without one act as it
#   RABBITMQ_PLUGINS              an Erlang list (default [rabbitmq_mqtt,rabbitmq_management])
#   RABBITMQ_EXTRA                more lines for rabbitmq.conf, as they are
#
# Two more verbs:
#   ctl PORT DIR ARGS...          rabbitmqctl against this node
#   reset PORT DIR                a fresh virtual host "/" without a restart; drops its connections
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/_common.sh"
PATH=$PATH:/usr/sbin

# The package's own wrappers in /usr/sbin insist on the rabbitmq user; the scripts below them do not.
scripts() { ls -d /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin 2> /dev/null | tail -1; }

broker_packages() { echo rabbitmq-server; }
broker_command() { echo rabbitmq-server; }
broker_version() { basename "$(dirname "$(scripts)")"; }
broker_ports() {
    echo "amqp $1"
    echo "mqtt $(($1 + 1))"
    echo "http $(($1 + 2))"
    echo "erlang $(($1 + 3))"
    echo "epmd $(($1 + 4))"
}

# The plugins come up after AMQP does.
broker_ready() {
    answers_amqp "$1" || return 1
    case "${RABBITMQ_PLUGINS:-rabbitmq_mqtt}" in
    *rabbitmq_mqtt*) answers_mqtt $(($1 + 1)) ;;
    esac
}

# Everything that would otherwise be shared with another node on this machine.
node_environment() {
    local port=$1 dir=$2
    mkdir -p "$dir/home" "$dir/mnesia" "$dir/log"
    export HOME=$dir/home LANG=C.UTF-8
    if [ ! -s "$HOME/.erlang.cookie" ]; then
        (umask 077 && od -An -tx1 -N15 /dev/urandom | tr -d ' \n' > "$HOME/.erlang.cookie")
        chmod 400 "$HOME/.erlang.cookie"
    fi
    export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$((port + 4))
    export RABBITMQ_NODENAME=mqspec$port@localhost RABBITMQ_DIST_PORT=$((port + 3))
    export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
    export RABBITMQ_CONF_ENV_FILE=$dir/rabbitmq-env.conf RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf
    export RABBITMQ_ADVANCED_CONFIG_FILE=$dir/advanced.config RABBITMQ_GENERATED_CONFIG_DIR=$dir/generated
    export RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins
    export RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_PID_FILE=$dir/pid
    export RABBITMQ_LOG_BASE=$dir/log RABBITMQ_LOGS=-
}

broker_start() {
    local port=$1 dir=$2 user=${BROKER_USER:-guest} pass=${BROKER_PASS:-guest}
    node_environment "$port" "$dir"
    : > "$dir/rabbitmq-env.conf"
    echo '[].' > "$dir/advanced.config"
    echo "${RABBITMQ_PLUGINS:-[rabbitmq_mqtt,rabbitmq_management]}." > "$dir/enabled_plugins"
    cat > "$dir/rabbitmq.conf" << CONF
listeners.tcp.1 = 127.0.0.1:$port
default_user = $user
default_pass = $pass
mqtt.listeners.tcp.1 = 127.0.0.1:$((port + 1))
mqtt.allow_anonymous = true
mqtt.default_user = $user
mqtt.default_pass = $pass
management.tcp.ip = 127.0.0.1
management.tcp.port = $((port + 2))
log.file = false
log.console = true
log.console.level = warning
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 1GB
${RABBITMQ_EXTRA:-}
CONF
    # The launcher becomes the Erlang VM only when it believes in systemd; so our pid is the broker's.
    export RUNNING_UNDER_SYSTEMD=true
    unset NOTIFY_SOCKET
    cd "$dir"
    exec "$(scripts)/rabbitmq-server" < /dev/null
}

# epmd outlives the node. It refuses while one is still registered, and there may be none: both are fine.
broker_stop() { ERL_EPMD_PORT=$(($1 + 4)) epmd -kill > /dev/null 2>&1 || true; }

extra_verb() {
    local verb=$1 user=${BROKER_USER:-guest}
    shift
    case "$verb" in
    ctl)
        [ $# -ge 3 ] || usage
        node_environment "$1" "$(own "$2")"
        shift 2
        exec "$(scripts)/rabbitmqctl" "$@" ;;
    reset)
        [ $# = 2 ] || usage
        node_environment "$1" "$(own "$2")"
        # One call of rabbitmqctl instead of three, each of which starts an Erlang VM.
        exec "$(scripts)/rabbitmqctl" -q eval "
            rabbit_vhost:delete(<<\"/\">>, <<\"mqspec\">>),
            rabbit_vhost:add(<<\"/\">>, <<\"mqspec\">>),
            rabbit_auth_backend_internal:set_permissions(
                <<\"$user\">>, <<\"/\">>, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"mqspec\">>)." ;;
    *) return 64 ;;
    esac
}

main "$@"
