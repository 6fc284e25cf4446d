#!/usr/bin/env bash
# A Slurm cluster of two virtual nodes, n1 and n2, on this host: munged, slurmctld and two slurmd. All state is under the folder that is given.
set -euo pipefail
dir=${1:?a folder for its state}
controller_port=${2:?a free port}
first_port=${3:?a free port}
second_port=${4:?a free port}
mkdir -p "$dir"/{state,log,spool-n1,spool-n2,munge}
chmod 755 "$dir"
# The daemon of munge demands that only its user may write where its key and its socket are.
chown munge:munge "$dir/munge"
chmod 755 "$dir/munge"
dd if=/dev/urandom of="$dir/munge/munge.key" bs=1 count=1024 status=none
chown munge:munge "$dir/munge/munge.key"
chmod 400 "$dir/munge/munge.key"
setpriv --reuid=munge --regid=munge --clear-groups munged --force --key-file="$dir/munge/munge.key" \
  --socket="$dir/munge/munge.socket" --pid-file="$dir/munge/munged.pid" --log-file="$dir/munge/munged.log" \
  --seed-file="$dir/munge/seed"
host=$(hostname -s)
cat > "$dir/slurm.conf" <<C
ClusterName=infra
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/munge.socket
CredType=cred/munge
SlurmctldPort=$controller_port
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmdSpoolDir=$dir/spool-%n
StateSaveLocation=$dir/state
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=2
KillWait=5
OverTimeLimit=2
SlurmdTimeout=10
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$first_port CPUs=2 RealMemory=4000 Gres=gpu:h200:2 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$second_port CPUs=2 RealMemory=4000 Gres=gpu:h200:2 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE LLN=YES State=UP
PartitionName=short Nodes=n1,n2 MaxTime=10 State=UP
C
# Devices that stand in for NVIDIA's: Slurm wants to see some.
for number in 0 1; do mknod "$dir/nvidia$number" c 1 3; done
cat > "$dir/gres.conf" <<C
NodeName=n1,n2 Name=gpu Type=h200 File=$dir/nvidia[0-1]
C
export SLURM_CONF="$dir/slurm.conf"
slurmctld -c -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF" -N n1
slurmd -f "$SLURM_CONF" -N n2
for _ in $(seq 150); do
  [ "$(sinfo -h -p main -t idle -o %D 2>/dev/null)" = 2 ] && exit 0
  sleep 0.2
done
sinfo -N -l
tail -n 20 "$dir"/log/*.log
exit 1
