#!/bin/bash
# kill -9 at every step (R-CERT-2, R-CERT-5): of `denshi cert get`, nothing half-written stays and the grant
# can still be used; of denshi-ca, each grant gets one certificate and none is lost. A minute.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
work=$DENSHI_SANDBOX/killed
users=90
pin=chikuwa7
mkdir "$work"
cc -shared -fPIC -o "$work/killer.so" "$here/killer.c" -ldl || exit 2
chmod 755 "$work" "$work/killer.so"

name() { printf 'd-kill%03d' "$1"; }
{
	echo login,name,mail,role,authorities,accounts,password,certificate
	for ((k = 1; k <= users; k++)); do echo "$(name $k),Kill $k,k$k@acme.example,general,,,hatsu1234,grant"; done
} >"$work/users.csv"
chown d-master1 "$work" "$work/users.csv"
chmod 600 "$work/users.csv"
run runuser -u d-master1 -- denshi user import "$work/users.csv" --yes
check "users, each with a grant" done_well
run runuser -u d-master1 -- denshi user-update --yes --password-fd 0 <<<"$(approval_of d-master1)"
check "in force" done_well
await 10 getent passwd "$(name $users)"

get() { # USER [ENVIRONMENT...]: into a folder of its own
	mkdir -p "$work/$1"
	(cd "$work/$1" && env "${@:2}" denshi cert get --login "$1" --output c.p12 --pem c.pem --password-fd 3 --pin-fd 4 \
		3<<<hatsu1234 4<<<$pin)
}
certificates_of() { # USER: how many there are
	ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b ou=certificates,o=acme \
		"(&(denshiOwner=uid=$1,ou=people,o=acme)(denshiCertificate=*))" denshiCertificateSerial | grep -c '^denshiCertificateSerial:'
}
# Each file is whole, under its own name, and for its owner alone where it holds the key.
whole() { # FOLDER
	local f
	for f in "$1"/* "$1"/.[!.]*; do
		[ -e "$f" ] || continue
		case ${f##*/} in
		c.p12) openssl pkcs12 -in "$f" -passin pass:$pin -noout 2>/dev/null && [ "$(stat -c %a "$f")" = 600 ] ;;
		c.pem) openssl pkey -in "$f" -noout && [ "$(stat -c %a "$f")" = 600 ] ;;
		c.pem.crt) openssl x509 -in "$f" -noout ;;
		c.pem.pub) ssh-keygen -l -f "$f" >/dev/null ;;
		c.p12.waiting) tail -n +2 "$f" | openssl pkey -passin pass:$pin -noout && [ "$(stat -c %a "$f")" = 600 ] ;;
		*) false ;;
		esac || { echo "$f: not whole"; return 1; }
	done
}
is_a_pair() { # FOLDER
	[ "$(openssl pkey -in "$1/c.pem" -pubout)" = "$(openssl x509 -in "$1/c.pem.crt" -noout -pubkey)" ] && [ ! -e "$1/c.p12.waiting" ]
}

# ---- denshi cert get ----
bad=0 killed=0 resumed=0 k=0
for ((n = 1; n <= 60; n++)); do
	k=$((k + 1))
	u=$(name $k)
	get "$u" LD_PRELOAD="$work/killer.so" KILL_AT=$n >"$work/first.log" 2>&1
	rc=$?
	# It ran to its end: no step is left.
	[ $rc != 0 ] || break
	[ $rc = 137 ] && killed=$((killed + 1))
	whole "$work/$u" || bad=$((bad + 1))
	[ ! -e "$work/$u/c.p12.waiting" ] || resumed=$((resumed + 1))
	# Where the files were there already, only the key that waited was to go.
	if ! get "$u" >"$work/second.log" 2>&1 && ! { grep -q file-exists "$work/second.log" && is_a_pair "$work/$u"; }; then
		echo "step $n: the second run" && cat "$work/second.log"
		bad=$((bad + 1))
	fi
	{ whole "$work/$u" && is_a_pair "$work/$u" && [ "$(certificates_of "$u")" = 1 ]; } ||
		{ echo "step $n: $(ls -A "$work/$u" | xargs), $(certificates_of "$u") certificates"; bad=$((bad + 1)); }
done
out="killed at $killed steps, $resumed of them with a key that waited"
echo "denshi cert get: $out"
check "cert get: there are many steps" test $killed -ge 15
check "cert get: some were after the request" test $resumed -ge 5
check "cert get: nothing half-written stays, and the next run has it all" equals $bad 0

# ---- interrupted by hand, while the signer is silent ----
sandbox-service stop denshi-ca
k=$((k + 1))
u=$(name $k)
get "$u" >"$work/first.log" 2>&1 &
sleep 2
kill -INT "$(pgrep -f "denshi cert get --login $u" | head -n 1)" 2>/dev/null
wait $!
check "interrupted: the key waits" test -f "$work/$u/c.p12.waiting" -a ! -e "$work/$u/c.p12"
sandbox-service start denshi-ca
run get "$u"
check "run again: done" done_well
check "one certificate" equals "$(certificates_of "$u")" 1

# ---- denshi-ca ----
pid_of() { cat "$DENSHI_SANDBOX/denshi-ca.pid"; }
alive() { kill -0 "$(pid_of)" 2>/dev/null; }
asked() { # USER
	ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b ou=certificates,o=acme \
		"(&(denshiOwner=uid=$1,ou=people,o=acme)(denshiSigningRequest=*))" cn | grep -q '^cn:'
}
ca=/usr/sbin/denshi-ca\ --foreground command=$DENSHI_SANDBOX/denshi-ca.command
sandbox-service stop denshi-ca
bad=0 killed=0 after=0 survived=
for ((n = 1; n <= 60 && k < users && !after; n++)); do
	k=$((k + 1))
	u=$(name $k)
	get "$u" >"$work/get.log" 2>&1 &
	getter=$!
	await 5 asked "$u"
	echo "denshi-ca env LD_PRELOAD=$work/killer.so KILL_AT=$n $ca" >"$command"
	sandbox-service start denshi-ca
	echo "denshi-ca $ca" >"$command"
	for ((w = 0; w < 40; w++)); do alive && kill -0 $getter 2>/dev/null || break; sleep 0.05; done
	if alive; then
		survived=$n
		wait $getter
		# The step after signing may be the log's or the next list's: it has signed, that's the end.
		[ "$(certificates_of "$u")" = 1 ] && after=1
		sandbox-service stop denshi-ca
	else
		killed=$((killed + 1))
		sandbox-service start denshi-ca
		wait $getter || { cat "$work/get.log"; bad=$((bad + 1)); }
		kill -9 "$(pid_of)"
		while alive; do sleep 0.05; done
	fi
	[ "$(certificates_of "$u")" = 1 ] || { echo "step $n: $(certificates_of "$u") certificates"; bad=$((bad + 1)); }
	is_a_pair "$work/$u" || { echo "step $n: no pair"; bad=$((bad + 1)); }
done
sandbox-service start denshi-ca
echo "denshi-ca: killed at $killed steps of its start and signing; lives beyond step ${survived:-none}"
check "denshi-ca: there are many steps" test $killed -ge 8
check "denshi-ca: one certificate a grant, none lost" equals $bad 0
serials=$(ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b ou=certificates,o=acme '(denshiCertificateSerial=*)' denshiCertificateSerial |
	sed -n 's/^denshiCertificateSerial: //p')
check "no serial twice" equals "$(sort <<<"$serials" | uniq -d)" ""
# 128 random bits: of some 60 numbers, hardly one has less than 112.
out=$(awk '{ if (length($1) > 32 || length($1) < 28) print }' <<<"$serials")
check "serials are of 128 bits" says_nothing
summary
