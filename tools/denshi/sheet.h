/*
 * The CSV file of a bulk load (R-ALL-8): read whole, its users as rows, and all that is wrong
 * with it, by line. What a field may be is denshid's to say; here is the form only.
 */
#ifndef DENSHI_CLI_SHEET_H
#define DENSHI_CLI_SHEET_H

#include <stddef.h>
#include <stdint.h>

#include "core/loginid.h"
#include "core/text.h"
#include "tools/denshi/cli.h"

enum sheet_column {
	SHEET_LOGIN,
	SHEET_NAME,
	SHEET_MAIL,
	SHEET_LANGUAGE,
	SHEET_ROLE,
	SHEET_AUTHORITIES,
	SHEET_ACCOUNTS,
	SHEET_PASSWORD,
	SHEET_CERTIFICATE,
	SHEET_COLUMNS
};

/* The column's name in the first line, as it is written. */
const char *sheet_column_name(enum sheet_column column);

/* Authorities and accounts of a cell are parted by these. */
#define SHEET_BLANKS " ;"
#define SHEET_GENERATE "generate"

struct sheet_user {
	size_t line;
	char login[DEN_LOGIN_ID_SIZE]; /* as it is stored; "" where it isn't one */
	const char *field[SHEET_COLUMNS]; /* "" where missing; within the sheet's memory */
	int there;			  /* registered already, exactly so */
};

struct sheet_error {
	size_t line, number; /* in the order they were found */
	enum den_code code;
	char *sentence, *found; /* found: NULL where it is told already, or secret */
};

struct sheet {
	const char *name;
	char *bytes; /* all of it; wiped */
	size_t size;
	struct sheet_user *user; /* by line */
	size_t n;
	struct sheet_error *error;
	size_t errors;
	int has_passwords;
};

/* Reads it. CLI_DONE, also where there are errors in it; otherwise the reason is printed: it
 * can't be read, or there is no user in it. */
int sheet_read(struct cli *cli, struct sheet *sheet, const char *name);
void sheet_done(struct sheet *sheet);

/* One more thing that is wrong; found may be NULL. */
void sheet_wrong(struct sheet *sheet, size_t line, enum den_code code, const char *sentence, const char *found);

/* The same for a user's row, with what was found in the field that the code is about. */
void sheet_wrong_field(struct sheet *sheet, size_t line, enum den_code code, const char *sentence);

/* Prints all errors in the order of their lines, then a last line (refusal `last`, with their
 * number, the file and how many are registered). Returns the exit status. */
int sheet_refuse(struct cli *cli, struct sheet *sheet, enum den_code last, const char *registered);

/* Called for each authority of a user, accounts as acct.ID. */
typedef void sheet_each_authority(void *context, const char *authority);
void sheet_authorities(const struct sheet_user *user, sheet_each_authority *each, void *context);

#endif
