/*
 * denshi user import: the whole file is checked first, by denshid's rules, and nothing is
 * done until nothing is wrong; then it is stored, a message of users at a time. Where it
 * goes on after an interruption the directory itself tells: who is there exactly as in
 * the file is done.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/client.h"
#include "core/clock.h"
#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/passwords.h"
#include "tools/denshi/prompt.h"
#include "tools/denshi/sheet.h"

/* denshid answers a message within 30 s. */
#define ANSWER_MS 40000
/* Two are under way: denshid never waits for us. */
#define UNDER_WAY 2
#define PROGRESS_MS 200

struct import {
	struct cli *cli;
	struct sheet sheet;
	struct passwords *passwords; /* NULL: none are generated */
	int generate_all;
	const char *passwords_name;

	/* one conversation */
	int fd, dry_run, status;
	const struct den_secret *approval;
	size_t next;		       /* of the sheet's users */
	size_t sizes[UNDER_WAY], open; /* users of the messages under way, oldest first */
	size_t total, answered, added, there;
	int64_t began_ms, shown_ms;
};

static const char *number(char buf[24], size_t n)
{
	snprintf(buf, 24, "%zu", n);
	return buf;
}

/* -- progress --------------------------------------------------------------------------- */

static void show_progress(struct import *im)
{
	char done[24], all[24], percent[24], rate[24], left[24], text[DEN_TEXT_MAX];
	int64_t took = den_now_ms() - im->began_ms, seconds;
	const char *args[] = {done, all, percent, rate, left};

	if (im->cli->json || !isatty(STDERR_FILENO) || den_now_ms() - im->shown_ms < PROGRESS_MS)
		return;
	im->shown_ms = den_now_ms();
	number(done, im->answered);
	number(all, im->total);
	number(percent, im->total ? im->answered * 100 / im->total : 100);
	number(rate, took > 0 ? im->answered * 1000 / (size_t)took : 0);
	seconds = im->answered ? took * (int64_t)(im->total - im->answered) / (int64_t)im->answered / 1000 : 0;
	snprintf(left, sizeof(left), "%d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
		(int)(seconds % 60));
	den_text_format(text, sizeof(text), im->cli->lang,
		im->dry_run ? DEN_CLI_IMPORT_CHECKING : DEN_CLI_IMPORT_PROGRESS, args, 5);
	fprintf(stderr, "\r\033[K%s", text);
}

static void end_progress(const struct import *im)
{
	if (im->shown_ms)
		fputs("\r\033[K", stderr);
}

/* -- one message ----------------------------------------------------------------------------- */

static int wants_generated(const struct import *im, const struct sheet_user *u)
{
	return strcmp(u->field[SHEET_PASSWORD], SHEET_GENERATE) == 0 ||
		(im->generate_all && !*u->field[SHEET_PASSWORD]);
}

static void add_authority(void *context, const char *authority)
{
	den_message_add_string(context, DEN_TAG_AUTHORITY, authority);
}

/* The password is made only where the user is about to be stored. CLI_DONE, or printed. */
static int add_password(struct import *im, struct den_message *m, const struct sheet_user *u)
{
	const char *password = u->field[SHEET_PASSWORD];

	if (wants_generated(im, u)) {
		if (im->dry_run || !im->passwords)
			return CLI_DONE;
		password = passwords_make(im->cli, im->passwords, u->login);
		if (!password)
			return CLI_REFUSED;
	}
	if (*password)
		den_message_add_string(m, DEN_TAG_PASSWORD, password);
	return CLI_DONE;
}

static int add_user(struct import *im, struct den_message *m, const struct sheet_user *u)
{
	den_message_add_number(m, DEN_TAG_LINE, u->line);
	den_message_add_string(m, DEN_TAG_LOGIN, u->field[SHEET_LOGIN]);
	den_message_add_string(m, DEN_TAG_NAME, u->field[SHEET_NAME]);
	den_message_add_string(m, DEN_TAG_MAIL, u->field[SHEET_MAIL]);
	den_message_add_string(m, DEN_TAG_ROLE, *u->field[SHEET_ROLE] ? u->field[SHEET_ROLE] : "general");
	den_message_add_string(m, DEN_TAG_LANG, u->field[SHEET_LANGUAGE]);
	den_message_add_string(m, DEN_TAG_CERTIFICATE, u->field[SHEET_CERTIFICATE]);
	sheet_authorities(u, add_authority, m);
	return add_password(im, m, u);
}

static size_t bytes_of(const struct sheet_user *u)
{
	/* A field's head and padding, and that a cell becomes several fields. */
	size_t size = 32 * SHEET_COLUMNS;

	for (size_t i = 0; i < SHEET_COLUMNS; i++)
		size += strlen(u->field[i]);
	return size + 8 * (strlen(u->field[SHEET_AUTHORITIES]) + strlen(u->field[SHEET_ACCOUNTS]));
}

/* The next users, or none: the end. */
static void send_message(struct import *im)
{
	struct den_message *m = ask_new(DEN_OP_USER_IMPORT);
	size_t n = 0, bytes = 0;

	if (im->approval && !im->answered && !im->open)
		ask_add_secret(m, DEN_TAG_APPROVAL_PASSWORD, im->approval);
	for (; im->next < im->sheet.n && n < DEN_IMPORT_MAX && im->status == CLI_DONE; im->next++) {
		const struct sheet_user *u = &im->sheet.user[im->next];

		if (u->there)
			continue;
		bytes += bytes_of(u);
		if (n && bytes > DEN_IMPORT_BYTES)
			break;
		im->status = add_user(im, m, u);
		n++;
	}
	if (im->status == CLI_DONE && im->passwords && !im->dry_run)
		im->status = passwords_sync(im->cli, im->passwords);
	if (im->status == CLI_DONE && den_message_send(im->fd, m, ANSWER_MS) != 0)
		im->status = CLI_DOWN;
	den_message_free(m);
	im->sizes[im->open++] = n;
}

/* -- answers ------------------------------------------------------------------------------------- */

static void take_wrong(struct import *im, const struct den_message *row)
{
	size_t line = den_message_number(row, DEN_TAG_LINE, 0), cursor = 0;
	char sentence[DEN_TEXT_MAX];
	enum den_code code;

	while ((code = den_client_next_reason(row, &cursor, sentence, im->cli->lang)) != DEN_OK)
		sheet_wrong_field(&im->sheet, line, code, sentence);
}

static void mark_there(struct import *im, size_t line)
{
	size_t low = 0, high = im->sheet.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (im->sheet.user[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < im->sheet.n && im->sheet.user[low].line == line && !im->sheet.user[low].there) {
		im->sheet.user[low].there = 1;
		im->there++;
	}
}

static void take_sum(struct import *im, const struct den_message *row)
{
	size_t cursor = 0, len;
	const char *value;
	uint64_t line;
	uint16_t tag;

	while (den_message_next(row, &cursor, &tag, &value, &len)) {
		if (tag != DEN_TAG_THERE || len != sizeof(line))
			continue;
		memcpy(&line, value, len);
		mark_there(im, line);
	}
	im->added += den_message_number(row, DEN_TAG_NUMBER, 0);
	im->answered += im->sizes[0];
	memmove(im->sizes, im->sizes + 1, sizeof(im->sizes) - sizeof(*im->sizes));
	im->open--;
	show_progress(im);
}

/* One packet. The final reply, where it is that; otherwise NULL. */
static struct den_message *receive(struct import *im)
{
	struct den_message *m = den_message_receive(im->fd, ANSWER_MS);

	if (!m)
		return den_client_down(errno);
	if (!(den_message_flags(m) & DEN_MORE))
		return m;
	if (den_message_bytes(m, DEN_TAG_LINE, &(size_t){0}))
		take_wrong(im, m);
	else if (den_message_bytes(m, DEN_TAG_NUMBER, &(size_t){0}) && im->open)
		take_sum(im, m);
	den_message_free(m);
	return NULL;
}

/* The whole sheet once through denshid. *reply is the final one, the caller's, or NULL where it
 * was ended here (im->status). */
static void converse(struct import *im, struct den_message **reply)
{
	struct den_message *m = ask_new(DEN_OP_USER_IMPORT);
	int ended = 0;

	*reply = NULL;
	if (im->dry_run)
		den_message_add_number(m, DEN_TAG_DRY_RUN, 1);
	im->fd = den_client_connect(NULL);
	if (im->fd < 0 || den_message_send(im->fd, m, ANSWER_MS) != 0)
		*reply = den_client_down(errno);
	den_message_free(m);
	while (!*reply && im->status == CLI_DONE) {
		if (im->open < UNDER_WAY && !ended) {
			send_message(im);
			ended = im->sizes[im->open - 1] == 0;
		} else {
			*reply = receive(im);
		}
	}
	/* It hung up: what it said before is there to be read. */
	while (!*reply && im->status == CLI_DOWN)
		*reply = receive(im);
	if (im->fd >= 0)
		close(im->fd);
	end_progress(im);
}

static void start_over(struct import *im, int dry_run)
{
	im->dry_run = dry_run;
	im->status = CLI_DONE;
	im->next = im->open = im->answered = im->added = 0;
	im->total = im->sheet.n - im->there;
	im->began_ms = den_now_ms();
	im->shown_ms = 0;
}

/* -- what it would do -------------------------------------------------------------------------------- */

struct counts {
	size_t masters, grants, without, generated;
	json_t *authorities; /* how many users get each */
};

static void count_authority(void *context, const char *authority)
{
	json_t *list = context;
	json_t *count = json_object_get(list, authority);

	json_object_set_new(list, authority, json_integer(json_integer_value(count) + 1));
}

static void count_users(const struct import *im, struct counts *c)
{
	*c = (struct counts){.authorities = json_object()};
	if (!c->authorities)
		output_no_memory();
	for (size_t i = 0; i < im->sheet.n; i++) {
		const struct sheet_user *u = &im->sheet.user[i];

		if (u->there)
			continue;
		c->masters += strcmp(u->field[SHEET_ROLE], "master") == 0;
		c->grants += *u->field[SHEET_CERTIFICATE] != '\0';
		c->generated += (size_t)wants_generated(im, u);
		c->without += !*u->field[SHEET_PASSWORD] && !im->generate_all;
		sheet_authorities(u, count_authority, c->authorities);
	}
}

static void print_authorities(struct cli *cli, json_t *authorities)
{
	static const enum den_code headings[] = {DEN_CLI_LABEL_AUTHORITY, DEN_CLI_LABEL_USERS};
	size_t n = json_object_size(authorities), k = 0;
	const char **cells = calloc(2 * n + 1, sizeof(*cells));
	char(*counts)[24] = calloc(n + 1, sizeof(*counts));
	const char *authority;
	json_t *count;

	if (!cells || !counts)
		output_no_memory();
	json_object_foreach(authorities, authority, count) {
		cells[2 * k] = authority;
		cells[2 * k + 1] = number(counts[k], (size_t)json_integer_value(count));
		k++;
	}
	say(cli, stdout, DEN_CLI_IMPORT_AUTHORITIES);
	output_table(cli, headings, 2, cells, n);
	free(cells);
	free(counts);
}

static void print_summary(struct import *im, const struct counts *c)
{
	char all[24], there[24], left[24], masters[24], grants[24], without[24];

	number(all, im->sheet.n);
	if (im->there == im->sheet.n)
		say(im->cli, stdout, DEN_CLI_IMPORT_NOTHING, all);
	if (im->there == im->sheet.n)
		return;
	number(there, im->there);
	number(left, im->sheet.n - im->there);
	if (im->there)
		say(im->cli, stdout, DEN_CLI_IMPORT_GOES_ON, there, all, left);
	say(im->cli, stdout, DEN_CLI_IMPORT_SUMMARY, left, number(masters, c->masters), number(grants, c->grants),
		number(without, c->without));
	if (json_object_size(c->authorities))
		print_authorities(im->cli, c->authorities);
}

/* Registered by a run before, with a password that is nowhere. */
static void tell_lost(const struct import *im)
{
	for (size_t i = 0; im->passwords && i < im->sheet.n; i++) {
		const struct sheet_user *u = &im->sheet.user[i];

		if (u->there && wants_generated(im, u) && !passwords_find(im->passwords, u->login))
			say(im->cli, stderr, DEN_CLI_PASSWORDS_LOST, u->login, im->passwords_name);
	}
}

/* -- the command ----------------------------------------------------------------------------------------- */

static void finish_json(const struct import *im, const struct den_message *reply, const struct counts *c)
{
	json_t *object = output_reply(reply);

	json_object_set_new(object, "code", json_string(den_code_name(DEN_OK)));
	json_object_set_new(object, im->dry_run ? "to_register" : "registered", json_integer((json_int_t)im->added));
	json_object_set_new(object, "there", json_integer((json_int_t)im->there));
	json_object_set_new(object, "without_password", json_integer((json_int_t)c->without));
	output_json(object);
}

static int finish(struct import *im, const struct den_message *reply, const struct counts *c)
{
	char text[24];

	if (im->cli->json) {
		finish_json(im, reply, c);
		return CLI_DONE;
	}
	if (!im->dry_run) {
		say(im->cli, stdout, DEN_CLI_IMPORT_DONE, number(text, im->added));
		if (c->without)
			say(im->cli, stdout, DEN_CLI_IMPORT_NO_PASSWORD, number(text, c->without));
		if (c->generated)
			say(im->cli, stdout, DEN_CLI_IMPORT_PASSWORDS, im->passwords_name);
	} else if (im->there < im->sheet.n) {
		say(im->cli, stdout, DEN_CLI_WOULD_STORE);
	}
	ask_say_pending(im->cli, reply);
	return CLI_DONE;
}

/* The file against the rules, all of it. *reply is the caller's. */
static int check(struct import *im, struct den_message **reply)
{
	int status;

	start_over(im, 1);
	converse(im, reply);
	status = *reply ? ask_refused(im->cli, *reply) : im->status;
	if (status == CLI_DONE && im->sheet.errors)
		status = sheet_refuse(im->cli, &im->sheet, DEN_CLI_IMPORT_WRONG, NULL);
	return status;
}

/* R-AUTH-4: authorities are the master's approval, asked once for all of them. */
static int confirm(struct import *im, const struct args *args, const struct counts *c, struct den_secret **approval)
{
	int status = args->option[OPT_YES] ? CLI_DONE : prompt_confirm(im->cli, DEN_CLI_CONFIRM_STORE);

	if (status == CLI_DONE && json_object_size(c->authorities))
		status = prompt_secret(im->cli, DEN_ASK_APPROVAL, approval);
	return status;
}

static int store(struct import *im, const struct counts *c)
{
	struct den_message *reply;
	char added[24], total[24];
	int status;

	start_over(im, 0);
	converse(im, &reply);
	status = reply ? ask_refused(im->cli, reply) : im->status;
	number(added, im->added);
	if (status != CLI_DONE && im->added)
		say(im->cli, stderr, DEN_CLI_IMPORT_INTERRUPTED, added, number(total, im->total));
	if (status == CLI_DONE && im->sheet.errors)
		status = sheet_refuse(im->cli, &im->sheet, DEN_CLI_IMPORT_STOPPED, added);
	else if (status == CLI_DONE)
		status = finish(im, reply, c);
	den_message_free(reply);
	return status;
}

static int import(struct import *im, const struct args *args)
{
	struct den_secret *approval = NULL;
	struct den_message *reply = NULL;
	struct counts c = {0};
	int status = check(im, &reply);

	if (status == CLI_DONE) {
		count_users(im, &c);
		tell_lost(im);
	}
	if (status == CLI_DONE && !im->cli->json)
		print_summary(im, &c);
	if (status == CLI_DONE && (args->option[OPT_DRY_RUN] || im->there == im->sheet.n)) {
		status = finish(im, reply, &c);
	} else if (status == CLI_DONE && (status = confirm(im, args, &c, &approval)) == CLI_DONE) {
		im->approval = approval;
		status = store(im, &c);
	}
	den_message_free(reply);
	den_secret_free(approval);
	json_decref(c.authorities);
	return status;
}

/* A file for what is generated is asked for before anything is done. */
static int open_passwords(struct import *im, const struct args *args)
{
	size_t first = 0;

	im->generate_all = args->option[OPT_GENERATE] != NULL;
	im->passwords_name = args->option[OPT_PASSWORDS];
	while (first < im->sheet.n && !wants_generated(im, &im->sheet.user[first]))
		first++;
	if (first == im->sheet.n)
		return CLI_DONE;
	if (!im->passwords_name)
		return refuse(im->cli, DEN_CLI_CSV_GENERATE);
	return args->option[OPT_DRY_RUN] ? CLI_DONE : passwords_open(im->cli, im->passwords_name, &im->passwords);
}

int cli_user_import(struct cli *cli, const struct args *args)
{
	struct import im = {.cli = cli, .fd = -1};
	int status = sheet_read(cli, &im.sheet, args->operand[0]);

	if (status == CLI_DONE)
		status = open_passwords(&im, args);
	if (status == CLI_DONE)
		status = import(&im, args);
	passwords_close(im.passwords);
	sheet_done(&im.sheet);
	return status;
}
