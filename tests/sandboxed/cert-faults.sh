#!/bin/bash
# Each fault of a certificate has a message of its own (R-LOGIN-1); what was revoked or replaced stops
# logins within 5 s, and is on the list that every host has as a file, also for nginx (R-CERT-4). 15 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
work=$DENSHI_SANDBOX
certs=$work/certs
pin=chikuwa7
user=d-maker01
password=$(login_of $user)
ca=/var/lib/denshi/ca.pem crl=/var/lib/denshi/crl.pem
log_in() { converse pamtester denshi-cert $user authenticate acct_mgmt; }
keep() { # FILE
	local d
	d=$(getent passwd $user | cut -d: -f6)/.denshi
	install -d -m 700 -o $user "$(dirname "$d")" "$d"
	install -m 600 -o $user "$1" "$d/certificate.p12"
}
refused_as() { # WHAT CODE
	answers 'PIN of your certificate: $' $pin
	log_in
	check "$1: refused" refused
	check "$1: its message" says "$2" ''
}
let_in() {
	answers 'PIN of your certificate: $' $pin "$ask_password" "$password"
	log_in
	check "$1" done_well
}
not_listed() { ! listed "$1"; }

# ---- the files ----
check "the CA's certificate is on the host" openssl x509 -in $ca -noout
check "the list is the CA's" sh -c "openssl crl -in $crl -CAfile $ca -noout 2>&1 | grep -q 'verify OK'"
from=$(date -d "$(openssl crl -in $crl -noout -lastupdate | cut -d= -f2)" +%s)
until=$(date -d "$(openssl crl -in $crl -noout -nextupdate | cut -d= -f2)" +%s)
check "and good for a day" test $((until - from)) -ge 86400 -a $((until - from)) -le 87000
check "everybody may read both" equals "$(stat -c %a $ca $crl | xargs)" "644 644"

# ---- nginx: the list alone, before any password ----
start_nginx_for_holders "$ca" "$crl"
await 10 page "$certs/$user.pem"
check "nginx: a good one" equals "$(page "$certs/$user.pem")" 200

# ---- dates, by denshid's clock ----
cc -shared -fPIC -o "$work/clock.so" "$here/clock.c" || exit 2
chmod 755 "$work/clock.so"
denshid_at() { # DAYS beside the machine's clock
	sandbox-service stop denshid
	LD_PRELOAD=$work/clock.so CLOCK_OFFSET=$(($1 * 86400)) sandbox-service start denshid
}
keep "$certs/$user.p12"
let_in "a good one: in"
denshid_at 366
refused_as "expired" cert-expired
denshid_at -1
refused_as "not yet valid" cert-not-yet-valid
sandbox-service stop denshid
sandbox-service start denshid
await 10 getent passwd $user

# ---- whose, and whose CA ----
keep "$certs/d-appr001.p12"
refused_as "another subject" cert-wrong-subject
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/own.key" -subj "/O=acme/CN=$user" \
	-addext extendedKeyUsage=clientAuth -out "$work/own.crt" 2>/dev/null
openssl pkcs12 -export -inkey "$work/own.key" -in "$work/own.crt" -passout pass:$pin -out "$work/own.p12"
keep "$work/own.p12"
refused_as "a foreign CA's" cert-wrong-ca

# ---- superseded: the next certificate takes the place of the one before ----
old=$(serial_of "$certs/$user.pem.crt")
check "in use: not on the list" not_listed "$old"
runuser -u d-master1 -- denshi cert grant $user --yes >/dev/null
as_master user-update --yes >/dev/null
(cd "$certs" && denshi cert get --login $user --output next.p12 --pem next.pem --password-fd 3 --pin-fd 4 \
	3<<<"$password" 4<<<$pin) >"$work/get.log" 2>&1
new=$(serial_of "$certs/next.pem.crt")
keep "$certs/$user.p12"
refused_as "the one before" cert-superseded
keep "$certs/next.p12"
let_in "the next one: in"
check "the one before is listed within 5 s" await 5 listed "$old"
out=$(listed "$old")
check "as superseded" says 'Superseded' ''
check "the next one isn't" not_listed "$new"
kill -HUP $nginx # what denshi-crl.path does
check "nginx refuses the one before" await 5 sh -c "[ \$(curl -sk -o /dev/null -w '%{http_code}' --cert $certs/$user.pem.crt \
	--key $certs/$user.pem https://127.0.0.1:8443/) = 400 ]"
check "nginx takes the next one" equals "$(page "$certs/next.pem")" 200

# ---- revoked ----
run runuser -u d-master1 -- denshi cert show $user
check "cert show: its number" says "$(tr A-F a-f <<<"$new")" ''
check "cert show: its fingerprint" says "$(openssl x509 -in "$certs/next.pem.crt" -noout -fingerprint -sha256 | cut -d= -f2 | tr -d : | tr A-F a-f)" ''
number=$(openssl crl -in $crl -noout -crlnumber)
as_master cert revoke $user --reason 'laptop lost' >/dev/null
run runuser -u d-master1 -- denshi cert show $user
check "cert show: revoked, and why" says 'laptop lost' ''
run runuser -u d-plain01 -- denshi cert show $user
check "cert show: another's is a master's to see" refused
refused_as "revoked" cert-revoked
check "ssh: no key any more" equals "$(/usr/libexec/denshi/denshi-ssh-keys $user 2>/dev/null)" ""
check "it is listed within 5 s" await 5 listed "$new"
check "on another list" test "$(openssl crl -in $crl -noout -crlnumber)" != "$number"
kill -HUP $nginx
check "nginx refuses it" await 5 sh -c "[ \$(curl -sk -o /dev/null -w '%{http_code}' --cert $certs/next.pem.crt \
	--key $certs/next.pem https://127.0.0.1:8443/) = 400 ]"
keep "$certs/$user.p12"
refused_as "and none before it is in force again" cert-revoked

# ---- a list that is put back is not taken ----
number=$(openssl crl -in $crl -noout -crlnumber)
sandbox-service stop denshid
openssl crl -in $crl -outform der -out "$work/now.crl"
# Made by the real CA's key, older than the one in the file: as a server that lags behind has it.
mkdir -p "$work/lag"
printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s/lag/index\ncrlnumber=%s/lag/number\ndefault_md=sha384\n' "$work" "$work" >"$work/lag/conf"
: >"$work/lag/index"
echo 01 >"$work/lag/number"
openssl ca -config "$work/lag/conf" -gencrl -crldays 1 -keyfile /var/lib/denshi-server/ca/ca.key -cert $ca -out "$work/lag/crl.pem" 2>/dev/null
openssl crl -in "$work/lag/crl.pem" -outform der -out "$work/lag/crl.der"
sandbox-service stop denshi-ca
printf 'dn: cn=ca,ou=certificates,o=acme\nchangetype: modify\nreplace: certificateRevocationList;binary\ncertificateRevocationList;binary:: %s\n' \
	"$(base64 -w 0 "$work/lag/crl.der")" |
	setpriv --reuid=denshi-ca --regid=denshi-ca --groups="$(getent group denshi-directory | cut -d: -f3)" \
		ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >>"$work/modify.log" 2>&1
sandbox-service start denshid
await 10 grep -q 'older revocation list' "$work/denshid.log"
check "an older list: the file stays" equals "$(openssl crl -in $crl -noout -crlnumber)" "$number"
check "and the log says so" grep -q 'older revocation list' "$work/denshid.log"
kill $nginx
summary
