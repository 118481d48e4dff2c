#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/duration.h"
#include "core/protocol.h"
#include "core/request.h"
#include "crypto/digest.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"
#include "tools/denshi/sign.h"

#define WATCH_S 2

static const struct column list_columns[] = {
	{DEN_TAG_ID, COLUMN_TEXT, "id", DEN_CLI_LABEL_ID},
	{DEN_TAG_STATE, COLUMN_WORD, "state", DEN_CLI_LABEL_STATE},
	{DEN_TAG_BUSINESS, COLUMN_TEXT, "business", DEN_CLI_LABEL_BUSINESS},
	{DEN_TAG_ACCOUNT, COLUMN_TEXT, "account", DEN_CLI_LABEL_ACCOUNT},
	{DEN_TAG_MAKER, COLUMN_TEXT, "maker", DEN_CLI_LABEL_MAKER},
	{DEN_TAG_TIME, COLUMN_TIME, "time", DEN_CLI_LABEL_TIME},
	{DEN_TAG_EXPIRES, COLUMN_TIME, "expires", DEN_CLI_LABEL_EXPIRES},
	{DEN_TAG_HOST, COLUMN_HIDDEN, "host", DEN_CLI_LABEL_HOST},
	{DEN_TAG_TEXT, COLUMN_HIDDEN, "terminal", DEN_CLI_LABEL_SESSION},
	{DEN_TAG_DIGEST, COLUMN_HIDDEN, "digest", DEN_CLI_LABEL_DIGEST},
	{DEN_TAG_SHA256, COLUMN_HIDDEN, "sha256", DEN_CLI_LABEL_DIGEST},
	{DEN_TAG_AMOUNT, COLUMN_TEXT, "amount", DEN_CLI_LABEL_AMOUNT},
	{DEN_TAG_ATTACHMENT, COLUMN_HIDDEN, "attachment", DEN_CLI_LABEL_ATTACHMENT},
	{DEN_TAG_FACT, COLUMN_HIDDEN_LIST, "for", DEN_CLI_LABEL_FOR},
	{DEN_TAG_NEED, COLUMN_HIDDEN_NUMBER, "need", DEN_CLI_LABEL_NEED},
	{DEN_TAG_DECIDED_BY, COLUMN_LIST, "decided_by", DEN_CLI_LABEL_DECIDED_BY},
	{DEN_TAG_RECORD, COLUMN_HIDDEN_LIST, "decisions", DEN_CLI_LABEL_STEPS},
	{DEN_TAG_REASON, COLUMN_HIDDEN, "reason", DEN_CLI_LABEL_REASON},
	{DEN_TAG_USED, COLUMN_HIDDEN, "used", DEN_CLI_LABEL_USED},
	{DEN_TAG_SUBJECT, COLUMN_TEXT, "subject", DEN_CLI_LABEL_SUBJECT},
};

/* Everything that counts, before the approval password is asked for (R-APP-1, R-APP-2). */
static const struct column decide_columns[] = {
	{DEN_TAG_ID, COLUMN_TEXT, "id", DEN_CLI_LABEL_ID},
	{DEN_TAG_BUSINESS, COLUMN_TEXT, "business", DEN_CLI_LABEL_BUSINESS},
	{DEN_TAG_ACCOUNT, COLUMN_TEXT, "account", DEN_CLI_LABEL_ACCOUNT},
	{DEN_TAG_SUBJECT, COLUMN_TEXT, "subject", DEN_CLI_LABEL_SUBJECT},
	{DEN_TAG_AMOUNT, COLUMN_TEXT, "amount", DEN_CLI_LABEL_AMOUNT},
	{DEN_TAG_ATTACHMENT, COLUMN_TEXT, "attachment", DEN_CLI_LABEL_ATTACHMENT},
	{DEN_TAG_FACT, COLUMN_LINES, "for", DEN_CLI_LABEL_FOR},
	{DEN_TAG_NEED, COLUMN_NUMBER, "need", DEN_CLI_LABEL_NEED},
	{DEN_TAG_MAKER, COLUMN_TEXT, "maker", DEN_CLI_LABEL_MAKER},
	{DEN_TAG_TIME, COLUMN_TIME, "time", DEN_CLI_LABEL_TIME},
	{DEN_TAG_HOST, COLUMN_TEXT, "host", DEN_CLI_LABEL_HOST},
	{DEN_TAG_TEXT, COLUMN_TEXT, "terminal", DEN_CLI_LABEL_SESSION},
	{DEN_TAG_EXPIRES, COLUMN_TIME, "expires", DEN_CLI_LABEL_EXPIRES},
	{DEN_TAG_DIGEST, COLUMN_TEXT, "digest", DEN_CLI_LABEL_DIGEST},
	{DEN_TAG_SHA256, COLUMN_HIDDEN, "sha256", DEN_CLI_LABEL_DIGEST},
	{DEN_TAG_SIGNED, COLUMN_HIDDEN_NUMBER, "signed", DEN_CLI_LABEL_DIGEST},
	{DEN_TAG_STATE, COLUMN_WORD, "state", DEN_CLI_LABEL_STATE},
	{DEN_TAG_RECORD, COLUMN_LINES, "decisions", DEN_CLI_LABEL_STEPS},
	{DEN_TAG_REASON, COLUMN_TEXT, "reason", DEN_CLI_LABEL_REASON},
	{DEN_TAG_USED, COLUMN_TEXT, "used", DEN_CLI_LABEL_USED},
};

/* -- request ---------------------------------------------------------------------------- */

/* A list with commas, a field each. */
static void add_facts(struct den_message *request, const char *list)
{
	char fact[DEN_BINDING_SIZE];

	while (list && *list) {
		size_t len = strcspn(list, ",");

		snprintf(fact, sizeof(fact), "%.*s", (int)(len < sizeof(fact) ? len : sizeof(fact) - 1), list);
		den_message_add_string(request, DEN_TAG_FACT, fact);
		list += len + (list[len] == ',');
	}
}

static int digest_of(int fd, uint64_t *size, char hex[DENCRYPT_DIGEST_HEX_SIZE])
{
	unsigned char buffer[65536], sum[DENCRYPT_DIGEST_SIZE];
	struct dencrypt_digest *digest = NULL;
	ssize_t n = -1;

	*size = 0;
	if (dencrypt_digest_new(&digest) != DENCRYPT_OK)
		return -1;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		*size += (uint64_t)n;
		if (dencrypt_digest_add(digest, buffer, (size_t)n) != DENCRYPT_OK)
			break;
	}
	if (n == 0 && dencrypt_digest_end(digest, sum) == DENCRYPT_OK)
		dencrypt_hex(sum, sizeof(sum), hex);
	else
		n = -1;
	dencrypt_digest_free(digest);
	return n == 0 ? 0 : -1;
}

/* The file itself stays where it is. */
static int add_attachment(struct den_message *request, const struct args *args)
{
	const char *path = args->option[OPT_ATTACH], *digest = args->option[OPT_DIGEST], *slash;
	char hex[DENCRYPT_DIGEST_HEX_SIZE], line[DEN_FILE_NAME_SIZE + 128];
	uint64_t size = 0;
	struct stat st;
	int fd, rc;

	if (!path && !digest)
		return 0;
	if (!path) {
		snprintf(line, sizeof(line), "0 %.80s -", digest);
		den_message_add_string(request, DEN_TAG_ATTACHMENT, line);
		return 0;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	rc = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? digest_of(fd, &size, hex) : -1;
	if (fd >= 0)
		close(fd);
	slash = strrchr(path, '/');
	if (rc == 0) {
		snprintf(line, sizeof(line), "%" PRIu64 " %s %s", size, hex, slash ? slash + 1 : path);
		den_message_add_string(request, DEN_TAG_ATTACHMENT, line);
	}
	return rc;
}

/* The program that a word names, as sudo finds it. */
static const char *find_program(const char *word, char path[4096])
{
	const char *dirs = getenv("PATH");

	if (strchr(word, '/'))
		return word;
	while (dirs && *dirs) {
		size_t len = strcspn(dirs, ":");

		snprintf(path, 4096, "%.*s/%s", (int)len, dirs, word);
		if (*dirs == '/' && access(path, X_OK) == 0)
			return path;
		dirs += len + (dirs[len] == ':');
	}
	return word;
}

static void add_command(struct den_message *request, const struct args *args)
{
	const char *user = args->option[OPT_RUN_AS];
	char path[4096], fact[256];

	if (args->operands > 1)
		den_message_add_string(request, DEN_TAG_COMMAND, find_program(args->operand[1], path));
	for (int i = 2; i < args->operands; i++)
		den_message_add_string(request, DEN_TAG_COMMAND, args->operand[i]);
	if (args->operands < 2 && !user)
		return;
	snprintf(fact, sizeof(fact), "runas=%.200s", user ? user : "root");
	den_message_add_string(request, DEN_TAG_FACT, fact);
}

static int add_need(struct cli *cli, struct den_message *request, const struct args *args)
{
	const char *need = args->option[OPT_NEED];

	if (!need)
		return CLI_DONE;
	if (args_number(need) < 1)
		return refuse(cli, DEN_CLI_USAGE_NUMBER, need);
	den_message_add_number(request, DEN_TAG_NEED, (uint64_t)args_number(need));
	return CLI_DONE;
}

int cli_request(struct cli *cli, const struct args *args)
{
	struct den_message *request = ask_new(DEN_OP_REQUEST_NEW);
	int status = add_need(cli, request, args);

	if (status == CLI_DONE && args->option[OPT_ATTACH] && args->option[OPT_DIGEST])
		status = refuse(cli, DEN_CLI_USAGE_TOGETHER, "--attach, --digest");
	if (status == CLI_DONE && add_attachment(request, args) != 0)
		status = refuse(cli, DEN_FIELD_ATTACHMENT);
	if (status != CLI_DONE) {
		den_message_free(request);
		return status;
	}
	den_message_add_string(request, DEN_TAG_BUSINESS, args->operand[0]);
	den_message_add_string(request, DEN_TAG_ACCOUNT, args->option[OPT_ACCOUNT]);
	den_message_add_string(request, DEN_TAG_SUBJECT, args->option[OPT_SUBJECT]);
	den_message_add_string(request, DEN_TAG_AMOUNT, args->option[OPT_AMOUNT]);
	den_message_add_string(request, DEN_TAG_TTY, ttyname(STDIN_FILENO));
	add_facts(request, args->option[OPT_FOR]);
	add_command(request, args);
	if (args->option[OPT_DRY_RUN])
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	return ask_finish(cli, ask(cli, request, NULL, NULL), DEN_CLI_WOULD_REQUEST, NULL);
}

int cli_withdraw(struct cli *cli, const struct args *args)
{
	int status = CLI_DONE;

	for (int i = 0; i < args->operands && status == CLI_DONE; i++) {
		struct den_message *request = ask_new(DEN_OP_REQUEST_WITHDRAW);

		den_message_add_string(request, DEN_TAG_ID, args->operand[i]);
		if (args->option[OPT_DRY_RUN])
			den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
		status = ask_finish(cli, ask(cli, request, NULL, NULL), DEN_CLI_WOULD_WITHDRAW, args->operand[i]);
	}
	return status;
}

/* -- check-approval ----------------------------------------------------------------------- */

int cli_check_approval(struct cli *cli, const struct args *args)
{
	struct den_message *request = ask_new(DEN_OP_APPROVAL_USE);
	const char *within = args->option[OPT_WITHIN], *login = args->option[OPT_LOGIN];
	int64_t seconds = within ? den_duration_parse(within) : 0;
	char own[DEN_LOGIN_ID_SIZE];
	int status = add_need(cli, request, args);

	if (status == CLI_DONE && seconds < 0)
		status = refuse(cli, DEN_CLI_USAGE_NUMBER, within);
	if (status == CLI_DONE && !login)
		status = ask_who(cli, own);
	if (status != CLI_DONE) {
		den_message_free(request);
		return status;
	}
	den_message_add_string(request, DEN_TAG_LOGIN, login ? login : own);
	den_message_add_string(request, DEN_TAG_SERVICE, "denshi");
	den_message_add_string(request, DEN_TAG_BUSINESS, args->operand[0]);
	den_message_add_string(request, DEN_TAG_ACCOUNT, args->option[OPT_ACCOUNT]);
	den_message_add_string(request, DEN_TAG_APPROVER, args->option[OPT_APPROVER]);
	den_message_add_string(request, DEN_TAG_MATCH, args->option[OPT_MATCH]);
	add_facts(request, args->option[OPT_FOR]);
	if (seconds > 0)
		den_message_add_number(request, DEN_TAG_WITHIN, (uint64_t)seconds);
	if (!args->option[OPT_USE])
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	return ask_finish(cli, ask(cli, request, NULL, NULL), DEN_OK, NULL);
}

/* -- requests -------------------------------------------------------------------------------- */

static int list(struct cli *cli, const char *which, struct listing *listing)
{
	struct den_message *request = ask_new(DEN_OP_REQUEST_LIST), *reply;
	int status;

	den_message_add_string(request, DEN_TAG_WHICH, which);
	reply = ask(cli, request, listing_row, listing);
	status = ask_refused(cli, reply);
	den_message_free(reply);
	return status;
}

static int was_there(const struct listing *before, const json_t *row)
{
	for (size_t i = 0; i < json_array_size(before->rows); i++)
		if (json_equal(json_array_get(before->rows, i), row))
			return 1;
	return 0;
}

/* The rows that are new or have changed. */
static void print_news(struct cli *cli, const struct listing *before, const struct listing *now)
{
	struct listing news = *now;

	news.rows = json_array();
	for (size_t i = 0; i < json_array_size(now->rows); i++)
		if (!was_there(before, json_array_get(now->rows, i)))
			json_array_append(news.rows, json_array_get(now->rows, i));
	if (json_array_size(news.rows) > 0)
		listing_print(cli, &news);
	fflush(stdout);
	listing_done(&news);
}

static int watch(struct cli *cli, const char *which)
{
	struct listing before = LISTING(list_columns);
	int status;

	for (;;) {
		struct listing now = LISTING(list_columns);

		status = list(cli, which, &now);
		if (status == CLI_DONE)
			print_news(cli, &before, &now);
		listing_done(&before);
		before = now;
		/* What is down for a while is waited for. Nobody reads any more: the end. */
		if ((status != CLI_DONE && status != CLI_DOWN) || ferror(stdout))
			break;
		sleep(WATCH_S);
	}
	listing_done(&before);
	return status;
}

int cli_requests(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(list_columns);
	const char *which = args->option[OPT_MINE] ? "mine" : args->option[OPT_TO_APPROVE] ? "to-approve" : "all";
	int status;

	if (!!args->option[OPT_MINE] + !!args->option[OPT_TO_APPROVE] + !!args->option[OPT_ALL] > 1)
		return refuse(cli, DEN_CLI_USAGE_TOGETHER, "--mine, --to-approve, --all");
	if (args->option[OPT_WATCH])
		return watch(cli, which);
	status = list(cli, which, &listing);
	if (status == CLI_DONE)
		listing_print(cli, &listing);
	listing_done(&listing);
	return status;
}

/* -- approve, reject -------------------------------------------------------------------- */

static const char *member(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "";
}

/* Adds the request's row to the listing, and shows it. */
static int show_request(struct cli *cli, struct listing *listing, const char *id)
{
	size_t before = json_array_size(listing->rows);
	struct den_message *request = ask_new(DEN_OP_REQUEST_LIST), *reply;
	int status;

	den_message_add_string(request, DEN_TAG_WHICH, "all");
	den_message_add_string(request, DEN_TAG_ID, id);
	reply = ask(cli, request, listing_row, listing);
	status = ask_refused(cli, reply);
	den_message_free(reply);
	if (status != CLI_DONE)
		return status;
	if (json_array_size(listing->rows) != before + 1)
		return refuse(cli, DEN_REQUEST_UNKNOWN, id);
	if (!cli->json) {
		if (before > 0)
			fputc('\n', stdout);
		listing_print_pairs(cli, listing, before);
	}
	return CLI_DONE;
}

/* What every decision of this run is made with. */
struct deciding {
	const char *word, *reason;
	char by[DEN_LOGIN_ID_SIZE];
	int dry_run;
	struct den_secret *approval, *pin; /* pin NULL: none of them is signed */
};

static int wants_signature(const json_t *row)
{
	return json_integer_value(json_object_get(row, "signed")) > 0;
}

/* The whole digest is that of the short one, which was shown. */
static int is_shown(const char *hex, const char *shown)
{
	unsigned char sum[DENCRYPT_DIGEST_SIZE];
	char text[DENCRYPT_DIGEST_SHORT_SIZE];

	if (strlen(hex) != 2 * sizeof(sum) || strspn(hex, "0123456789abcdef") != 2 * sizeof(sum))
		return 0;
	for (size_t i = 0; i < sizeof(sum); i++)
		sscanf(hex + 2 * i, "%2hhx", &sum[i]);
	dencrypt_digest_short(sum, text);
	return strcmp(text, shown) == 0;
}

static int add_signature(struct cli *cli, struct den_message *request, const json_t *row, const struct deciding *d)
{
	int64_t at = json_integer_value(json_object_get(row, "signed"));
	struct den_request *r = calloc(1, sizeof(*r));
	struct den_decision *decision = &r->decision;
	char text[DEN_DECISION_TEXT_SIZE];
	int status;

	if (!r)
		output_no_memory();
	snprintf(r->id, sizeof(r->id), "%s", member(row, "id"));
	snprintf(r->digest, sizeof(r->digest), "%s", member(row, "sha256"));
	snprintf(decision->word, sizeof(decision->word), "%s", d->word);
	snprintf(decision->by, sizeof(decision->by), "%s", d->by);
	if (!is_shown(r->digest, member(row, "digest")) ||
		!den_decision_text(text, sizeof(text), r, decision, at, d->reason ? d->reason : ""))
		status = refuse(cli, DEN_REQUEST_ALTERED, r->id);
	else
		status = sign_decision(cli, d->by, text, d->pin, request);
	den_message_add_number(request, DEN_TAG_TIME, (uint64_t)at);
	free(r);
	return status;
}

static int decide(struct cli *cli, const json_t *row, const struct deciding *d)
{
	struct den_message *request = ask_new(DEN_OP_REQUEST_DECIDE);
	int status = wants_signature(row) && !d->dry_run ? add_signature(cli, request, row, d) : CLI_DONE;

	if (status != CLI_DONE) {
		den_message_free(request);
		return status;
	}
	den_message_add_string(request, DEN_TAG_ID, member(row, "id"));
	den_message_add_string(request, DEN_TAG_DIGEST, member(row, "digest"));
	den_message_add_string(request, DEN_TAG_DECISION, d->word);
	den_message_add_string(request, DEN_TAG_REASON, d->reason);
	den_message_add_string(request, DEN_TAG_TOKEN, ask_token());
	if (d->dry_run)
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	else
		ask_add_secret(request, DEN_TAG_APPROVAL_PASSWORD, d->approval);
	return ask_finish(cli, ask(cli, request, NULL, NULL), DEN_CLI_WOULD_DECIDE, member(row, "id"));
}

/* The approval password, and the PIN where one of the requests is signed: each once. */
static int ask_secrets(struct cli *cli, const struct listing *listing, struct deciding *d)
{
	int status = prompt_secret(cli, DEN_ASK_APPROVAL, &d->approval), is_signed = 0;

	for (size_t i = 0; i < json_array_size(listing->rows); i++)
		is_signed |= wants_signature(json_array_get(listing->rows, i));
	if (status == CLI_DONE && is_signed)
		status = ask_who(cli, d->by);
	return status == CLI_DONE && is_signed ? prompt_known_pin(cli, &d->pin) : status;
}

/* Shows all, asks the approval password once, decides in turn. The first refusal ends it: a wrong
 * password tried on every request would lock the approver out. */
static int decide_all(struct cli *cli, const struct args *args, const char *decision,
	const char *reason)
{
	struct listing listing = LISTING(decide_columns);
	struct deciding d = {.word = decision, .reason = reason, .dry_run = args->option[OPT_DRY_RUN] != NULL};
	int status = CLI_DONE, i;

	for (i = 0; i < args->operands && status == CLI_DONE; i++)
		status = show_request(cli, &listing, args->operand[i]);
	if (status == CLI_DONE && !d.dry_run)
		status = ask_secrets(cli, &listing, &d);
	if (status != CLI_DONE)
		goto out;
	for (i = 0; i < args->operands && status == CLI_DONE; i++)
		status = decide(cli, json_array_get(listing.rows, (size_t)i), &d);
	for (; i < args->operands; i++)
		say(cli, stderr, DEN_CLI_NOT_DECIDED, args->operand[i]);
out:
	listing_done(&listing);
	den_secret_free(d.approval);
	den_secret_free(d.pin);
	return status;
}

int cli_approve(struct cli *cli, const struct args *args)
{
	return decide_all(cli, args, "approved", NULL);
}

int cli_reject(struct cli *cli, const struct args *args)
{
	/* No password for what is sure to be refused (R-APP-5). */
	if (!args->option[OPT_REASON] || !*args->option[OPT_REASON])
		return refuse(cli, DEN_REASON_NEEDED);
	return decide_all(cli, args, "rejected", args->option[OPT_REASON]);
}
