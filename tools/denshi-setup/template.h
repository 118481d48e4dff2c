/* The LDIF templates of ldap-schema/: @NAME@ becomes a value, lines that begin with # stay. */
#ifndef DENSHI_SETUP_TEMPLATE_H
#define DENSHI_SETUP_TEMPLATE_H

#include "tools/denshi-setup/setup.h"

struct template_value {
	const char *name, *value;
};

/*
 * The filled-in text of schema_dir/file as a descriptor at its start, for a
 * child's standard input. values end with a NULL name. -1 (said): no such file,
 * or a placeholder that has no value.
 */
int template_fill(const struct setup *s, const char *file, const struct template_value *values);

#endif
