/*
 * The module's arguments: one table of rows in args.c says what there is, in
 * which phase it means something, and what is allowed. Anything else is an error,
 * never ignored (R-ALL-5). libc only, so that it can be fuzzed alone.
 *
 * Thread rule: pure functions, no state.
 */
#ifndef DENSHI_PAM_ARGS_H
#define DENSHI_PAM_ARGS_H

/* What libpam asks for. One bit each: an argument's row is a set of them. */
enum denpam_phase {
	DENPAM_AUTH = 1,
	DENPAM_ACCOUNT = 2,
	DENPAM_PASSWORD = 4,
	DENPAM_SESSION = 8,
};

/* Strings point into argv, or are literals. */
struct denpam_args {
	const char *certificate; /* "required", "optional", "on-record", "off" (R-LOGIN-1) */
	const char *approve;	 /* not NULL: demand an approved request (R-APP-3) */
	const char *business;	 /* not NULL where approve isn't */
	const char *account;	 /* NULL: the business is not on an account */
	const char *approver;	 /* "other" or "any" */
	const char *need;	 /* NULL, or a digit: so many approvers */
	const char *match;	 /* NULL, or names with commas: what the request must be bound to */
	const char *once;	 /* not NULL: said so, which is what happens anyway */
	const char *within;	 /* NULL, or how long an approval serves: "2h" */
	const char *prompt;	 /* not NULL: an approver may stand by */
	const char *of;		 /* "user" or "ruser": whose request */
	const char *socket;	 /* NULL: the usual one */
	const char *debug, *quiet;
	const char *use_first_pass, *try_first_pass, *use_authtok;
};

/* What was wrong: the argument's name, what was found, what is allowed. */
struct denpam_args_error {
	const char *argument, *found, *allowed;
};

/* 1 where a line says of=ruser, whatever else it says: then it isn't only about denshi users. */
int denpam_args_of_ruser(int argc, const char *const *argv);

/* The arguments of one line of a service file. 0, or -1 with *error about the first wrong one. */
int denpam_args_parse(struct denpam_args *args, enum denpam_phase phase, int argc,
	const char *const *argv, struct denpam_args_error *error);

#endif
