#include "tools/server/joinfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/file.h"
#include "crypto/tag.h"

#define FIRST_LINE "denshi-join 1\n"
#define TAG_LINE "tag: "
#define SALT_SIZE 17
#define CERTIFICATE_END "-----END CERTIFICATE-----\n"
#define GROUP 4

void joinfile_done(struct joinfile *j)
{
	dencrypt_certificate_free(j->ca);
	dencrypt_certificate_free(j->certificate);
	dencrypt_key_free(j->key);
	memset(j, 0, sizeof(*j));
}

enum dencrypt_result joinfile_copy_ca(struct joinfile *j, const struct dencrypt_ca *ca)
{
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_certificate_der(dencrypt_ca_certificate(ca), &der);

	if (r == DENCRYPT_OK)
		r = dencrypt_certificate_parse(der.data, der.size, &j->ca);
	dencrypt_bytes_done(&der);
	return r;
}

enum dencrypt_result joinfile_passphrase(char passphrase[JOINFILE_PASSPHRASE_SIZE])
{
	char letters[JOINFILE_PASSPHRASE_SIZE];
	enum dencrypt_result r = dencrypt_random_id(letters, sizeof(letters));

	for (size_t i = GROUP; i < sizeof(letters) - 1; i += GROUP + 1)
		letters[i] = '-';
	memcpy(passphrase, letters, sizeof(letters));
	explicit_bzero(letters, sizeof(letters));
	return r;
}

/* The letters alone, in lower case: what the key and the tag are made with. */
static void without_groups(char *out, size_t size, const char *passphrase)
{
	size_t used = 0;

	for (; *passphrase && used + 1 < size; passphrase++)
		if (*passphrase != '-' && *passphrase != ' ')
			out[used++] = *passphrase >= 'A' && *passphrase <= 'Z' ? (char)(*passphrase | 0x20) : *passphrase;
	out[used] = '\0';
}

/* -- writing ------------------------------------------------------------------------------- */

static enum dencrypt_result put(FILE *out, enum dencrypt_result r, struct dencrypt_bytes *pem)
{
	if (r == DENCRYPT_OK && fwrite(pem->data, 1, pem->size, out) != pem->size)
		r = DENCRYPT_NO_MEMORY;
	dencrypt_bytes_done(pem);
	return r;
}

static enum dencrypt_result put_all(FILE *out, const struct joinfile *j, const char *salt, const char *passphrase)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r;

	fprintf(out, FIRST_LINE "organisation: %s\nhost: %s\nuri: %s\nsalt: %s\n", j->org, j->host, j->uri, salt);
	r = put(out, dencrypt_certificate_pem(j->ca, &pem), &pem);
	if (r == DENCRYPT_OK)
		r = put(out, dencrypt_certificate_pem(j->certificate, &pem), &pem);
	if (r == DENCRYPT_OK)
		r = put(out, dencrypt_key_pem_with_pin(j->key, passphrase, &pem), &pem);
	return r;
}

static enum dencrypt_result write_tagged(const struct joinfile *j, const char *path, const char *passphrase)
{
	char salt[SALT_SIZE], tag[DENCRYPT_TAG_HEX_SIZE], *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	enum dencrypt_result r;

	if (!out)
		return DENCRYPT_NO_MEMORY;
	r = dencrypt_random_id(salt, sizeof(salt));
	if (r == DENCRYPT_OK)
		r = put_all(out, j, salt, passphrase);
	if (r == DENCRYPT_OK && fflush(out) != 0)
		r = DENCRYPT_NO_MEMORY;
	if (r == DENCRYPT_OK)
		r = dencrypt_tag(passphrase, salt, text, size, tag);
	if (r == DENCRYPT_OK)
		fprintf(out, TAG_LINE "%s\n", tag);
	if (fclose(out) != 0 && r == DENCRYPT_OK)
		r = DENCRYPT_NO_MEMORY;
	if (r == DENCRYPT_OK)
		r = dencrypt_write_new_file(path, &(struct dencrypt_bytes){(unsigned char *)text, size}, 0600);
	free(text);
	return r;
}

enum dencrypt_result joinfile_write(const struct joinfile *j, const char *path, const char *passphrase)
{
	char letters[DENCRYPT_TAG_HEX_SIZE];
	enum dencrypt_result r;

	without_groups(letters, sizeof(letters), passphrase);
	r = write_tagged(j, path, letters);
	explicit_bzero(letters, sizeof(letters));
	return r;
}

/* -- reading --------------------------------------------------------------------------------- */

/* The value of the line NAME: VALUE at *at, which then is behind it. -1 for another line. */
static int take_line(const char **at, const char *name, char *value, size_t size)
{
	size_t len = strlen(name), n;

	if (strncmp(*at, name, len) != 0)
		return -1;
	n = strcspn(*at + len, "\n");
	if (n >= size || (*at)[len + n] != '\n')
		return -1;
	memcpy(value, *at + len, n);
	value[n] = '\0';
	*at += len + n + 1;
	return 0;
}

static int take_head(struct joinfile *j, const char **at, char salt[SALT_SIZE])
{
	if (strncmp(*at, FIRST_LINE, strlen(FIRST_LINE)) != 0)
		return -1;
	*at += strlen(FIRST_LINE);
	if (take_line(at, "organisation: ", j->org, sizeof(j->org)) != 0 ||
		take_line(at, "host: ", j->host, sizeof(j->host)) != 0 ||
		take_line(at, "uri: ", j->uri, sizeof(j->uri)) != 0 || take_line(at, "salt: ", salt, SALT_SIZE) != 0)
		return -1;
	return den_config_allows("organisation", j->org) && den_config_allows("host", j->host) &&
			den_config_allows("uri", j->uri)
		? 0
		: -1;
}

static enum dencrypt_result take_certificate(const char **at, struct dencrypt_certificate **out)
{
	const char *end = strstr(*at, CERTIFICATE_END);
	enum dencrypt_result r;

	if (!end)
		return DENCRYPT_MALFORMED;
	end += strlen(CERTIFICATE_END);
	r = dencrypt_certificate_parse_pem(*at, (size_t)(end - *at), out);
	*at = end;
	return r;
}

static enum dencrypt_result parse(struct joinfile *j, char *text, const char *passphrase)
{
	const char *at = text;
	char salt[SALT_SIZE], *tag = strstr(text, "\n" TAG_LINE);
	enum dencrypt_result r;

	if (!tag || strlen(tag) != strlen("\n" TAG_LINE) + DENCRYPT_TAG_HEX_SIZE || take_head(j, &at, salt) != 0)
		return DENCRYPT_MALFORMED;
	tag[strlen(tag) - 1] = '\0';
	r = dencrypt_tag_check(passphrase, salt, text, (size_t)(tag + 1 - text), tag + strlen("\n" TAG_LINE));
	if (r == DENCRYPT_OK)
		r = take_certificate(&at, &j->ca);
	if (r == DENCRYPT_OK)
		r = take_certificate(&at, &j->certificate);
	if (r == DENCRYPT_OK)
		r = dencrypt_key_parse_pem_with_pin(at, (size_t)(tag + 1 - at), passphrase, &j->key);
	if (r == DENCRYPT_OK)
		r = dencrypt_key_matches(j->key, j->certificate);
	return r;
}

enum dencrypt_result joinfile_read(struct joinfile *j, const char *path, const struct den_secret *passphrase,
	enum dencrypt_machine kind)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	char letters[DENCRYPT_TAG_HEX_SIZE], *text = NULL;
	enum dencrypt_result r = dencrypt_read_file(path, DENCRYPT_FILE_SECRET, JOINFILE_MAX, &bytes);

	memset(j, 0, sizeof(*j));
	if (r != DENCRYPT_OK)
		return r;
	text = strndup((const char *)bytes.data, bytes.size);
	without_groups(letters, sizeof(letters), den_secret_bytes(passphrase));
	r = text ? parse(j, text, letters) : DENCRYPT_NO_MEMORY;
	if (r == DENCRYPT_BAD_ARGUMENT)
		r = DENCRYPT_WRONG_PIN;
	if (r == DENCRYPT_OK && dencrypt_certificate_is_server(j->certificate) != (kind == DENCRYPT_DIRECTORY))
		r = DENCRYPT_MALFORMED;
	explicit_bzero(letters, sizeof(letters));
	free(text);
	dencrypt_bytes_done(&bytes);
	if (r != DENCRYPT_OK)
		joinfile_done(j);
	return r;
}
