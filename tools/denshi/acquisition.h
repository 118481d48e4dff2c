/*
 * A certificate being acquired (R-CERT-2), and its files. The key, under the PIN, waits in a file of its
 * own (`.waiting`, mode 0600) from before the request until the files are there: the grant serves one
 * acquisition, and whatever ends the program in between, the next run goes on with that key.
 */
#ifndef DENSHI_CLI_ACQUISITION_H
#define DENSHI_CLI_ACQUISITION_H

#include <limits.h>

#include "core/loginid.h"
#include "core/secret.h"
#include "core/wire.h"
#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "tools/denshi/cli.h"

#define ACQUISITION_ID_SIZE 128

struct acquisition {
	char login[DEN_LOGIN_ID_SIZE];
	char id[ACQUISITION_ID_SIZE]; /* of the grant */
	char p12[PATH_MAX];
	char pem[PATH_MAX], crt[PATH_MAX], pub[PATH_MAX]; /* "" for none */
	char waiting[PATH_MAX];
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

/* Takes up a former run's key and grant, with its PIN, which is asked for where a->pin is NULL. CLI_DONE also where there is none: a->key is then NULL. */
int acquisition_resume(struct cli *cli, struct acquisition *a);

/* Puts key and grant into the file that waits; takes it away. The exit status. */
int acquisition_keep_key(struct cli *cli, const struct acquisition *a);
int acquisition_drop_key(struct cli *cli, const struct acquisition *a);

/* Makes the key, which says so, and puts it into that file. The exit status. */
int acquisition_make_key(struct cli *cli, struct acquisition *a, int rsa);

/* Sends the signed request, as part of a message that says who asks; request is freed. What is refused
 * the first time takes the key away. The exit status. */
int acquisition_request(struct cli *cli, const struct acquisition *a, struct den_message *request,
	const struct dencrypt_bytes *der);

/* All files, or none; what a former run has written of them stays. The exit status. */
int acquisition_write_files(struct cli *cli, const struct acquisition *a);

/*
 * Waits for the signer's answer to the request, until it is there, it took too long, or a signal came;
 * then the files. The exit status; the reply is freed. What to do next is printed.
 */
struct den_message *acquisition_await(struct cli *cli, const struct acquisition *a);
int acquisition_finish(struct cli *cli, struct acquisition *a, struct den_message *reply);

/* From here on a signal ends the waiting, not the program. */
void acquisition_note_interruptions(void);

/* --via: denshid is asked on another machine from here on. The exit status; closed by acquisition_done. */
int acquisition_reach(struct cli *cli, const char *destination);
void acquisition_done(struct cli *cli, struct acquisition *a);

#endif
