# machines.sh - further machines within the sandbox; sourced by tests/sandbox.
#
# A machine is a network, mount and uts namespace on a bridge of the sandbox's own, where
# the sandbox itself is 10.77.0.1 (sandbox.denshi.test). It has its own /etc/denshi,
# /var/lib/denshi, /var/lib/denshi-server, /run/denshi, /run/denshi-slapd and /etc/hosts;
# all else, users and programs among it, it shares. Its processes end with the sandbox.
# shellcheck shell=bash disable=SC2154
NET=10.77.0
OWN_FOLDERS='/etc/denshi /var/lib/denshi /var/lib/denshi-server /run/denshi /run/denshi-slapd'

# The names of the machines that were asked for.
machine_names() {
	local k
	for ((k = 1; k <= hosts; k++)); do echo "h$k"; done
	for ((k = 1; k <= spare; k++)); do echo "m$k"; done
}

write_hosts_file() { # ADDRESS of sandbox.denshi.test
	local name k=10
	printf '127.0.0.1 localhost\n%s sandbox.denshi.test sandbox\n::1 localhost\n' "$1"
	for name in $(machine_names); do
		echo "$NET.$((++k)) $name.denshi.test $name"
	done
}

make_bridge() {
	ip link add br0 type bridge && ip addr add $NET.1/24 dev br0 && ip link set br0 up ||
		die "this kernel or container has no bridge"
	write_hosts_file 127.0.0.1 >/etc/hosts
	mkdir -p $SANDBOX/machines
	write_hosts_file $NET.1 >$SANDBOX/machines/hosts
}

# in_machine NAME COMMAND...: replaces the shell.
in_machine() {
	local pid
	pid=$(cat "$SANDBOX/machines/$1.pid") || die "there is no machine $1"
	shift
	exec nsenter --target "$pid" --net --mount --uts -- "$@"
}

furnish_machine() { # NAME ADDRESS, inside it
	local folder
	echo "$1.denshi.test" >/proc/sys/kernel/hostname
	ip link set lo up
	ip addr add "$2/24" dev eth0 && ip link set eth0 up
	echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
	mount --bind $SANDBOX/machines/hosts /etc/hosts
	for folder in $OWN_FOLDERS; do
		mkdir -p "$folder"
		mount -t tmpfs -o mode=755 "$1" "$folder" || return 1
	done
	# As etc/denshi.tmpfiles has it.
	chown denshi:denshi /var/lib/denshi /run/denshi
	chown openldap:denshi-directory /run/denshi-slapd && chmod 750 /run/denshi-slapd
}

make_further_machine() { # NAME ADDRESS
	local pid n
	unshare --net --mount --uts sleep infinity &
	pid=$!
	for ((n = 0; n < 200; n++)); do
		[ "$(readlink /proc/$pid/ns/uts)" = "$(readlink /proc/self/ns/uts)" ] || break
		sleep 0.02
	done
	echo $pid >"$SANDBOX/machines/$1.pid"
	ip link add "v-$1" type veth peer name eth0 netns $pid && ip link set "v-$1" master br0 up ||
		die "no network for $1"
	(
		export SANDBOX OWN_FOLDERS
		export -f furnish_machine
		in_machine "$1" "$BASH" -c 'furnish_machine "$@"' - "$1" "$2"
	) || die "the machine $1 can't be made"
}

# join_host NAME: as a person would do it.
join_host() {
	local file=$SANDBOX/machines/$1.join passphrase
	denshi host add "$1.denshi.test" --output "$file" >"$SANDBOX/machines/$1.added" 2>&1 ||
		{ cat "$SANDBOX/machines/$1.added" >&2; die "denshi host add failed"; }
	passphrase=$(sed -n 's/.*: *\([a-z0-9]\{4\}\(-[a-z0-9]\{4\}\)\{3\}\)$/\1/p' "$SANDBOX/machines/$1.added")
	(in_machine "$1" denshi setup --join "$file" --yes --password-fd 3 3<<<"$passphrase") \
		>"$SANDBOX/machines/$1.joined" 2>&1 ||
		{ cat "$SANDBOX/machines/$1.joined" >&2; die "$1 could not join"; }
	rm "$file"
}

start_host() { # NAME
	start "denshid-$1" root "$(command -v sandbox-host)" "$1" \
		setpriv --reuid=denshi --regid=denshi --groups=denshi-directory --bounding-set=-all \
		--inh-caps=-all --no-new-privs /usr/sbin/denshid --foreground
}

# For COMMAND, on its PATH.
write_machine_commands() {
	{
		printf '#!/bin/bash\n# sandbox-host NAME COMMAND...: COMMAND on the machine NAME\n'
		declare -p SANDBOX
		declare -f say die in_machine
		echo 'in_machine "$@"'
	} >/usr/local/sbin/sandbox-host
	{
		printf '#!/bin/bash\n# sandbox-link down|up NAME [OTHER]: the cable of NAME, or just its way to OTHER\n'
		printf '# (a machine, or sandbox). Nobody is told: what is sent is lost.\n'
		declare -p SANDBOX
		declare -f say die lose_way
		cat <<-'EOF'
			case $#:$1 in
			2:down | 2:up) ip link set "v-$2" "$1" ;;
			3:down | 3:up) lose_way "$1" "$2" "$3" && lose_way "$1" "$3" "$2" ;;
			*) die "down or up, NAME, perhaps OTHER" ;;
			esac
		EOF
	} >/usr/local/sbin/sandbox-link
	chmod 755 /usr/local/sbin/sandbox-host /usr/local/sbin/sandbox-link
}

# lose_way down|up FROM TO: frames to TO leave FROM for an address that nobody has.
lose_way() {
	local address inside=sandbox-host device=eth0 name=$2
	address=$(awk -v n="$3.denshi.test" '$2 == n { print $1 }' "$SANDBOX/machines/hosts")
	[ -n "$address" ] || die "there is no machine $3"
	if [ "$2" = sandbox ]; then inside=env device=br0 name=DENSHI_MACHINE=sandbox; fi
	if [ "$1" = down ]; then
		$inside "$name" ip neigh replace "$address" lladdr 02:00:00:00:00:01 dev $device nud permanent
	else
		$inside "$name" ip neigh del "$address" dev $device
	fi
}

make_machines() {
	local name k=10
	make_bridge
	write_machine_commands
	for name in $(machine_names); do
		make_further_machine "$name" "$NET.$((++k))"
	done
}

join_hosts() {
	local k
	for ((k = 1; k <= hosts; k++)); do
		join_host "h$k"
		start_host "h$k"
	done
	for ((k = 1; k <= hosts; k++)); do
		await "denshid-h$k" sandbox-host "h$k" getent passwd $MASTER
	done
}
