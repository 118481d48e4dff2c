/*
 * What every command of denshi shares: the context of a run, the exit status,
 * and sentences in the reader's language. A command parses its arguments, asks
 * denshid and prints; the rules are denshid's.
 */
#ifndef DENSHI_CLI_H
#define DENSHI_CLI_H

#include <stdio.h>

#include "core/text.h"

enum cli_status {
	CLI_DONE = 0,
	CLI_REFUSED = 1, /* also: a change is pending (user-update --dry-run) */
	CLI_USAGE = 2,
	CLI_DOWN = 3, /* denshid or the directory can't be asked */
};

struct args;
struct command;

struct cli {
	enum den_lang lang;
	int lang_known; /* told by the locale; otherwise denshid's replies tell it (R-ALL-2) */
	int json;
	int password_fd, pin_fd; /* -1: ask on the terminal */
	const struct command *command;
	struct remote *remote; /* who is asked instead of the denshid here; NULL: the one here */
};

/* A table row per command; main.c has them. */
struct command {
	const char *group, *verb; /* "user" "create"; verb NULL where there is none */
	const char *operands;	  /* for the usage line */
	int operands_min, operands_max;
	unsigned long options; /* set of 1ul << enum option */
	enum den_code summary;
	enum den_code secrets; /* what --password-fd gives, in order; DEN_OK: nothing */
	int (*run)(struct cli *cli, const struct args *args);
};

/* The commands, one file per group. Each returns an enum cli_status. */
int cli_status(struct cli *cli, const struct args *args);
int cli_user_create(struct cli *cli, const struct args *args);
int cli_user_import(struct cli *cli, const struct args *args);
int cli_user_export(struct cli *cli, const struct args *args);
int cli_user_change(struct cli *cli, const struct args *args);
int cli_user_delete(struct cli *cli, const struct args *args);
int cli_user_list(struct cli *cli, const struct args *args);
int cli_user_show(struct cli *cli, const struct args *args);
int cli_user_suspend(struct cli *cli, const struct args *args);
int cli_user_resume(struct cli *cli, const struct args *args);
int cli_cert_grant(struct cli *cli, const struct args *args);
int cli_cert_list(struct cli *cli, const struct args *args);
int cli_cert_show(struct cli *cli, const struct args *args);
int cli_cert_get(struct cli *cli, const struct args *args);
int cli_cert_renew(struct cli *cli, const struct args *args);
int cli_cert_revoke(struct cli *cli, const struct args *args);
int cli_client_policy(struct cli *cli, const struct args *args);
int cli_user_update(struct cli *cli, const struct args *args);
int cli_authority_list(struct cli *cli, const struct args *args);
int cli_authority_show(struct cli *cli, const struct args *args);
int cli_authority_give(struct cli *cli, const struct args *args);
int cli_authority_take(struct cli *cli, const struct args *args);
int cli_business_add(struct cli *cli, const struct args *args);
int cli_business_change(struct cli *cli, const struct args *args);
int cli_business_delete(struct cli *cli, const struct args *args);
int cli_account_add(struct cli *cli, const struct args *args);
int cli_account_change(struct cli *cli, const struct args *args);
int cli_account_delete(struct cli *cli, const struct args *args);
int cli_request(struct cli *cli, const struct args *args);
int cli_requests(struct cli *cli, const struct args *args);
int cli_approve(struct cli *cli, const struct args *args);
int cli_reject(struct cli *cli, const struct args *args);
int cli_withdraw(struct cli *cli, const struct args *args);
int cli_log(struct cli *cli, const struct args *args);
int cli_log_copy(struct cli *cli, const struct args *args); /* the part of it that is given a file */
int cli_check_approval(struct cli *cli, const struct args *args);
int cli_passwd(struct cli *cli, const struct args *args);
int cli_unlock(struct cli *cli, const struct args *args);
int cli_logout(struct cli *cli, const struct args *args);
int cli_snapshot_check(struct cli *cli, const struct args *args);
int cli_snapshot_dump(struct cli *cli, const struct args *args);
int cli_snapshot_accept(struct cli *cli, const struct args *args);

/* 1 for the word of a command that is a program of its own (setup, directory). */
int cli_is_program(const char *word);
/* Hands over to it, argv[0] is that word; returns only where it can't be run. */
int cli_program(struct cli *cli, char **argv);

#endif
