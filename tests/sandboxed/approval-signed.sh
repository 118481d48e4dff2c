#!/bin/bash
# Decisions that are signed with the approver's certificate, where the business wants that (R-APP-1):
# from a file and from a token, refused without, and looked at again when used, whoever wrote them.
# About 20 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
# shellcheck source=tests/approvals.sh
. "$here/approvals.sh"
certs=$DENSHI_SANDBOX/certs
pin=chikuwa7
approver=d-appr001
work=$(mktemp -d)
keep() { # USER FILE: as their certificate
	local home
	home=$(getent passwd "$1" | cut -d: -f6)
	install -d -m 700 -o "$1" "$home" "$home/.denshi"
	rm -f "$home/.denshi/token"
	install -m 600 -o "$1" "$2" "$home/.denshi/certificate.p12"
}
sign() { # USER approve|reject ARGS...: approval password, then PIN
	[ -n "${session[$1]:-}" ] || log_in "$1"
	DENSHI_SESSION=${session[$1]} run as "$@" --password-fd 0 <<<"$(approval_of "$1")"$'\n'"${use_pin:-$pin}"
}
entry() { ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b "cn=$1,ou=requests,o=acme" -s base "$2" | # ID ATTRIBUTE
	sed -n "s/^$2: //p"; }
usable() { run as d-maker01 check-approval transfer "$@"; }
use_up() { run as d-maker01 check-approval transfer --use; }

# The text of a decision, and its signature, made without denshi.
text_of() { # ID WORD BY SECONDS
	printf 'denshi-decision-1\nrequest %s\ndigest %s\ndecision %s\nby %s\nat %s\nreason \n' "$1" "$(entry "$1" denshiDigest)" "$2" "$3" "$4"
}
signature_of() { # ID BY SECONDS [NAME]: by the key of NAME.pem
	echo "$3 $(openssl x509 -in "$work/${4:-$2}.pem" -outform DER | sha256sum | cut -d' ' -f1) $(
		text_of "$1" approved "$2" "$3" | openssl dgst -sha256 -sign "$work/${4:-$2}.key" | base64 -w 0)"
}
unpack() { # FILE.p12 NAME
	openssl pkcs12 -in "$1" -passin pass:$pin -nodes -nocerts -out "$work/$2.key" 2>/dev/null
	openssl pkcs12 -in "$1" -passin pass:$pin -nokeys -clcerts -out "$work/$2.pem" 2>/dev/null
}
# An approver who goes past denshi, to the directory, with the approval password.
decide_past() { # ID SIGNATURE
	local who=cn=approval,uid=$approver,ou=people,o=acme
	{
		printf 'dn: cn=%s,ou=requests,o=acme\nchangetype: modify\nadd: denshiDecision\ndenshiDecision: approved\n-\n' "$1"
		printf 'add: denshiDecidedBy\ndenshiDecidedBy: %s\n-\nadd: denshiDecidedDigest\ndenshiDecidedDigest: %s\n-\n' "$who" "$(entry "$1" denshiDigest)"
		printf 'add: denshiDecidedOn\ndenshiDecidedOn: 20260101000000Z here\n'
		[ -z "$2" ] || printf -- '-\nadd: denshiDecidedSignature\ndenshiDecidedSignature: %s\n' "$2"
	} | ldapmodify -x -H "$DENSHI_LDAP_URI" -D "$who" -w "$(approval_of $approver)" >/dev/null
}
forged() { # WHAT CODE SIGNATURE: a decision past denshi, of the request $id
	run decide_past "$id" "$3"
	check "$1: written" done_well
	usable
	check "$1: can't be used" says "$2" ''
	run as d-maker01 requests --mine
	ldapdelete -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" "cn=$id,ou=requests,o=acme"
}

# ---- the business wants it ----
run as_master business change transfer --signed perhaps
check "what else there is" says 'field-signed' ''
run as_master business change inquiry --signed required
check "an approval-free business has no decisions" says 'field-signed' ''
request d-maker01 transfer --subject before; before=$id
run approve $approver "$before"
check "unsigned, where nobody asks for more" done_well
run as_master business change transfer --signed required
check "required" done_well
usable
check "what was decided unsigned can't be used then" says 'signature-needed' ''
as_master business change transfer --signed off >/dev/null
use_up
check "and can where it is off again" done_well
as_master business change transfer --signed required >/dev/null

# ---- without, and with ----
request d-maker01 transfer --subject signed
sign $approver approve "$id"
check "without a certificate" says 'cert-none-shown' ''
check "nothing is decided" equals "$(state_of "$id")" pending
keep $approver "$certs/$approver.p12"
use_pin=falsch99 sign $approver approve "$id"
check "a wrong PIN" says 'cert-pin-wrong' ''
run as d-master1 user show $approver --json
check "counts nothing" says '"attempts": 0' ''
keep $approver "$certs/d-maker01.p12"
sign $approver approve "$id"
check "somebody else's certificate" says 'signature-wrong' ''
check "still nothing is decided" equals "$(state_of "$id")" pending
keep $approver "$certs/$approver.p12"
sign $approver approve "$id"
check "signed" done_well
run as d-maker01 requests --mine --json
check "which the list says" says 'approved d-appr001 .* signed"' ''
unpack "$certs/$approver.p12" $approver
unpack "$certs/d-maker01.p12" d-maker01
read -r at fingerprint base64 <<<"$(entry "$id" denshiDecidedSignature)"
check "of the certificate on record" equals "$fingerprint" "$(openssl x509 -in "$work/$approver.pem" -outform DER | sha256sum | cut -d' ' -f1)"
base64 -d <<<"$base64" >"$work/signature"
openssl x509 -in "$work/$approver.pem" -pubkey -noout >"$work/$approver.pub"
run sh -c "$(declare -f text_of entry); text_of $id approved $approver $at | openssl dgst -sha256 -verify $work/$approver.pub -signature $work/signature"
check "as openssl sees it" says 'Verified OK' ''
good="$at $fingerprint $base64"
use_up
check "and used" done_well
request d-maker01 transfer --subject no
sign $approver reject "$id" --reason "not this one"
check "a rejection is signed as well" equals "$rc $(entry "$id" denshiDecidedSignature | wc -w)" "0 3"

# ---- two approvers ----
second_approver d-appr002 transfer.approver
as d-master1 cert grant d-appr002 --yes >/dev/null && as_master user-update --yes >/dev/null
run sh -c "cd $work && denshi cert get --login d-appr002 --output second.p12 --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	$(login_of d-appr002)
	A
	$pin
	B"
check "a second approver's certificate" done_well
keep d-appr002 "$work/second.p12"
request d-maker01 transfer --subject both --need 2
sign $approver approve "$id"
check "one of two" says '1 more approver' ''
sign d-appr002 approve "$id"
check "the other" done_well
use_up
check "both signatures count" done_well

# ---- on the spot ----
printf 'account required pam_denshi.so approve certificate=off business=transfer prompt\n' >/etc/pam.d/spot
answers 'stands by: $' $approver 'Approval password: $' "$(approval_of $approver)"
converse pamtester -I tty=/dev/pts/0 spot d-maker01 acct_mgmt
check "an approver standing by has no key there" says 'signature-needed' ''

# ---- past denshi ----
now=$(date +%s)
request d-maker01 transfer --subject forged
forged "unsigned" signature-needed ''
request d-maker01 transfer --subject forged
forged "nonsense" signature-wrong "$now $fingerprint nonsense"
request d-maker01 transfer --subject forged
forged "another request's signature" signature-wrong "$good"
request d-maker01 transfer --subject forged
forged "another's key, as one's own" signature-wrong "$(signature_of "$id" $approver "$now" d-maker01 | sed "s/ [0-9a-f]* / $fingerprint /")"
request d-maker01 transfer --subject forged
forged "another's key" signature-certificate "$(signature_of "$id" $approver "$now" d-maker01)"
request d-maker01 transfer --subject forged
forged "one of long ago" signature-late "$(signature_of "$id" $approver $((now - 3600)))"
request d-maker01 transfer --subject "as it should be"
run decide_past "$id" "$(signature_of "$id" $approver "$(date +%s)")"
usable
check "one that is right is, whoever wrote it" done_well
run ldapmodify -x -H "$DENSHI_LDAP_URI" -D "cn=approval,uid=$approver,ou=people,o=acme" -w "$(approval_of $approver)" <<END
dn: cn=$id,ou=requests,o=acme
changetype: modify
replace: denshiDecidedSignature
denshiDecidedSignature: $now 0 AAAA
END
check "and stays as it was written" refused

# ---- a certificate that is revoked ----
sleep 1 # the directory's clock counts seconds
as_master cert revoke $approver --reason lost >/dev/null
usable
check "revoked afterwards: what it signed before stands" done_well
use_up
request d-maker01 transfer --subject revoked
sign $approver approve "$id"
check "it signs nothing more" says 'signature-certificate' ''
sleep 1
forged "nor past denshi" signature-certificate "$(signature_of "$id" $approver "$(date +%s)")"

# ---- a token, with a new certificate ----
as d-master1 cert grant $approver --yes >/dev/null && as_master user-update --yes >/dev/null
run sh -c "cd $work && denshi cert get --login $approver --output new.p12 --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	$(login_of $approver)
	A
	$pin
	B"
check "a new certificate" done_well
request d-maker01 transfer --subject "the old one"
sign $approver approve "$id"
check "with the old one" says 'signature-wrong' ''
unpack "$work/new.p12" new
if command -v softhsm2-util >/dev/null && command -v pkcs11-tool >/dev/null; then
	home=$(getent passwd $approver | cut -d: -f6) tokens=$work/tokens
	chmod 711 "$work" && install -d -m 700 -o $approver "$tokens"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$tokens" >/etc/softhsm/softhsm2.conf
	chmod 755 /etc/softhsm && chmod 644 /etc/softhsm/softhsm2.conf
	install -m 600 -o $approver "$work/new.key" "$work/new.pem" "$home"
	token() { runuser -u $approver -- "$@" >/dev/null 2>&1; }
	token openssl pkcs8 -topk8 -nocrypt -in "$home/new.key" -out "$home/new.p8"
	token softhsm2-util --init-token --free --label denshi --pin 4711 --so-pin 4712
	token softhsm2-util --import "$home/new.p8" --token denshi --label sign --id 01 --pin 4711
	openssl x509 -in "$work/new.pem" -outform DER -out "$home/new.crt" && chown $approver "$home/new.crt"
	token pkcs11-tool --module "$(find /usr/lib -name libsofthsm2.so | head -n 1)" --login --pin 4711 --write-object "$home/new.crt" \
		--type cert --label sign --id 01
	echo 'pkcs11:token=denshi;object=sign' >"$home/.denshi/token"
	use_pin=4711 sign $approver approve "$id"
	check "signed by a token" done_well
else
	keep $approver "$work/new.p12"
	sign $approver approve "$id"
	check "signed (there is no softhsm2 to be a token)" done_well
fi
use_up
check "and used" done_well
rm -rf "$work"
summary
