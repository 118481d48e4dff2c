/* The LDIF templates of ldap-schema/: @NAME@ becomes a value, lines that begin with # stay. */
#ifndef DENSHI_SERVER_TEMPLATE_H
#define DENSHI_SERVER_TEMPLATE_H

struct template_value {
	const char *name, *value;
};

/* A placeholder that has no value; "" where it was the file itself (errno). */
#define TEMPLATE_NAME_SIZE 32

/*
 * The filled-in text of folder/file as a descriptor at its start, for a child's
 * standard input. values end with a NULL name. -1: see unknown.
 */
int template_fill(const char *folder, const char *file, const struct template_value *values,
	char unknown[TEMPLATE_NAME_SIZE]);

#endif
