#include "crypto/result.h"

const char *dencrypt_text(enum dencrypt_result result)
{
	switch (result) {
	case DENCRYPT_OK:
		return "ok";
#define DENCRYPT_RESULT_TEXT(name, text) case DENCRYPT_##name: return text;
	DENCRYPT_RESULTS(DENCRYPT_RESULT_TEXT)
#undef DENCRYPT_RESULT_TEXT
	case DENCRYPT_FLOOR:
		break;
	}
	return "unknown result";
}
