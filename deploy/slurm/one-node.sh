#!/usr/bin/env bash
# A Slurm cluster of this machine alone, on 127.0.0.1, to try the files here. As root, with Debian's slurm-wlm and munge
# (apt-get install --no-install-recommends slurm-wlm munge):
#
#   one-node.sh start DIR          daemons, keys, logs and state below DIR; nothing outside it is touched
#   export SLURM_CONF=DIR/slurm.conf
#   sinfo; sbatch …; squeue
#   one-node.sh stop DIR           ends the three daemons that it started, by their ids
set -euo pipefail

usage() { sed -n '2,8p' "$0" >&2; exit 2; }
[ $# = 2 ] || usage
mkdir -p "$2"
dir=$(cd "$2" && pwd)
port=${SLURM_FIRST_PORT:-16817}

configure() {
    # munge refuses a socket that others cannot reach, and a key that they can read.
    chmod 755 "$dir"
    mkdir -p "$dir/state" "$dir/spool"
    [ -f "$dir/munge.key" ] || (umask 077 && head -c 128 /dev/urandom > "$dir/munge.key")
    cat > "$dir/slurm.conf" << END
ClusterName=one-node
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobRequeue=1
ReturnToService=2
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=2048 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
}

# wait_for WHAT COMMAND…: up to 30 s.
wait_for() {
    local what=$1 tries
    shift
    for ((tries = 0; tries < 150; tries++)); do
        if "$@" > /dev/null 2>&1; then return; fi
        sleep 0.2
    done
    echo "$what does not answer; see the logs in $dir" >&2
    exit 3
}

start() {
    configure
    export SLURM_CONF="$dir/slurm.conf"
    munged --force --key-file "$dir/munge.key" --socket "$dir/munge.socket" --pid-file "$dir/munged.pid" \
        --log-file "$dir/munged.log" --seed-file "$dir/munge.seed"
    wait_for munged munge --socket "$dir/munge.socket" --no-input
    slurmctld
    wait_for slurmctld scontrol ping
    slurmd -N "$(hostname -s)"
    wait_for slurmd sh -c 'sinfo --noheader --format=%t | grep -qx idle'
    sinfo
    echo "export SLURM_CONF=$dir/slurm.conf"
}

stop() {
    local daemon id
    for daemon in slurmd slurmctld munged; do
        [ -f "$dir/$daemon.pid" ] || continue
        id=$(cat "$dir/$daemon.pid")
        kill "$id" 2> /dev/null || true
        while kill -0 "$id" 2> /dev/null; do sleep 0.1; done
        rm -f "$dir/$daemon.pid"
    done
}

case $1 in
    start) start ;;
    stop) stop ;;
    *) usage ;;
esac
