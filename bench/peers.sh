# peers.sh - other name services with the same users, in the bench's sandbox; sourced by run.
# For each: peer_NAME sets it up (once; false where its package is missing), and series NAME is what
# programs get through glibc. $data is the data set, $bin the programs.
# shellcheck shell=bash disable=SC2034,SC2154

# What bench/packages fetched, into the sandbox's own files. By way of a folder: /lib is a link
# here, and a package would put a folder in its place.
unpack_peers() {
	local deb from
	mkdir -p "$data/unpacked"
	for deb in "$1"/*.deb; do
		[ ! -e "$deb" ] || dpkg-deb -x "$deb" "$data/unpacked" || die "can't unpack $deb"
	done
	for from in usr:/usr lib:/usr/lib sbin:/usr/sbin bin:/usr/bin etc:/etc var:/var; do
		[ ! -d "$data/unpacked/${from%:*}" ] || cp -a "$data/unpacked/${from%:*}/." "${from#*:}/" || die "no peers"
	done
	rm -rf "$data/unpacked"
	ldconfig
}
module_of() { ldconfig -p | grep -q "libnss_$1\.so\.2"; }
peer_pids=()
peer_daemon() { # PATH COMMAND...: in the background, until PATH is there
	local path=$1 k
	shift
	"$@" </dev/null >>"$data/peers.log" 2>&1 &
	peer_pids+=($!)
	for ((k = 0; k < 200; k++)); do [ ! -e "$path" ] || return 0; sleep 0.05; done
	echo "bench: ${1##*/} did not start" >&2
	return 1
}
end_peers() { [ ${#peer_pids[@]} = 0 ] || kill "${peer_pids[@]}" 2>/dev/null; peer_pids=(); }

# nscd in front of files, with tables for all of them.
peer_nscd() {
	local table
	command -v nscd >/dev/null || return 1
	mkdir -p /run/nscd /var/cache/nscd
	for table in passwd group; do
		printf '%s\n' "enable-cache $table yes" "positive-time-to-live $table 600" \
			"negative-time-to-live $table 60" "suggested-size $table 8209" "check-files $table yes" \
			"persistent $table no" "shared $table yes" "max-db-size $table 33554432"
	done >"$data/nscd.conf"
	for table in hosts services netgroup; do echo "enable-cache $table no"; done >>"$data/nscd.conf"
}
# nscd answers for the whole machine as soon as it runs: only while it is measured.
with_nscd() {
	service files
	# shellcheck disable=SC2016
	files "$BASH" -c 'conf=$1; shift
		nscd -F -f "$conf" </dev/null >/dev/null 2>&1 &
		pid=$!
		for ((k = 0; k < 100; k++)); do [ ! -S /run/nscd/socket ] || break; sleep 0.05; done
		"$@"; status=$?
		kill $pid; wait $pid; rm -f /run/nscd/socket
		exit $status' - "$data/nscd.conf" "$@"
}

peer_extrausers() {
	module_of extrausers || return 1
	mkdir -p /var/lib/extrausers && cp "$data/passwd" "$data/group" /var/lib/extrausers/
}
with_extrausers() { service extrausers; "$@"; }

peer_db() {
	local f
	module_of db && command -v makedb >/dev/null || return 1
	mkdir -p /var/lib/misc
	for f in passwd group; do
		awk -F: '{ printf "0%u %s\n.%s %s\n=%s %s\n", NR - 1, $0, $1, $0, $3, $0 }' "$data/$f" |
			makedb -o /var/lib/misc/$f.db - >>"$data/peers.log" 2>&1 || return 1
	done
}
with_db() { service db; "$@"; }

# sssd, with extrausers behind it: measured is its memory cache, which programs map.
peer_sssd() {
	local k
	module_of sss && module_of extrausers && [ -x /usr/sbin/sssd ] || return 1
	mkdir -p /etc/sssd /var/lib/sss/{db,mc,pipes/private,pubconf,gpo_cache} /var/log/sssd
	cat >/etc/sssd/sssd.conf <<-END
		[sssd]
		services = nss
		domains = bench
		[nss]
		memcache_timeout = 3600
		[domain/bench]
		id_provider = proxy
		auth_provider = none
		access_provider = permit
		chpass_provider = none
		proxy_lib_name = extrausers
		entry_cache_timeout = 3600
	END
	chmod 600 /etc/sssd/sssd.conf
	peer_daemon /var/lib/sss/pipes/nss /usr/sbin/sssd -i || return 1
	service sss
	for ((k = 0; k < 100; k++)); do
		! getent passwd d-u000001 >/dev/null || return 0
		sleep 0.1
	done
	return 1
}
with_sssd() { service sss; "$@"; }

# A directory of posixAccounts, asked by nslcd for each look-up.
peer_nslcd() {
	local dir=$data/nslcd schema
	command -v slapd >/dev/null && command -v nslcd >/dev/null && module_of ldap || return 1
	mkdir -p "$dir/db" /run/nslcd
	{
		for schema in core cosine nis inetorgperson; do echo "include /etc/ldap/schema/$schema.schema"; done
		printf '%s\n' 'modulepath /usr/lib/ldap' 'moduleload back_mdb' 'database mdb' 'suffix o=posix' \
			"directory $dir/db" 'maxsize 1073741824' 'sizelimit unlimited' \
			'index objectClass,uid,cn,uidNumber,gidNumber,memberUid eq'
	} >"$dir/slapd.conf"
	{
		printf 'dn: o=posix\nobjectClass: organization\no: posix\n\n'
		awk -F: '{ printf "dn: uid=%s,o=posix\nobjectClass: account\nobjectClass: posixAccount\nuid: %s\ncn: %s\nuidNumber: %s\ngidNumber: %s\nhomeDirectory: %s\nloginShell: %s\n\n", $1, $1, $5, $3, $4, $6, $7 }' "$data/passwd"
		awk -F: '{ printf "dn: cn=%s,o=posix\nobjectClass: posixGroup\ncn: %s\ngidNumber: %s\n", $1, $1, $3
			n = split($4, m, ","); for (i = 1; i <= n; i++) print "memberUid: " m[i]; print "" }' "$data/group"
	} | slapadd -q -f "$dir/slapd.conf" >>"$data/peers.log" 2>&1 || return 1
	printf 'uid root\ngid root\nuri ldapi://%s\nbase o=posix\n' "${dir//\//%2F}%2Fldapi" >/etc/nslcd.conf
	chmod 600 /etc/nslcd.conf
	service files
	peer_daemon "$dir/ldapi" slapd -d 0 -f "$dir/slapd.conf" -h "ldapi://${dir//\//%2F}%2Fldapi" || return 1
	peer_daemon /run/nslcd/socket nslcd -n
}
with_nslcd() { service ldap; "$@"; }

# libpam-ldapd: nslcd on denshi's own directory, as root, with the bare copies of its users and their hash.
peer_pam_ldap() {
	command -v nslcd >/dev/null && find /usr/lib -name pam_ldap.so | grep -q . || return 1
	mkdir -p /run/nslcd
	rm -f /run/nslcd/socket
	printf '%s\n' 'uid root' 'gid root' 'threads 16' "uri $DENSHI_LDAP_URI" 'base ou=bare,o=acme' 'sasl_mech EXTERNAL' \
		>/etc/nslcd.conf
	chmod 600 /etc/nslcd.conf
	printf 'auth required pam_ldap.so minimum_uid=1000\naccount required pam_permit.so\n' >"$data/pam.d/nslcd"
	peer_daemon /run/nslcd/socket nslcd -n
}
