/*
 * denshi-setup makes an organisation's directory out of nothing: what is asked
 * for, how it goes on, and what its files share.
 *
 *	STATE/set-XXXXXX/directory/{config,data}
 *	STATE/set-XXXXXX/ca/{ca.key,ca.pem}
 *	STATE/set-XXXXXX/{hosts-ca,tls}, where it serves the network (tools/server/network.h)
 *	STATE/ca, STATE/directory, ... -> the folders of the set in use
 *
 * All is built in a set of its own. The link `directory`, made last, puts it in
 * use: whatever ends setup before leaves a set that nothing refers to, and the
 * next run sweeps it. Functions return 0, or -1 after having said why.
 */
#ifndef DENSHI_SETUP_SETUP_H
#define DENSHI_SETUP_SETUP_H

#include <limits.h>

#include "config/config.h"
#include "core/loginid.h"
#include "core/name.h"
#include "core/secret.h"
#include "core/text.h"
#include "crypto/bytes.h"
#include "tools/server/child.h"
#include "tools/server/set.h"

#define SETUP_LABEL_CHARACTERS 80
#define SETUP_ACCOUNTS_MAX 256
#define SETUP_GRANT_DAYS 30 /* R-CERT-1 */
#define SETUP_PRIMARY_GID 200000u

struct setup_account {
	char id[33];
	char label[4 * SETUP_LABEL_CHARACTERS + 1];
};

struct setup {
	/* as asked for, checked by plan.c */
	char org[33], org_name[DEN_NAME_SIZE];
	char master[DEN_LOGIN_ID_SIZE], master_name[DEN_NAME_SIZE], mail[DEN_MAIL_MAX + 1];
	char host[65], uri[1024];
	enum den_lang org_lang;
	const char *state, *schema_dir, *config_path, *accounts_file;
	unsigned memory_kib, passes, first_uid, last_uid, first_gid;
	int password_fd, generate, dry_run, yes, remove, sample;
	int network; /* the directory serves other hosts, on port */
	unsigned port;
	const char *join_file;
	const char *existing, *slapd_config; /* a slapd that is there already: URI, folder of cn=config */
	int argon2id; /* slapd's module for it is here */
	struct setup_account *accounts;
	size_t naccounts;

	/* found out */
	struct unix_user directory_user, denshid_user, ca_user;
	struct den_secret *password;

	/* made */
	char set[PATH_MAX];
	struct dencrypt_bytes ca_der; /* the CA's certificate */
	enum den_lang lang; /* of this run's messages */
};

/* -- saying (say.c): text.def rows in the language of the run ----------------------- */

/* To standard output; up to DEN_TEXT_ARGS_MAX arguments, NULL-terminated. */
void say(const struct setup *s, enum den_code code, ...) __attribute__((sentinel));
/* To standard error, with the stable name; returns -1. */
int fail(const struct setup *s, enum den_code code, ...) __attribute__((sentinel));
/* y or yes on the terminal: 1. Without a terminal, or otherwise: 0. */
int confirm(const struct setup *s, enum den_code question);
/* A line from the terminal. -1 where there is no terminal, or nothing entered. */
int ask_line(const struct setup *s, enum den_code label, char *buf, size_t size);
/* The same without echo. -1 (said). */
int ask_secret(const struct setup *s, enum den_code label, struct den_secret *secret);

/* -- the steps ------------------------------------------------------------------------ */

#define PLAN_GO_ON -1

/* Options and their checks, every wrong one said (R-DATA-1). PLAN_GO_ON, or what to exit with. */
int plan_options(struct setup *s, int argc, char **argv);
/* The users and programs that setup needs; the accounts file. */
int plan_surroundings(struct setup *s);
/* The users that a host needs. */
int plan_host(struct setup *s);
void plan_show(const struct setup *s);
/* The master's initial login password: read, asked for or made (R-INIT-1). */
int plan_password(struct setup *s);

/* The state folder, held against another run until this process ends. */
int files_lock(const struct setup *s);
/* The set's folder, with cn=config and the first entries (slapadd). */
int files_make(struct setup *s);
/* The CA's key and certificate within the set; ca_der. */
int files_make_ca(struct setup *s);
/* Where the directory serves the network: the hosts' CA, the server's certificate and key. Their
 * links are made at once, for slapd's configuration names them; without the link `directory`
 * nothing uses them. */
int files_make_network(struct setup *s);
/* Puts the set in use. */
int files_commit(struct setup *s);
/* Removes a set that is not in use, also a half-made one. Never says anything. */
void files_discard(struct setup *s);
/* 1 where a directory is in use at STATE. */
int files_in_use(const struct setup *s);
/* Sets that an interrupted run left; only where no directory is in use. */
void files_sweep(const struct setup *s);
int files_remove(struct setup *s);

/* Everything else: written over LDAP, to a slapd of setup's own. */
int entries_make(struct setup *s);

/* denshi.conf. What an administrator has set stays; what this host needs besides is appended. conf_check: 0, or -1 (said)
 * where something in it contradicts that. conf_write says so, too, and leaves it (*written: 0). */
#define SETUP_ORG_SIZE sizeof(((struct den_config *)0)->organisation)
/* Whether denshi.conf has this host in another organisation, and which. */
int conf_is_of_another(const struct setup *s, char org[SETUP_ORG_SIZE]);
int conf_check(const struct setup *s);
int conf_write(const struct setup *s, int *written);
int conf_undo(const struct setup *s);
/* 1 where setup wrote settings that are still there. */
int conf_is_ours(const struct setup *s);

/* The database goes into a slapd that is there already (existing.c). What will be added, shown;
 * what an interrupted run added, taken away; the set hung in, once it is built, and denshi.conf
 * written. */
int existing_show(struct setup *s);
int existing_clean(struct setup *s);
int existing_attach(struct setup *s);
int existing_is_in_use(const struct setup *s);
/* Takes out what was recorded; *found: there was anything. */
int existing_remove(struct setup *s, int *found);

/* A host that joins an organisation whose directory is elsewhere; join_file. */
int join(struct setup *s);
/* Takes its settings and its key away. */
int join_undo(struct setup *s);

#endif
