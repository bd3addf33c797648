#!/bin/sh
# The guest's first process: makes the system whole enough for the lab, runs it, says how it ended.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /dev/net
mknod /dev/net/tun c 10 200
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mkdir -p /run/netns /run/lock
exec 2>&1
ip link set lo up
echo "netdrop-vm-up $(uname -r) $(cut -d' ' -f1 /proc/uptime)"

set --
while IFS= read -r argument; do
    [ -z "$argument" ] || set -- "$@" "$argument"
done </arguments
/netdrop-tests --guest --netdrop /netdrop "$@"
code=$?
if [ "$code" != 0 ]; then
    echo "the kernel's last words:"
    dmesg | tail -n 40
fi
echo "netdrop-vm-end $code"
poweroff -f
