#include "directory/features.h"

#include <string.h>

#include "core/oid.h"

static int has(struct dendir_entry *e, const char *oid)
{
	const char *value;
	size_t len;

	for (size_t i = 0; (value = dendir_entry_value(e, "supportedFeatures", i, &len)); i++)
		if (len == strlen(oid) && memcmp(value, oid, len) == 0)
			return 1;
	return 0;
}

static int take(void *context, struct dendir_entry *e)
{
	struct dendir_features *f = context;

	f->argon2id = has(e, DEN_OID_ARGON2ID);
	f->guarded = has(e, DEN_OID_GUARD) && has(e, DEN_OID_ATTEMPT);
	f->quiet = has(e, DEN_OID_QUIET);
	return 0;
}

enum den_code dendir_features_read(struct dendir *d, struct dendir_features *features)
{
	static const char *const attributes[] = {"supportedFeatures", NULL};

	memset(features, 0, sizeof(*features));
	return dendir_search(d, "", DENDIR_BASE, NULL, attributes, take, features);
}
