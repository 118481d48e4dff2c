#!/bin/bash
# A certificate whose key is made in a PKCS#11 token and never leaves it (R-CERT-2): acquired, used by ssh and on
# a terminal, renewed; killed at every step, nothing half-made stays and the grant serves. softhsm2. A minute.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
work=$DENSHI_SANDBOX/token
pin=4711 so=4712
mkdir "$work" "$work/store"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/store" >/etc/softhsm/softhsm2.conf
chmod 755 /etc/softhsm "$work"
chmod 644 /etc/softhsm/softhsm2.conf
token() { softhsm2-util --init-token --free --label "$1" --pin $pin --so-pin $so >>"$work/log" 2>&1; }
module=$(find /usr/lib -name libsofthsm2.so | head -n 1)
objects() { pkcs11-tool --module "$module" --token-label "$1" --login --pin $pin --list-objects 2>/dev/null; } # TOKEN
count() { objects "$1" | grep -c "^$2 "; } # TOKEN "Private Key Object;"
pairs() { echo "$(count "$1" 'Private Key Object;') $(count "$1" 'Public Key Object;') $(count "$1" 'Certificate Object;')"; }
token acme
user=d-token001
new_user $user
grant() { # USER
	runuser -u d-master1 -- denshi cert grant "$1" --yes >/dev/null
	as_master user-update --yes >/dev/null
}
get() { # USER TOKEN [PASSWORD [PIN]]
	run sh -c "cd $work && exec ${killer:-} denshi cert get --login $1 --token '$2' ${options:-} --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	${3:-hatsu1234}
	A
	${4:-$pin}
	B"
}

# ---- refusals, before anything is used ----
grant $user
get $user nobody
check "no such token" says 'no such PKCS#11 token' ''
get $user pkcs11:nonsense=%
check "a URI that is none" refused
options='--pem x.pem' get $user acme
check "a file beside the token" says cli-token-alone ''
get $user acme hatsu1234 4700
check "a wrong PIN" says cert-pin-wrong ''
get $user acme wrong-0000
check "a wrong password" says login-wrong ''
check "nothing is in the token" equals "$(pairs acme)" "0 0 0"
token acme
get $user acme
check "two of this name: said" says 'more than one' ''
rm -r "$work/store"
mkdir "$work/store"
token acme

# ---- acquired ----
get $user acme
check "acquired" done_well
check "how to use it is told" says "PKCS11Provider.*$user@" ''
uri=$(sed -n 's/.*\(pkcs11:[^ ]*\)$/\1/p' <<<"$out" | head -n 1)
check "a pair and its certificate" equals "$(pairs acme)" "1 1 1"
check "no file" equals "$(ls "$work" | grep -c "p12\|pem")" 0
out=$(objects acme)
check "its label says whose" says "label: *denshi $user" ''
check "the key can't be read out" says 'Access: *.*never extractable' ''
check "it is the one on record" equals "$(pkcs11-tool --module "$module" --token-label acme --read-object --type cert --label "denshi $user" 2>/dev/null |
	openssl x509 -inform der -noout -pubkey | ssh-keygen -i -m PKCS8 -f /dev/stdin)" "$(/usr/libexec/denshi/denshi-ssh-keys $user | cut -d' ' -f1,2)"
get $user acme
check "again, without a grant" says grant-none ''
check "leaves what was there" equals "$(pairs acme)" "1 1 1"

# ---- used: on a terminal, and by ssh ----
user=d-maker01
password=$(login_of $user)
home=$(getent passwd $user | cut -d: -f6)
chown -R $user "$work/store"
as_user() { runuser -u $user -- "$@"; }
get_own() { # OPTION...: the user, from a terminal's view; PIN, then password
	run as_user env HOME="$home" denshi "$@" --password-fd 0 <<<"$pin
$password"
}
grant $user
get_own cert get --token acme
check "by its user: acquired" done_well
uri=$(sed -n "s/.*echo '\(pkcs11:[^']*\)'.*/\1/p" <<<"$out")
install -d -m 700 -o $user "$home" "$home/.denshi"
keep() { echo "$1" >"$home/.denshi/token"; chown $user "$home/.denshi/token"; } # URI
log_in() { answers 'PIN of your certificate: $' $pin "$ask_password" "$password"; converse pamtester denshi-cert $user authenticate acct_mgmt; }
keep "$uri"
log_in
check "a login on a terminal: in" done_well
ssh_in() {
	answers "Enter PIN for '[^']*': \$" $pin "$ask_password" "$password"
	converse runuser -u $user -- ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=5 \
		-o NumberOfPasswordPrompts=1 -o PKCS11Provider=p11-kit-proxy.so $user@127.0.0.1 'id -un'
}
ssh_in
check "ssh: in" says "^$user" ''

# ---- renewed there: the key before signs in the token ----
cc -shared -fPIC -o "$work/clock.so" "$here/clock.c" || exit 2
chmod 755 "$work/clock.so"
get_own cert renew "$uri"
check "too early to renew" says cert-not-due ''
later() { # SERVICE...: in its last month
	local s
	for s; do
		sandbox-service stop "$s"
		LD_PRELOAD=$work/clock.so CLOCK_OFFSET=$((350 * 86400)) sandbox-service start "$s"
	done
}
later denshi-ca denshid
await 10 getent passwd $user
get_own cert renew "$uri"
check "renewed in the token" done_well
check "another pair, another certificate" equals "$(pairs acme)" "3 3 3"
next=$(sed -n "s/.*echo '\(pkcs11:[^']*\)'.*/\1/p" <<<"$out")
check "the one before is worth nothing" sh -c "[ '$next' != '$uri' ]"
log_in
check "a login with it: told" says cert-superseded ''
keep "$next"
log_in
check "with the next one: in" done_well
for s in denshi-ca denshid; do sandbox-service stop $s; sandbox-service start $s; done
await 10 getent passwd $user
chown -R root "$work/store"

# ---- RSA ----
options=--rsa user=d-token001
grant $user
get $user acme
check "an RSA key: acquired" done_well
out=$(objects acme)
check "of 3072 bits" says 'RSA 3072 bits' ''
options=

# ---- killed at every step ----
cc -shared -fPIC -o "$work/killer.so" "$here/killer.c" -ldl || exit 2
chmod 755 "$work/killer.so"
token killed
bad=0 killed=0 resumed=0 grants=0 before=$(count killed 'Certificate Object;')
certificates() { # USER
	ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b ou=certificates,o=acme \
		"(&(denshiOwner=uid=$1,ou=people,o=acme)(denshiCertificate=*))" denshiCertificateSerial | grep -c '^denshiCertificateSerial:'
}
for ((n = 1; n < 100000; n += n < 20 ? 1 : 197)); do
	[ $grants -gt 0 ] || { grant $user; grants=1; }
	issued=$(certificates $user)
	killer="env LD_PRELOAD=$work/killer.so KILL_AT=$n" get $user killed
	# It ran to its end: no step is left.
	[ $rc != 0 ] || break
	[ $rc = 137 ] && killed=$((killed + 1))
	get $user killed
	grants=0
	case $out in *'going on'*) resumed=$((resumed + 1)) ;; esac
	# Killed after the last of it, what there is is all there is to have.
	if ! done_well && ! { says grant-none '' && [ "$(certificates $user)" != "$issued" ]; }; then
		echo "step $n: the second run: $out"
		bad=$((bad + 1))
	fi
	before=$((before + 1))
	[ "$(pairs killed)" = "$before $before $before" ] || { echo "step $n: $(pairs killed), not $before"; bad=$((bad + 1)); }
done
echo "denshi cert get --token: killed at $killed steps, $resumed of them with a key that waited; ends at step $n"
check "there are many steps" test $killed -ge 25
check "some were after the key was made" test $resumed -ge 3
check "nothing half-made stays, and the next run has it all" equals $bad 0
summary
