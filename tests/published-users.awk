# N published users without credentials, as LDIF for slapadd: the same every time.
# Users d-u000001..., uid 200000 + i; groups d-g00001... gid 300000 + j, and
# d-g1k, gid 299999, of 1000 members (or all). Every 20th user is in 20 groups, the
# others in 2 or 3. Usage: awk -v N=10000 -f published-users.awk

# a small generator of its own, as rand() differs among awks
function rnd(m) {
	seed = (seed * 16807) % 2147483647
	return seed % m
}
function user(i) { return sprintf("d-u%06d", i) }
function group(j) { return j ? sprintf("d-g%05d", j) : "d-g1k" }
function gid(j) { return j ? 300000 + j : 299999 }
function join_group(i, j) {
	authorities[i] = authorities[i] "denshiAuthority: " group(j) "\n"
	in_groups[i]++
}
BEGIN {
	suffix = "ou=published,o=acme"
	seed = 20011
	ngroups = int(N / 50); if (ngroups < 40) ngroups = 40
	big = N < 1000 ? N : 1000

	# the group of 1000: spread evenly over all users
	for (k = 0; k < big; k++)
		join_group(1 + int(k * N / big), 0)
	for (i = 1; i <= N; i++) {
		want = i % 20 == 0 ? 20 : in_groups[i] + 2
		while (in_groups[i] < want) {
			j = 1 + rnd(ngroups)
			if ((i, j) in taken) continue
			taken[i, j] = 1
			join_group(i, j)
		}
		split("", taken)
	}

	for (j = 0; j <= ngroups; j++)
		printf "dn: cn=g.%s.1,%s\nobjectClass: denshiVersion\ncn: g.%s.1\n" \
			"denshiSerial: 1\ndenshiState: group\ndisplayName: %s\ngidNumber: %d\n\n", \
			group(j), suffix, group(j), group(j), gid(j)
	for (i = 1; i <= N; i++) {
		u = user(i)
		printf "dn: cn=%s.1,%s\nobjectClass: denshiVersion\ncn: %s.1\nuid: %s\n" \
			"denshiSerial: 1\ndenshiState: active\ndisplayName: Test User %d\n" \
			"uidNumber: %d\ngidNumber: 200000\n" \
			"homeDirectory: /home/%s\nloginShell: /bin/sh\n" \
			"mail: %s@example.org\ndenshiRole: general\n%s\n", \
			u, suffix, u, u, i, 200000 + i, u, u, authorities[i]
	}
}
