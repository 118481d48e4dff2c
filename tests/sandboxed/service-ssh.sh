#!/bin/bash
# sshd(8) and ssh(1) in each way of logging in: public key and keyboard-interactive, either
# alone, and password authentication.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
certs=$DENSHI_SANDBOX/certs
common_files

# A second sshd's PAM service is its program's name, for which the profile demands no
# certificate. Port 2201: keyboard-interactive, 2202: password, 2203: a key alone, from a file
# that nobody keeps up to date, with the PAM service of the first.
other_sshd() { # PROGRAM PORT LINE...
	local conf=$DENSHI_SANDBOX/sshd_config.$2
	{
		printf 'ListenAddress 127.0.0.1:%s\nHostKey %s/ssh_host_key\n' "$2" "$DENSHI_SANDBOX"
		printf 'PidFile none\nUsePAM yes\nPermitRootLogin no\nPrintMotd no\nLogLevel VERBOSE\n'
		shift 2
		printf '%s\n' "$@"
	} >"$conf"
}
ln -s sshd /usr/sbin/sshd-plain
cp /etc/pam.d/sshd /etc/pam.d/sshd-keys
sed -i '/^account.*pam_denshi/s/certificate=required/certificate=on-record/' /etc/pam.d/sshd-keys
sed 's/.*pam_denshi.*//; s/.*user = root.*//' /etc/pam.d/sshd >/etc/pam.d/sshd-plain
ln -s sshd /usr/sbin/sshd-keys
mkdir -m 755 "$DENSHI_SANDBOX/keys"
for u in d-maker01 d-appr001 d-both001 d-plain01; do cut -d' ' -f1,2 "$certs/$u.pem.pub" >"$DENSHI_SANDBOX/keys/$u"; done
other_sshd sshd-plain 2201 'PasswordAuthentication no' 'PubkeyAuthentication no' 'KbdInteractiveAuthentication yes' \
	'DenyUsers d-appr001'
other_sshd sshd-plain 2202 'PasswordAuthentication yes' 'PubkeyAuthentication no' 'KbdInteractiveAuthentication no'
other_sshd sshd-keys 2203 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' \
	"AuthorizedKeysFile $DENSHI_SANDBOX/keys/%u"
for p in sshd-plain:2201 sshd-plain:2202 sshd-keys:2203; do
	"/usr/sbin/${p%:*}" -D -e -f "$DENSHI_SANDBOX/sshd_config.${p#*:}" >>"$DENSHI_SANDBOX/sshd.${p#*:}.log" 2>&1 </dev/null &
done
for p in 2201 2202 2203; do await 10 grep -q listening "$DENSHI_SANDBOX/sshd.$p.log"; done

options=(-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentitiesOnly=yes
	-o ConnectTimeout=5 -o NumberOfPasswordPrompts=3)
enter() { # PORT USER COMMAND [OPTION...]
	converse ssh "${options[@]}" -p "$1" "${@:4}" "$2@127.0.0.1" "$3"
}
with_key() { # PORT USER [KEY-OF]: nothing is asked
	run ssh -o LogLevel=INFO "${options[@]}" -p "$1" -o BatchMode=yes -i "$certs/${3:-$2}.pem" "$2@127.0.0.1" id -un
}
binds() { binds_of "[^\"]*"; }
user=d-maker01

# ---- publickey,keyboard-interactive: certificate, then password ----
answers "$ask_password" "$(login_of $user)"
enter 22 $user 'id -un; tty' -i "$certs/$user.pem"
check "certificate and password: in" says 'd-maker01' ''
answers "$ask_password" wrong-1 "$ask_password" "$(login_of $user)"
enter 22 $user 'id -un' -i "$certs/$user.pem"
check "a wrong password is told, and the next is asked for" says 'attempts left: 5' ''
check "and the right one lets in" says 'd-maker01' ''
before=$(binds)
run ssh "${options[@]}" -o BatchMode=yes -i "$certs/d-appr001.pem" $user@127.0.0.1 id
check "somebody else's key: no password is asked" refused
check "and nothing was evaluated" equals "$(binds)" "$before"

# ---- keyboard-interactive alone, where the service demands no certificate ----
answers "$ask_password" "$(login_of $user)"
enter 2201 $user 'id -un'
check "password by keyboard-interactive: in" says 'd-maker01' ''
answers 'assword: $' "$(login_of $user)" 'assword: $' x 'assword: $' y
enter 2201 D-Maker01 id
check "upper case: sshd knows no such user, and sends rubbish" refused
check "which counts nothing either" equals "$(taken $user)" 0
new_user d-first01
answers "$ask_password" hatsu1234 "$ask_current" hatsu1234 "$ask_new" Suika-11-ie "$ask_again" Suika-11-ie \
	'\$ $' 'id -un' '\$ $' exit
enter 2201 d-first01 '' -tt
check "the first login changes the password" says 'login password was changed' ''
check "and goes on to a shell" says 'd-first01$' ''

# In the user's language, whatever the terminal's.
runuser -u d-master1 -- denshi user create d-first03 --name 新人 --mail new@acme.example --language ja --password-fd 0 --yes \
	<<<hatsu1234 >/dev/null 2>&1
as_master user-update --yes >/dev/null
await 10 getent passwd d-first03
answers 'ログインパスワード: $' machigai1 'ログインパスワード: $' hatsu1234 '現在のログインパスワード: $' hatsu1234 \
	'新しいログインパスワード: $' mizu 'パスワード \(確認\): $' mizu \
	'新しいログインパスワード: $' Mikan-21-ka 'パスワード \(確認\): $' Mikan-21-ka '\$ $' 'id -un' '\$ $' exit
enter 2201 d-first03 '' -tt
check "a first login in Japanese: a wrong password is told" says '残り 5 回' ''
check "what it is about" says '初回ログインです' ''
check "a rule that is broken" says '文字以上|足りません|短' ''
check "and done" says 'ログインパスワードを変更しました' ''
check "with a shell" says 'd-first03$' ''
check "nothing of it in English" says_not 'password' ''

# ---- sshd's made-up passwords ----
before=$(grep -c 'd-nobody1' "$DENSHI_SANDBOX/slapd.log")
answers 'assword: $' guess-1 'assword: $' guess-2 'assword: $' guess-3
enter 2201 d-nobody1 id
check "a name that nobody has" refused
check "is never asked of the directory" equals "$(grep -c 'd-nobody1' "$DENSHI_SANDBOX/slapd.log")" "$before"
# sshd knows the user, but lets them in nowhere: it sends rubbish in place of what is typed.
answers 'assword: $' "$(login_of d-appr001)" 'assword: $' guess-2 'assword: $' guess-3
enter 2201 d-appr001 id
check "a user whom sshd denies is refused" refused
check "and its made-up password counts nothing" equals "$(taken d-appr001)" 0

# ---- password authentication ----
answers "assword: $" "$(login_of $user)"
enter 2202 $user 'id -un'
check "password authentication: in" says 'd-maker01' ''
answers "assword: $" wrong-2 "assword: $" wrong-3 "assword: $" wrong-4
enter 2202 $user 'id -un'
check "three wrong ones: refused" refused
check "three attempts, not more" equals "$(taken $user)" 3
clear_attempts $user
new_user d-first02
answers "assword: $" hatsu1234 "$ask_current" hatsu1234 "$ask_new" Suika-12-ie "$ask_again" Suika-12-ie
enter 2202 d-first02 '' -tt
check "the first login changes the password there, too (sshd runs passwd)" says 'password was changed' ''
answers "assword: $" Suika-12-ie
enter 2202 d-first02 'id -un'
check "and the next login is an ordinary one" says 'd-first02' ''

# ---- a key alone: sshd skips the auth phase, the account phase decides ----
with_key 2203 $user
check "the key of the certificate on record: in" says 'd-maker01' ''
for k in 1 2 3 4 5 6; do pamtester denshi $user authenticate <<<"wrong-$k" >/dev/null 2>&1; done
with_key 2203 $user
check "locked: refused in the account phase" refused
check "and told why" says 'login-locked' ''
suspend d-both001
with_key 2203 d-both001
check "suspended: refused" refused
check "and told why" says '\[suspended\]' ''
as_master cert revoke d-plain01 --reason lost >/dev/null
with_key 2203 d-plain01
check "revoked: refused" refused
check "and told why" says 'cert-(revoked|none-on-record)' ''
useradd -M -d / -s /bin/sh d-local01 2>/dev/null || useradd --badname -M -d / -s /bin/sh d-local01
cp "$DENSHI_SANDBOX/keys/d-appr001" "$DENSHI_SANDBOX/keys/d-local01"
with_key 2203 d-local01 d-appr001
check "a user of the machine's own with such a name: refused" refused
kill %1 %2 %3
summary
