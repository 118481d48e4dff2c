# The users and groups of tests/published-users.awk as passwd and group files, and keys:
# what to look up in them and what must come back. The same bytes every time.
# Usage: awk -v N=10000 -v DIR=folder -f mkdata.awk (the folder needs a folder keys in it)
#
#   passwd group      for /etc
#   keys/users.txt    all users (10000 at most) in random order:  name uid gid
#   keys/uids.txt     the same from the other end:                uid name
#   keys/g1k.txt      the group of 1000 members:                  name gid members
#   keys/groups.txt   1000 groups (or all) in random order:       name gid members
#   keys/init20.txt   up to 200 users in 20 groups:               name gid count gid...
#   keys/total.txt    users COUNT

# as in published-users.awk: the draws must be the same
function rnd(m) {
	seed = (seed * 16807) % 2147483647
	return seed % m
}
function user(i) { return sprintf("d-u%06d", i) }
function group(j) { return j ? sprintf("d-g%05d", j) : "d-g1k" }
function gid(j) { return j ? 300000 + j : 299999 }
function join_group(i, j) {
	members[j] = members[j] (count[j] ? "," : "") user(i)
	count[j]++
	in_groups[i]++
	gids[i] = gids[i] " " gid(j)
}
# order[1..m] in random order
function shuffle(m,   a, b, t) {
	for (a = 1; a <= m; a++)
		order[a] = a
	for (a = m; a > 1; a--) {
		b = 1 + rnd(a)
		t = order[a]; order[a] = order[b]; order[b] = t
	}
}
BEGIN {
	keys = DIR "/keys/"
	seed = 20011
	ngroups = int(N / 50); if (ngroups < 40) ngroups = 40
	big = N < 1000 ? N : 1000

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

	for (i = 1; i <= N; i++)
		printf "%s:x:%d:200000:Test User %d:/home/%s:/bin/sh\n", \
			user(i), 200000 + i, i, user(i) > (DIR "/passwd")
	printf "d-users:x:200000:\n" > (DIR "/group")
	for (k = 0; k <= ngroups; k++) {
		# the big one stands in the middle
		mid = int(ngroups / 2)
		j = k < mid ? k + 1 : k == mid ? 0 : k
		printf "%s:x:%d:%s\n", group(j), gid(j), members[j] > (DIR "/group")
	}

	shuffle(N)
	for (k = 1; k <= N && k <= 10000; k++) {
		i = order[k]
		printf "%s %d 200000\n", user(i), 200000 + i > (keys "users.txt")
		if (i % 20 == 0 && n20++ < 200)
			printf "%s 200000 %d%s\n", user(i), in_groups[i], gids[i] > (keys "init20.txt")
		i = order[N + 1 - k]
		printf "%d %s\n", 200000 + i, user(i) > (keys "uids.txt")
	}
	shuffle(ngroups)
	for (k = 1; k <= ngroups && k <= 1000; k++) {
		j = order[k]
		printf "%s %d %d\n", group(j), gid(j), count[j] > (keys "groups.txt")
	}
	printf "%s %d %d\n", group(0), gid(0), count[0] > (keys "g1k.txt")
	printf "users %d\n", N > (keys "total.txt")
}
