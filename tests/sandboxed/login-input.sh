#!/bin/bash
# Bad input at a login: names that look like a user's, passwords that can be nobody's, wrong lines in a service
# file. Each a clear refusal; nothing counts, and never two names for one user (R-ID-1, R-ID-2). About 15 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
user=d-maker01
password=$(login_of $user)
all_binds() { grep -c ' BIND dn="[^"]*ou=people,o=acme" method=128' "$DENSHI_SANDBOX/slapd.log"; }
log_in() { run pamtester denshi "$1" authenticate acct_mgmt <<<"$2"; }

# ---- names ----
for name in D-MAKER01 D-maker01 d-Maker01; do
	log_in "$name" "$password"
	check "$name is $user" done_well
done
log_in D-Maker01 wrong-1
check "a wrong password under another spelling" refused
check "counts for the one user" equals "$(taken $user)" 1
clear_attempts $user
before=$(all_binds)
names=("d-maker01 " " d-maker01" "d-maker01  " "ｄ-maker01" "d－maker01" "d-ｍaker01" "d-maker０１" "d-mаker01"
	"d-maker01"$'\t' "d-maker01"$'\n' "d-maker01/x" "d-maker01@acme" "d-maker01)(uid=*" "d-*" "d-maker0" "d-maker011" "d-"
	"d-maker01"$'\xe9' "uid=d-maker01")
for name in "${names[@]}"; do
	log_in "$name" "$password"
	check "$(printf '%q' "$name"): refused" refused
	run pamtester denshi "$name" acct_mgmt
	check "$(printf '%q' "$name"): nor let past the account phase" refused
	run getent passwd "$name"
	check "$(printf '%q' "$name"): no such user" refused
done
check "none of them counted" equals "$(taken $user)" 0
check "and none was evaluated as a user's" equals "$(all_binds)" "$before"

# ---- passwords, as PAM can hand them over ----
sjis=$(printf '\x83\x70\x83\x58\x83\x8f\x81\x5b\x83\x68')
bad=("$(printf 'a%.0s' {1..257})" 'ｐａｓｓｗｏｒｄ' "$sjis" $'latin\xe9' $'over\xc0\xaflong' $'bell\a' $'\177' "パスワード" $'tab\there')
for guess in "${bad[@]}"; do
	log_in $user "$guess"
	check "$(printf '%.20q' "$guess"): refused, and told why" says 'nothing was counted.*\[password-(impossible|too-long)\]' ''
done
log_in $user ''
check "an empty one: refused" refused
check "none of them counted" equals "$(taken $user)" 0
check "none was evaluated" equals "$(all_binds)" "$before"
log_in $user "$password"
check "the right one still gets in" done_well

# ---- passwords, as only a program of its own can: on denshid's socket ----
cat >"$DENSHI_SANDBOX/raw.py" <<'END'
import socket, struct, sys
TAGS = dict(login=5, service=6, password=11)
def field(tag, value):
    pad = (len(value) + 1 + 3) // 4 * 4 - len(value)
    return struct.pack("HHI", tag, 0, len(value)) + value + bytes(pad)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(5)
s.connect("/run/denshi/denshid.sock")
login = sys.argv[1].encode()
password = eval(sys.stdin.read())
s.send(struct.pack("4sHH", b"DEN1", 2, 0) + field(TAGS["login"], login) + field(TAGS["service"], b"raw") +
       field(TAGS["password"], password))
magic, kind, flags = struct.unpack("4sHH", s.recv(65536)[:8])
print("code", kind)
END
raw() { run python3 "$DENSHI_SANDBOX/raw.py" $user <<<"$1"; }
before=$(all_binds)
raw "b'wrong-raw'"
wrong=$out
check "the socket is spoken to: a wrong one is evaluated" equals $(($(all_binds) - before)) 1
check "and counts" equals "$(taken $user)" 1
clear_attempts $user
before=$(all_binds)
nul=("b'$password\\0'" "b'\\0'" "b'\\0$password'" "b'$password\\0junk'" "b'x' * 257" "b'x' * 60000" "b'\\xff\\xfe'" "b''")
for guess in "${nul[@]}"; do
	raw "$guess"
	check "$(printf '%.30s' "$guess"): another refusal than a wrong one" sh -c "[ '$out' != '$wrong' ] && [ '$out' != 'code 0' ] && [ -n '$out' ]"
done
check "nothing of that counted" equals "$(taken $user)" 0
check "nor was it evaluated" equals "$(all_binds)" "$before"

# ---- a service file with a mistake ----
mkdir -p /etc/pam.d
n=0
mistake() { # ARGUMENT WHAT-THE-LOG-NAMES
	n=$((n + 1))
	printf 'auth required pam_denshi.so certificate=off %s\naccount required pam_denshi.so certificate=off %s\n' "$1" "$1" \
		>"/etc/pam.d/wrong$n"
	# What the module logs goes to syslog: a socket of the test's.
	run timeout 10 python3 "$DENSHI_SANDBOX/syslog.py" "$DENSHI_SANDBOX/syslog.$n" pamtester wrong$n $user authenticate <<<"$password"
	check "$1: refused, though the password is right" refused
	check "$1: as an error of the service" says '\[module-argument\]' ''
	out=$(cat "$DENSHI_SANDBOX/syslog.$n")
	check "$1: the log names the service's file and the argument" says "wrong$n.*$2" ''
}
cat >"$DENSHI_SANDBOX/syslog.py" <<'END'
import os, socket, subprocess, sys
log = open(sys.argv[1], "wb")
if os.path.exists("/dev/log") or os.path.islink("/dev/log"):
    os.unlink("/dev/log")
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
status = subprocess.run(sys.argv[2:]).returncode
s.settimeout(0.2)
try:
    while True:
        log.write(s.recv(65536) + b"\n")
except TimeoutError:
    pass
os.unlink("/dev/log")
sys.exit(status)
END
mistake certificat=off 'certificat=off'
mistake certificate=maybe 'argument certificate: found maybe'
mistake socket=here 'argument socket: found here'
mistake quiet=yes 'argument quiet: found yes'
mistake nullok nullok
mistake 'quiet quiet' quiet
mistake certificate= 'argument certificate: found'
check "and none of these counted" equals "$(taken $user)" 0
summary
