/*
 * The file that lets a host join: `denshi host add` writes it, `denshi setup --join`
 * reads it. Text: the organisation, the host, where the directory is; the hosts' CA, the
 * host's certificate, its key under a passphrase that was shown once; a tag over all of
 * it, by the same passphrase, so that nobody on the way sends the host elsewhere.
 */
#ifndef DENSHI_SERVER_JOINFILE_H
#define DENSHI_SERVER_JOINFILE_H

#include "config/config.h"
#include "core/secret.h"
#include "crypto/ca.h"
#include "crypto/certificate.h"
#include "crypto/csr.h"

#define JOINFILE_MAX 32768
/* 80 random bits in four groups, and its NUL. */
#define JOINFILE_PASSPHRASE_SIZE 20

struct joinfile {
	char org[sizeof(((struct den_config *)0)->organisation)];
	char host[sizeof(((struct den_config *)0)->host)];
	char uri[sizeof(((struct den_config *)0)->uri)];
	struct dencrypt_certificate *ca, *certificate;
	struct dencrypt_key *key;
};

void joinfile_done(struct joinfile *j);

/* A copy of the CA's certificate, for a file that is to be written. */
enum dencrypt_result joinfile_copy_ca(struct joinfile *j, const struct dencrypt_ca *ca);

/* A new passphrase, in groups of four. */
enum dencrypt_result joinfile_passphrase(char passphrase[JOINFILE_PASSPHRASE_SIZE]);

/* A new file at path, mode 0600; DENCRYPT_EXISTS where there is one. */
enum dencrypt_result joinfile_write(const struct joinfile *j, const char *path, const char *passphrase);

/*
 * Reads path, which nobody else may read or write. How the passphrase is grouped doesn't
 * matter. DENCRYPT_WRONG_PIN also where the file was changed; DENCRYPT_MALFORMED also where it
 * is for a machine of the other kind: what a directory server may read is no host's.
 * Otherwise as dencrypt_read_file.
 */
enum dencrypt_result joinfile_read(struct joinfile *j, const char *path, const struct den_secret *passphrase,
	enum dencrypt_machine kind);

#endif
