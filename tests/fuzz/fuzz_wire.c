/*
 * A packet, as denshid and its callers take it from a socket: parsed, then walked by
 * every accessor, as a reply and as a list of reasons; what was accepted must parse
 * again after a field was added.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/client.h"
#include "core/protocol.h"
#include "core/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_fields(const struct den_message *m)
{
	size_t cursor = 0, len, found;
	const char *value;
	uint16_t tag;

	while (den_message_next(m, &cursor, &tag, &value, &len)) {
		const char *s = den_message_string(m, tag);

		if (value[len] != '\0' || !den_message_bytes(m, tag, &found))
			abort();
		if (s && strlen(s) > DEN_MESSAGE_MAX)
			abort();
		(void)den_message_number(m, tag, 0);
	}
}

static void read_sentences(const struct den_message *m)
{
	char buf[DEN_TEXT_MAX];
	size_t cursor = 0;

	for (int lang = DEN_LANG_EN; lang <= DEN_LANG_JA; lang++)
		if (strlen(den_client_sentence(buf, (enum den_lang)lang, m)) >= sizeof(buf))
			abort();
	while (den_client_next_reason(m, &cursor, buf, DEN_LANG_JA) != DEN_OK)
		if (strlen(buf) >= sizeof(buf))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct den_message *m = den_message_parse(data, size);

	if (!m)
		return 0;
	read_fields(m);
	read_sentences(m);
	den_message_add_string(m, DEN_TAG_LANG, "ja");
	read_fields(m);
	den_message_free(m);
	return 0;
}
