#!/bin/bash
# R-PW-2: the presets in the organisation's policy entry, as they meet a user who logs in or
# changes a password.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
user=d-maker01

preset() { # NAME HISTORY, as denshid(8) has it
	ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null <<-EOF
		dn: cn=policy,o=acme
		changetype: modify
		replace: denshiPreset
		denshiPreset: $1

		dn: cn=login,ou=policies,o=acme
		changetype: modify
		replace: pwdInHistory
		pwdInHistory: $2
	EOF
}
changed() { backdate "uid=$1,$people" "$2"; } # USER DAYS-AGO
change() { # CURRENT NEW
	run runuser -u $user -- denshi passwd --password-fd 0 <<<"$1"$'\n'"$2"
}
now=$(login_of $user)

# ---- pci-dss-4 ----
preset pci-dss-4 4
change "$now" Short-1a
check "pci: 12 characters" says 'at least 12 characters' ''
n=0
for next in Kawara-11-hashi Kawara-22-hashi Kawara-33-hashi; do
	change "$now" $next
	check "pci: changed ($next)" done_well
	now=$next
done
change "$now" "Kawara-11-hashi"
check "pci: one of the last four" says 'one of the last 4' ''
change "$now" "$now"
check "pci: the current one" says 'pw-is-current|may not be the current' ''
changed $user 91
run pamtester denshi $user authenticate acct_mgmt <<<"$now"
check "pci: after 90 days the password opens no login" says 'new one required' ''
key=$(cut -d' ' -f1,2 "$DENSHI_SANDBOX/certs/$user.pem.pub")
run pamtester -E "SSH_AUTH_INFO_0=publickey $key" denshi-cert $user authenticate acct_mgmt <<<"$now"
check "pci: where a certificate was shown, it does" done_well
changed $user 89
run pamtester denshi $user authenticate acct_mgmt <<<"$now"
check "pci: nor before the 90 days are over" done_well
changed $user 91
cat >/etc/pam.d/forced <<'EOF'
auth     required pam_denshi.so certificate=off
account  required pam_denshi.so certificate=off
password required pam_denshi.so
EOF
answers "$ask_password" "$now" "$ask_current" "$now" "$ask_new" Kawara-44-hashi "$ask_again" Kawara-44-hashi
converse pamtester forced $user authenticate 'chauthtok(PAM_CHANGE_EXPIRED_AUTHTOK)'
check "pci: an expired one is changed" sh -c "echo Kawara-44-hashi | pamtester denshi $user authenticate acct_mgmt"
now=Kawara-44-hashi

# ---- nist-800-63b-4 ----
preset nist-800-63b-4 0
change "$now" Sakura2026
check "nist: a word that everybody guesses" says 'guessed first' ''
change "$now" kvb7
check "nist: with a certificate, 8 characters" says 'at least 8 characters' ''
change "$now" kvbquwzn
check "nist: neither composition nor signs" done_well
now=kvbquwzn
changed $user 800
run pamtester denshi $user authenticate acct_mgmt <<<"$now"
check "nist: no expiry" done_well
as_master cert revoke $user --reason lost >/dev/null
change "$now" kvbquwznmp
check "nist: without a certificate, 15 characters" says 'at least 15 characters' ''

# ---- densai, and a name that is none ----
preset densai 0
change "$now" abc123
check "densai: 6, a letter and a digit" done_well
preset densai-x 0
change abc123 abc12
check "an unknown preset is densai" says 'at least 6 characters' ''

# ---- what a session tells ----
changed_approval() { backdate "cn=approval,uid=$1,$people" "$2"; } # USER DAYS-AGO
changed_approval d-appr001 80
run pamtester denshi d-appr001 open_session
check "an approval password that expires soon is told, with the date (R-APW-4)" \
	says "$(date -u -d '10 days' +%Y-%m-%d)" ''
changed_approval d-appr001 91
run pamtester denshi d-appr001 authenticate acct_mgmt open_session <<<"$(login_of d-appr001)"
check "an expired one doesn't stop the login" done_well
check "and is told" says 'expired on' ''
changed_approval d-appr001 10
run pamtester denshi d-appr001 open_session
check "a fresh one isn't spoken of" says_not 'expire' ''
summary
