#include "directory/numbers.h"

#include <ldap.h>

struct seen {
	const struct dendir_range *range;
	int64_t next, last;
};

static int read_range(void *context, struct dendir_entry *e)
{
	struct seen *s = context;

	s->next = dendir_entry_number(e, s->range->next, -1);
	s->last = dendir_entry_number(e, s->range->last, s->range->otherwise);
	return 0;
}

static enum den_code take(struct dendir *master, const char *dn, const char *attribute, int64_t from, int64_t to)
{
	struct dendir_mods *m = dendir_mods_new();
	enum den_code code;

	dendir_mods_put_number(m, DENDIR_DELETE, attribute, from);
	dendir_mods_put_number(m, DENDIR_ADD, attribute, to);
	code = dendir_modify(master, dn, m);
	dendir_mods_free(m);
	return code;
}

enum den_code dendir_take_numbers(struct dendir *host, struct dendir *master, const struct dendir_range *range,
	size_t count, int64_t *first, int64_t *left)
{
	const char *const attributes[] = {range->next, range->last, NULL};
	char dn[DENDIR_DN_SIZE];

	dendir_dn(dn, host, "cn=policy");
	for (int tries = 0; tries < 10; tries++) {
		struct seen s = {.range = range, .next = -1};
		enum den_code code = dendir_search(host, dn, DENDIR_BASE, NULL, attributes, read_range, &s);

		if (code == DEN_OK && s.next < 0)
			return DEN_DIRECTORY_REFUSED;
		if (code == DEN_OK && s.next + (int64_t)count - 1 > s.last) {
			if (left)
				*left = s.last < s.next ? 0 : s.last - s.next + 1;
			return DEN_NUMBERS_USED_UP;
		}
		*first = s.next;
		if (code == DEN_OK)
			code = take(master, dn, range->next, s.next, s.next + (int64_t)count);
		if (code == DEN_OK || dendir_result(master) != LDAP_NO_SUCH_ATTRIBUTE)
			return code;
	}
	return DEN_BUSY;
}
