#!/bin/bash
# sandbox: outside
# Each system call of pam_denshi fails in turn, as strace(1) makes it: no crash, no hang, and nobody gets
# in who shouldn't. About 15 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${DENSHI_SANDBOX:-}" ] || exec "$here/sandbox" --populated --fast --language en -- "$here/sandboxed/module-faults.sh"
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
bench="${DENSHI_BUILD:?}/bench/pambench -C $DENSHI_SANDBOX/pam.d -S faults -nodelay -a -race 1"
right=d-maker01 gone=d-both001
mkdir "$DENSHI_SANDBOX/pam.d"
# Nothing but the module: what fails is its own.
printf '%s required pam_denshi.so certificate=off\n' auth account >"$DENSHI_SANDBOX/pam.d/faults"
suspend $gone

# The calls from the module's first to its last: NAME TAB which of that name it is in the process.
calls() {
	# shellcheck disable=SC2086
	strace -f -o "$DENSHI_SANDBOX/trace" $bench -u $right -p "$(login_of $right)" >/dev/null
	awk '/AF_UNIX, SOCK_SEQPACKET/ { client = $1 } { pid[NR] = $1; line[NR] = $0 } END {
		for (k = 1; k <= NR; k++) {
			if (pid[k] != client || line[k] !~ /^[0-9]+ +[a-z0-9_]+\(/) continue
			name = line[k]; sub(/^[0-9]+ +/, "", name); sub(/\(.*/, "", name)
			nth[name]++
			if (line[k] ~ /AF_UNIX, SOCK_SEQPACKET/) inside = 1
			if (line[k] ~ /AF_NETLINK/) inside = 0
			if (inside && name != "exit_group") print name "\t" nth[name]
		}
	}' "$DENSHI_SANDBOX/trace"
}
calls >"$DENSHI_SANDBOX/calls"
total=$(wc -l <"$DENSHI_SANDBOX/calls")
out=$(cat "$DENSHI_SANDBOX/calls")
check "the module's calls are known ($total)" test "$total" -gt 25
check "sending and receiving among them" sh -c "grep -q '^sendto' '$DENSHI_SANDBOX/calls' && grep -q '^recvfrom' '$DENSHI_SANDBOX/calls'"

injected=0 missed=0 died=0 stray=0 let_in=0 hung=0
# faulty USER PASSWORD NAME NTH FAULT: one login.
faulty() {
	# shellcheck disable=SC2086
	out=$(timeout 20 strace -f -o "$DENSHI_SANDBOX/trace" -e trace="$3" -e inject="$3:$5:when=$4" \
		$bench -u "$1" -p "$2" 2>&1)
	rc=$?
	[ $rc != 124 ] || hung=$((hung + 1))
	if grep -q INJECTED "$DENSHI_SANDBOX/trace"; then injected=$((injected + 1)); else missed=$((missed + 1)); fi
	if grep -q 'died' <<<"$out" || grep -q 'killed by' "$DENSHI_SANDBOX/trace"; then
		died=$((died + 1))
		echo "died: $3 $4 $5" >&2
	fi
	! grep -q $'^PAM_SUCCESS\t1' <<<"$out" || return 0
	return 1
}
n=0
while IFS=$'\t' read -r name nth; do
	for fault in error=EIO error=EINTR retval=0; do
		case $fault:$name in
		# That something was done which wasn't, is told of what can be short.
		retval=0:sendto | retval=0:recvfrom | retval=0:poll) [ "$nth" -le 3 ] || continue ;;
		retval=0:*) continue ;;
		esac
		n=$((n + 1))
		if faulty $right "$(login_of $right)" "$name" "$nth" $fault; then let_in=$((let_in + 1)); fi
		if faulty $gone "$(login_of $gone)" "$name" "$nth" $fault; then
			stray=$((stray + 1))
			echo "let in, suspended: $name $nth $fault" >&2
		fi
		if faulty $right "wrong-$n" "$name" "$nth" $fault; then
			stray=$((stray + 1))
			echo "let in, wrong password: $name $nth $fault" >&2
		fi
		[ $((n % 4)) != 0 ] || clear_attempts $right
	done
done <"$DENSHI_SANDBOX/calls"
out="$n faults, three logins each: $injected injected, $missed not reached, $let_in of the right ones let in"
echo "$out"
check "faults were made" test "$injected" -gt $((n * 2))
check "nobody gets in who shouldn't" equals $stray 0
check "no crash" equals $died 0
check "no hang" equals $hung 0
check "some of them were refusals of the right user" test $let_in -lt $n
clear_attempts $right
run pamtester denshi $right authenticate acct_mgmt <<<"$(login_of $right)"
check "and a login goes on afterwards" done_well
summary
