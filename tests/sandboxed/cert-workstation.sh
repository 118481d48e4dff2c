#!/bin/bash
# A certificate on a machine that isn't a host (R-CERT-2): through ssh and an account that can nothing
# else. 10 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
work=$DENSHI_SANDBOX/workstation
pin=chikuwa7
mkdir "$work"
id denshi-get >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/libexec/denshi/denshi-relay denshi-get

# ---- the host's side, as /usr/share/denshi/ssh/denshi-get.conf says it ----
ssh-keygen -q -t ed25519 -N '' -C denshi-get -f "$work/denshi-get"
install -m 644 "$work/denshi-get.pub" /etc/denshi/denshi-get.keys
{
	sed 's/^ListenAddress.*/ListenAddress 127.0.0.1:2222/' "$DENSHI_SANDBOX/sshd_config"
	cat /usr/share/denshi/ssh/denshi-get.conf
} >"$work/sshd_config"
check "sshd takes the example" /usr/sbin/sshd -t -f "$work/sshd_config"
/usr/sbin/sshd -D -e -f "$work/sshd_config" 2>"$work/sshd.log" &
sshd=$!
await 10 grep -q listening "$work/sshd.log"

# ---- the workstation: no denshid, no directory ----
mkdir -p "$work/home/.ssh"
printf '[127.0.0.1]:2222 %s\n' "$(cut -d' ' -f1,2 "$DENSHI_SANDBOX/ssh_host_key.pub")" >"$work/known_hosts"
printf 'Host host1\n\tHostName 127.0.0.1\n\tPort 2222\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tUserKnownHostsFile %s\n\tBatchMode yes\n' \
	"$work/denshi-get" "$work/known_hosts" >"$work/ssh_config"
# ssh takes its home from the passwd database; a wrapper gives it the file instead.
mkdir "$work/bin"
printf '#!/bin/sh\nexec /usr/bin/ssh -F %s "$@"\n' "$work/ssh_config" >"$work/bin/ssh"
chmod 755 "$work/bin/ssh"
elsewhere() { # COMMAND...: where nothing of denshi's runs
	(cd "$work" && PATH=$work/bin:$PATH unshare --mount sh -c '
		mount -t tmpfs none /run/denshi && mount -t tmpfs none /run/denshi-slapd && mount -t tmpfs none /var/lib/denshi && exec "$@"' - "$@")
}
new_user d-desk0001
runuser -u d-master1 -- denshi cert grant d-desk0001 --yes >/dev/null
as_master user-update --yes >/dev/null
get() { # PASSWORD [OPTION...]
	elsewhere sh -c "exec denshi cert get --login d-desk0001 --output desk.p12 --pem desk.pem ${*:2} --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	$1
	A
	$pin
	B"
}
run get hatsu1234
check "without --via there is nobody to ask" refused
run get wrong-0000 --via host1
check "a wrong password" says login-wrong ''
check "is an attempt like any other" equals "$(taken d-desk0001)" 1
run get hatsu1234 --via host1
check "acquired through ssh" done_well
check "the files are here" openssl pkcs12 -in "$work/desk.p12" -passin pass:$pin -noout
check "the CA's certificate came with it" equals "$(openssl pkcs12 -in "$work/desk.p12" -passin pass:$pin -cacerts -nokeys 2>/dev/null |
	openssl x509 -noout -fingerprint)" "$(openssl x509 -in /var/lib/denshi/ca.pem -noout -fingerprint)"
check "it is the one on record" equals "$(/usr/libexec/denshi/denshi-ssh-keys d-desk0001 | cut -d' ' -f1,2)" "$(cut -d' ' -f1,2 "$work/desk.pem.pub")"
check "the key never was on the host's side" equals "$(grep -rl 'PRIVATE KEY' /var/lib/denshi /run/denshi 2>/dev/null)" ""
run pamtester denshi d-desk0001 authenticate acct_mgmt <<<hatsu1234
check "the initial password still is one" says 'no longer valid|new one required|change' ''
run get hatsu1234 --via nowhere.invalid
check "a host that isn't there: told, no hang" refused

# ---- the account can nothing else ----
knock() { timeout 20 "$work/bin/ssh" -l denshi-get "$@" </dev/null 2>&1; }
run knock host1 id
check "no command is run" says_nothing
run timeout 20 "$work/bin/ssh" -tt -l denshi-get host1 </dev/null
check "no terminal" says_not 'uid=|\$ ' 'uid=|\$ '
run timeout 5 "$work/bin/ssh" -l denshi-get -o ExitOnForwardFailure=yes -N -R 2299:127.0.0.1:22 host1
check "no forwarding from there" refused
run sh -c "timeout 5 $work/bin/ssh -l denshi-get -W 127.0.0.1:22 host1 </dev/null"
check "nor through it" refused
run sh -c "echo ls | timeout 20 sftp -F $work/ssh_config -b - denshi-get@host1"
check "no files" refused
# Messages that aren't for it: STATUS (20), packed by hand.
run sh -c "printf '\0\0\0\10DEN1\24\0\0\0' | timeout 20 $work/bin/ssh -l denshi-get host1 | tr -d '\0'"
check "another request: not permitted" says 'denshi-relay' ''
check "nothing about the organisation" says_not acme acme
run sh -c "printf '\377\377\377\377junk' | timeout 20 $work/bin/ssh -l denshi-get host1 2>/dev/null | wc -c"
check "junk: no answer" equals "$out" 0
head -c 100000 /dev/urandom >"$work/junk"
run sh -c "timeout 20 $work/bin/ssh -l denshi-get host1 <$work/junk 2>/dev/null | wc -c"
check "more of it: none either" equals "$out" 0
kill $sshd
summary
