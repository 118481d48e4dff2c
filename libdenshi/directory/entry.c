/* Entries as they come from a search or a post-read control. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "directory/ber.h"
#include "directory/connection-internal.h"

void dendir_entry_done(struct dendir_entry *e)
{
	for (size_t i = 0; i < e->nheld; i++) {
		if (e->held[i].values)
			ldap_value_free_len(e->held[i].values);
		free(e->held[i].attribute);
	}
	free(e->held);
	e->held = NULL;
	e->nheld = 0;
	ldap_memfree(e->dn_text);
	e->dn_text = NULL;
}

static int make_room(struct dendir_entry *e)
{
	struct dendir_held *more;

	if (e->nheld % ENTRY_ATTRIBUTES_STEP != 0)
		return 0;
	more = reallocarray(e->held, e->nheld + ENTRY_ATTRIBUTES_STEP, sizeof(*more));
	if (more)
		e->held = more;
	return more ? 0 : -1;
}

/* Keeps values under a name; takes them over, also on failure, which the entry remembers: whoever reads
 * it must not take what is lost for what isn't there. */
static struct berval **hold(struct dendir_entry *e, const char *attribute, struct berval **values)
{
	char *name = make_room(e) == 0 ? strdup(attribute) : NULL;

	if (!name) {
		e->lost = 1;
		if (values)
			ldap_value_free_len(values);
		return NULL;
	}
	e->held[e->nheld].attribute = name;
	e->held[e->nheld].values = values;
	e->nheld++;
	return values;
}

static struct berval **values_of(struct dendir_entry *e, const char *attribute)
{
	for (size_t i = 0; i < e->nheld; i++)
		if (strcasecmp(e->held[i].attribute, attribute) == 0)
			return e->held[i].values;
	if (!e->message)
		return NULL;
	return hold(e, attribute, ldap_get_values_len(e->ld, e->message, attribute));
}

const char *dendir_entry_dn(struct dendir_entry *e)
{
	if (!e->dn_text && e->message)
		e->dn_text = ldap_get_dn(e->ld, e->message);
	return e->dn_text ? e->dn_text : "";
}

const void *dendir_entry_value(struct dendir_entry *e, const char *attribute, size_t i, size_t *len)
{
	struct berval **values = values_of(e, attribute);

	for (size_t k = 0; values && values[k]; k++)
		if (k == i) {
			*len = values[k]->bv_len;
			return values[k]->bv_val;
		}
	return NULL;
}

const char *dendir_entry_string(struct dendir_entry *e, const char *attribute)
{
	size_t len;
	const char *value = dendir_entry_value(e, attribute, 0, &len);

	/* liblber ends every value with a NUL; one inside makes it no string of ours. */
	return value && strlen(value) == len ? value : "";
}

void dendir_entry_copy(struct dendir_entry *e, struct dendir_mods *m, const char *except)
{
	BerElement *at = NULL;

	for (char *name = ldap_first_attribute(e->ld, e->message, &at); name;
		name = ldap_next_attribute(e->ld, e->message, at)) {
		struct berval **values = ldap_get_values_len(e->ld, e->message, name);

		for (size_t i = 0; values && values[i] && strcasecmp(name, except) != 0; i++)
			dendir_mods_put_bytes(m, DENDIR_ADD, name, values[i]->bv_val, values[i]->bv_len);
		if (values)
			ldap_value_free_len(values);
		ldap_memfree(name);
	}
	if (at)
		ber_free(at, 0);
}

int64_t dendir_entry_number(struct dendir_entry *e, const char *attribute, int64_t otherwise)
{
	const char *text = dendir_entry_string(e, attribute);
	char *end;
	long long n = strtoll(text, &end, 10);

	return *text && !*end ? n : otherwise;
}

int dendir_entry_decode(struct dendir_entry *e, struct berval *control_value)
{
	BerElement *ber = dendir_ber_reader(control_value);
	struct berval dn;
	ber_len_t len;
	char *end = NULL;
	int ok = ber && ber_scanf(ber, "{m", &dn) != LBER_ERROR;

	for (ber_tag_t tag = ok ? ber_first_element(ber, &len, &end) : LBER_DEFAULT;
		ok && tag != LBER_DEFAULT; tag = ber_next_element(ber, &len, end)) {
		struct berval attribute = {0}, **values = NULL;

		ok = ber_scanf(ber, "{oV}", &attribute, &values) != LBER_ERROR;
		if (ok)
			hold(e, attribute.bv_val, values);
		else if (values)
			ldap_value_free_len(values);
		ber_memfree(attribute.bv_val);
	}
	ber_free(ber, 1);
	return ok ? 0 : -1;
}
