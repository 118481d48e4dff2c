#!/bin/bash
# docs/browser.md, typed as it stands there: from a grant to a site behind certificate and password, in English and in
# Japanese. 10 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
pin=chikuwa7
sed -n '/<!-- tour -->/,/<!-- \/tour -->/s/^    //p' "$here/../docs/browser.md" >"$DENSHI_SANDBOX/tour"
check "there is a tour" test "$(wc -l <"$DENSHI_SANDBOX/tour")" -ge 20
export HOME=$DENSHI_SANDBOX/tour-home
unset LC_ALL LC_MESSAGES

tour() { # LANG
	rm -rf /run/tour "$HOME" && mkdir "$HOME"
	approval=$(approval_of d-master1) password=$(login_of d-maker01)
	answers "$(t 'Store this\? \(y/N\)' 'この内容で登録しますか\? \(y/N\)')" y \
		"$(t 'Approval password: $' '承認パスワード: $')" "$approval" \
		"$(t 'Login password: $' 'ログインパスワード: $')" "$password" \
		"$(t 'PIN for the file.*: $' 'ファイルの PIN \(任意に.*: $')" $pin "$(t 'PIN again: $' 'ファイルの PIN \(確認\): $')" $pin \
		"Enter host password for user 'd-maker01':\$" "$password" \
		'Enter password for PKCS12 file: $' $pin \
		"$(t 'Approval password: $' '承認パスワード: $')" "$approval"
	LANG=$1 converse bash -e "$DENSHI_SANDBOX/tour"
	check "$language: every command of it works" done_well
	check "$language: what to do next is told" says 'browsers: import .*d-maker01.p12' 'ブラウザ: .*d-maker01.p12'
	check "$language: the page is seen behind both" says '<h1>General ledger</h1>' '<h1>General ledger</h1>'
	check "$language: imported for the browser" says 'IMPORT SUCCESSFUL' 'IMPORT SUCCESSFUL'
	check "$language: once, not after the revocation" equals "$(grep -c '<h1>General ledger</h1>' <<<"$out")" 1
	check "$language: then nginx refuses the certificate" says '400 The SSL certificate error' '400 The SSL certificate error'
}
tour en_US.UTF-8
language=ja
tour ja_JP.UTF-8
summary
