#include "directory/ber.h"

BerElement *dendir_ber_reader(const struct berval *value)
{
	struct berval copy = *value;

	return value->bv_len > 0 ? ber_init(&copy) : NULL;
}
