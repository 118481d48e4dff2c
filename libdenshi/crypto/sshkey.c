#include "crypto/sshkey.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>

#include "crypto/internal.h"

#define COORDINATE_MAX 48 /* bytes, P-384 */
#define NUMBER_MAX 1024   /* bytes, RSA 8192 */

/* Grows into a fixed array; the first thing that doesn't fit spoils it for good. */
struct wire {
	unsigned char *data;
	size_t used;
	bool bad;
};

static void put_bytes(struct wire *wire, const void *data, size_t size)
{
	if (wire->bad || size > DENCRYPT_SSH_BLOB_MAX - wire->used) {
		wire->bad = true;
		return;
	}
	memcpy(wire->data + wire->used, data, size);
	wire->used += size;
}

static void put_length(struct wire *wire, size_t size)
{
	const unsigned char length[4] = {
		(unsigned char)(size >> 24), (unsigned char)(size >> 16),
		(unsigned char)(size >> 8), (unsigned char)size,
	};

	put_bytes(wire, length, sizeof(length));
}

static void put_string(struct wire *wire, const void *data, size_t size)
{
	put_length(wire, size);
	put_bytes(wire, data, size);
}

static void put_text(struct wire *wire, const char *text)
{
	put_string(wire, text, strlen(text));
}

/* mpint (RFC 4251, 5): a leading zero octet where the sign bit would be set. */
static void put_number(struct wire *wire, EVP_PKEY *pkey, const char *param)
{
	unsigned char octets[1 + NUMBER_MAX] = { 0 };
	BIGNUM *number = NULL;
	size_t size;

	if (EVP_PKEY_get_bn_param(pkey, param, &number) != 1 ||
	    BN_num_bytes(number) > NUMBER_MAX) {
		wire->bad = true;
	} else {
		size = (size_t)BN_bn2bin(number, octets + 1);
		if (octets[1] & 0x80)
			put_string(wire, octets, size + 1);
		else
			put_string(wire, octets + 1, size);
	}
	BN_free(number);
}

static void put_coordinate(struct wire *wire, EVP_PKEY *pkey, const char *param, int size)
{
	unsigned char octets[COORDINATE_MAX];
	BIGNUM *number = NULL;

	if (EVP_PKEY_get_bn_param(pkey, param, &number) == 1 &&
	    BN_bn2binpad(number, octets, size) == size)
		put_bytes(wire, octets, (size_t)size);
	else
		wire->bad = true;
	BN_free(number);
}

/* SSH knows the uncompressed point only; the certificate may hold it compressed. */
static void put_ec(struct wire *wire, EVP_PKEY *pkey)
{
	bool p256 = EVP_PKEY_get_bits(pkey) == 256;
	int size = p256 ? 32 : 48;

	put_text(wire, p256 ? "ecdsa-sha2-nistp256" : "ecdsa-sha2-nistp384");
	put_text(wire, p256 ? "nistp256" : "nistp384");
	put_length(wire, 1 + 2 * (size_t)size);
	put_bytes(wire, "\x04", 1);
	put_coordinate(wire, pkey, OSSL_PKEY_PARAM_EC_PUB_X, size);
	put_coordinate(wire, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, size);
}

static void put_rsa(struct wire *wire, EVP_PKEY *pkey)
{
	put_text(wire, "ssh-rsa");
	put_number(wire, pkey, OSSL_PKEY_PARAM_RSA_E);
	put_number(wire, pkey, OSSL_PKEY_PARAM_RSA_N);
}

enum dencrypt_result dencrypt_ssh_blob(const struct dencrypt_certificate *certificate,
				       unsigned char out[DENCRYPT_SSH_BLOB_MAX], size_t *size)
{
	EVP_PKEY *pkey = X509_get0_pubkey(certificate->x509);
	struct wire wire = { out, 0, false };
	enum dencrypt_result result;

	if (!pkey)
		return dencrypt_failure(DENCRYPT_KEY_REFUSED);
	result = dencrypt_key_allowed(pkey);
	if (result != DENCRYPT_OK)
		return result;
	if (EVP_PKEY_is_a(pkey, "RSA"))
		put_rsa(&wire, pkey);
	else
		put_ec(&wire, pkey);
	if (wire.bad)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	*size = wire.used;
	return DENCRYPT_OK;
}

/* The algorithm's name, which is the blob's first string. */
static const char *blob_algorithm(const unsigned char *blob, size_t size)
{
	static const char *const known[] = {
		"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ssh-rsa",
	};
	size_t length;

	length = (size_t)blob[0] << 24 | (size_t)blob[1] << 16 | (size_t)blob[2] << 8 | blob[3];
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (length == strlen(known[i]) && length <= size - 4 &&
		    memcmp(blob + 4, known[i], length) == 0)
			return known[i];
	return NULL;
}

static bool comment_clean(const char *comment)
{
	size_t length = strnlen(comment, DENCRYPT_SSH_COMMENT_MAX + 1);

	if (length > DENCRYPT_SSH_COMMENT_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)comment[i] < 0x20 || comment[i] == 0x7f)
			return false;
	return true;
}

enum dencrypt_result dencrypt_ssh_blob_line(const unsigned char *blob, size_t size,
					    const char *comment, char out[DENCRYPT_SSH_LINE_SIZE])
{
	unsigned char base64[(DENCRYPT_SSH_BLOB_MAX + 2) / 3 * 4 + 1];
	const char *algorithm;
	int length;

	if (comment && !comment_clean(comment))
		return DENCRYPT_BAD_ARGUMENT;
	if (size < 4 || size > DENCRYPT_SSH_BLOB_MAX)
		return DENCRYPT_MALFORMED;
	algorithm = blob_algorithm(blob, size);
	if (!algorithm)
		return DENCRYPT_KEY_REFUSED;
	EVP_EncodeBlock(base64, blob, (int)size);
	length = snprintf(out, DENCRYPT_SSH_LINE_SIZE, "%s %s%s%s", algorithm,
			  (const char *)base64, comment && *comment ? " " : "",
			  comment ? comment : "");
	if (length < 0 || length >= DENCRYPT_SSH_LINE_SIZE)
		return DENCRYPT_INTERNAL;
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_ssh_line(const struct dencrypt_certificate *certificate,
				       const char *comment, char out[DENCRYPT_SSH_LINE_SIZE])
{
	unsigned char blob[DENCRYPT_SSH_BLOB_MAX];
	enum dencrypt_result result;
	size_t size = 0;

	result = dencrypt_ssh_blob(certificate, blob, &size);
	if (result == DENCRYPT_OK)
		result = dencrypt_ssh_blob_line(blob, size, comment, out);
	return result;
}

enum dencrypt_result dencrypt_ssh_used(const char *auth_info,
				       const struct dencrypt_certificate *certificate)
{
	static const char method[] = "publickey ";
	enum dencrypt_result result;
	char line[DENCRYPT_SSH_LINE_SIZE];
	bool key_seen = false;
	size_t length;

	result = dencrypt_ssh_line(certificate, NULL, line);
	if (result != DENCRYPT_OK)
		return result;
	/* Both sides write canonical base64, so that equal keys are equal text. */
	for (; *auth_info; auth_info += length + (auth_info[length] == '\n')) {
		length = strcspn(auth_info, "\n");
		if (strncmp(auth_info, method, sizeof(method) - 1) != 0)
			continue;
		key_seen = true;
		if (length == sizeof(method) - 1 + strlen(line) &&
		    strncmp(auth_info + sizeof(method) - 1, line, strlen(line)) == 0)
			return DENCRYPT_OK;
	}
	return key_seen ? DENCRYPT_KEY_MISMATCH : DENCRYPT_NO_PUBLIC_KEY;
}
