/*
 * A certificate being acquired (R-CERT-2), and where it goes: files, or a PKCS#11 token. The grant serves one
 * acquisition; so the key is kept there from before the request, together with the grant's name, and whatever
 * ends the program in between, the next run goes on with that key. In files it is `.waiting`, mode 0600, under
 * the PIN; in a token it is a key pair without a certificate, whose id is the grant's name.
 */
#ifndef DENSHI_CLI_ACQUISITION_H
#define DENSHI_CLI_ACQUISITION_H

#include <limits.h>

#include "core/loginid.h"
#include "core/secret.h"
#include "core/wire.h"
#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/token.h"
#include "tools/denshi/cli.h"

#define ACQUISITION_ID_SIZE 128

struct acquisition;

/* Where key and certificate go. Each returns the exit status, the reason told. */
struct acquisition_store {
	/* Takes up a former run's key and grant. CLI_DONE also where there is none: a->key is then NULL. */
	int (*resume)(struct cli *cli, struct acquisition *a);
	/* Makes the key, and keeps it with the grant's name; asks for the PIN where there is none yet. */
	int (*make_key)(struct cli *cli, struct acquisition *a, int rsa);
	/* Takes away what waited, where it has no more use. */
	int (*drop_key)(struct cli *cli, struct acquisition *a);
	/* Puts all there, or nothing; what a former run has put there stays. */
	int (*put)(struct cli *cli, struct acquisition *a);
	void (*say_what_next)(struct cli *cli, const struct acquisition *a);
	/* Where the key waits, for people. */
	const char *(*place)(const struct acquisition *a);
};

extern const struct acquisition_store acquisition_files, acquisition_token;

struct acquisition {
	const struct acquisition_store *store;
	char login[DEN_LOGIN_ID_SIZE];
	char id[ACQUISITION_ID_SIZE]; /* of the grant */
	char p12[PATH_MAX];
	char pem[PATH_MAX], crt[PATH_MAX], pub[PATH_MAX]; /* "" for none */
	char waiting[PATH_MAX];
	struct dencrypt_token *token; /* logged in to; with acquisition_token only */
	char uri[DENCRYPT_TOKEN_URI_SIZE];
	int is_renewal;
	int resumed; /* the key is that of a former run */
	struct den_secret *pin;
	struct dencrypt_key *key;
	struct dencrypt_certificate *certificate, *ca;
};

/* Says why, and returns the exit status. path may be NULL. */
int acquisition_refused(struct cli *cli, enum dencrypt_result result, const char *path);

/* The paths: of the PKCS#12 file, and where pem isn't NULL of the other three; -1 where one is too long. */
int acquisition_name_files(struct acquisition *a, const char *p12, const char *p12_suffix, const char *pem);

/* Nothing is there yet but of a former run, and the folders can be written. The exit status. */
int acquisition_check_paths(struct cli *cli, const struct acquisition *a);

/* Finds the token and logs in to it, as its user, with the PIN, which is asked for where a->pin is NULL. The
 * exit status. */
int acquisition_open_token(struct cli *cli, struct acquisition *a, const char *name);

/* Sends the signed request, as part of a message that says who asks; request is freed. What is refused
 * the first time takes the key away. The exit status. */
int acquisition_request(struct cli *cli, struct acquisition *a, struct den_message *request,
	const struct dencrypt_bytes *der);

/*
 * Waits for the signer's answer to the request, until it is there, it took too long, or a signal came;
 * then puts it into the store. The exit status; the reply is freed. What to do next is printed.
 */
struct den_message *acquisition_await(struct cli *cli, const struct acquisition *a);
int acquisition_finish(struct cli *cli, struct acquisition *a, struct den_message *reply);

/* From here on a signal ends the waiting, not the program. */
void acquisition_note_interruptions(void);

/* --via: denshid is asked on another machine from here on. The exit status; closed by acquisition_done. */
int acquisition_reach(struct cli *cli, const char *destination);
void acquisition_done(struct cli *cli, struct acquisition *a);

#endif
