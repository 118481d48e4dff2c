#include "directory/schema.h"

static int note_version(void *context, struct dendir_entry *e)
{
	int64_t version = dendir_entry_number(e, "denshiSchemaVersion", 0);

	*(unsigned *)context = version < 0 || version > 1000000 ? 1000000 : (unsigned)version;
	return 0;
}

enum den_code dendir_check_schema(struct dendir *d, unsigned *found)
{
	static const char *const attributes[] = {"denshiSchemaVersion", NULL};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	*found = 0;
	code = dendir_search(d, dendir_dn(dn, d, "cn=policy"), DENDIR_BASE, NULL, attributes, note_version, found);
	if (code != DEN_OK)
		return code;
	return *found > DENDIR_SCHEMA_VERSION ? DEN_DIRECTORY_NEWER : DEN_OK;
}
