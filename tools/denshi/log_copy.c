/* denshi log FILE --verify --host HOST: the records of a host, out of a copy, by somebody who doesn't take that host's
 * word for it (R-ALL-3). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/protocol.h"
#include "crypto/chain.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

#define NUMBER_SIZE 24

static FILE *open_copy(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *file = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		errno = EINVAL;
	else if (fd >= 0)
		file = fdopen(fd, "r");
	if (!file && fd >= 0)
		close(fd);
	return file;
}

/* What the directory says, by the denshid of this machine. */
static int take_anchor(void *context, const struct den_message *row)
{
	struct dencrypt_anchor a = {.number = den_message_number(row, DEN_TAG_NUMBER, 0)};

	if (strcmp(den_message_string_or_empty(row, DEN_TAG_KIND), "update") == 0)
		a.serial = strtoll(den_message_string_or_empty(row, DEN_TAG_ID), NULL, 10);
	snprintf(a.digest, sizeof(a.digest), "%s", den_message_string_or_empty(row, DEN_TAG_DIGEST));
	snprintf(a.of, sizeof(a.of), "%s", den_message_string_or_empty(row, DEN_TAG_ID));
	if (dencrypt_verify_anchor(context, &a) != DENCRYPT_OK)
		output_no_memory();
	return 0;
}

static int ask_anchors(struct cli *cli, const char *host, struct dencrypt_verification *v, int64_t *in_force)
{
	struct den_message *request = ask_new(DEN_OP_LOG), *reply;
	int status;

	den_message_add_string(request, DEN_TAG_HOST, host);
	reply = ask(cli, request, take_anchor, v);
	status = ask_refused(cli, reply);
	*in_force = (int64_t)den_message_number(reply, DEN_TAG_SERIAL, 0);
	den_message_free(reply);
	return status;
}

/* Half a line at the end is one that was being written. */
static void read_records(FILE *file, struct dencrypt_verification *v)
{
	struct dencrypt_chain chain = DENCRYPT_CHAIN_BEGIN;
	char line[DENCRYPT_CHAIN_LINE];

	while (fgets(line, sizeof(line), file) && (strchr(line, '\n') || !feof(file))) {
		struct dencrypt_record r;

		dencrypt_chain_next(&chain, line, &r);
		dencrypt_verify_record(v, &r);
	}
}

static int tell(struct cli *cli, const char *host, struct dencrypt_verification *v, int64_t in_force)
{
	enum dencrypt_verdict verdict = dencrypt_verify_end(v);
	char number[NUMBER_SIZE], decisions[NUMBER_SIZE], updates[NUMBER_SIZE], last[NUMBER_SIZE], serial[NUMBER_SIZE];

	if (verdict == DENCRYPT_CHAIN_BROKEN) {
		snprintf(number, sizeof(number), "%" PRIu64, v->broken);
		return refuse(cli, DEN_LOG_BROKEN, host, number);
	}
	if (verdict == DENCRYPT_CHAIN_UNFIT) {
		snprintf(number, sizeof(number), "%" PRIu64, v->unfit->number);
		return refuse(cli, v->unfit->serial ? DEN_LOG_UNFIT_UPDATE : DEN_LOG_UNFIT, host, v->unfit->of, number);
	}
	snprintf(number, sizeof(number), "%" PRIu64, v->records);
	snprintf(decisions, sizeof(decisions), "%zu", v->n - v->updates);
	snprintf(updates, sizeof(updates), "%zu", v->updates);
	snprintf(last, sizeof(last), "%" PRId64, v->last_update);
	snprintf(serial, sizeof(serial), "%" PRId64, in_force);
	if (cli->json)
		output_json(json_pack("{ss ss sI sI sI sI sI}", "code", den_code_name(DEN_LOG_SOUND), "host", host, "number",
			(json_int_t)v->records, "decisions", (json_int_t)(v->n - v->updates), "updates", (json_int_t)v->updates,
			"last_update", (json_int_t)v->last_update, "in_force", (json_int_t)in_force));
	else
		say(cli, stdout, DEN_LOG_SOUND, host, number, decisions, updates, last, serial);
	return CLI_DONE;
}

static const char *missing(const struct args *args)
{
	return !args->operands ? "FILE" : !args->option[OPT_HOST] ? "--host" : !args->option[OPT_VERIFY] ? "--verify" : NULL;
}

int cli_log_copy(struct cli *cli, const struct args *args)
{
	const char *path = args->operands ? args->operand[0] : "", *host = args->option[OPT_HOST];
	struct dencrypt_verification v = {0};
	int64_t in_force;
	FILE *file;
	int status;

	if (missing(args))
		return refuse(cli, DEN_CLI_USAGE_MISSING, missing(args));
	if (args->option[OPT_USER] || args->option[OPT_SINCE])
		return refuse(cli, DEN_CLI_USAGE_TOGETHER, "FILE, --user, --since");
	file = open_copy(path);
	if (!file)
		return refuse(cli, DEN_CLI_LOG_UNREADABLE, path, strerror(errno));
	status = ask_anchors(cli, host, &v, &in_force);
	if (status == CLI_DONE) {
		read_records(file, &v);
		status = ferror(file) ? refuse(cli, DEN_CLI_LOG_UNREADABLE, path, strerror(errno)) : tell(cli, host, &v, in_force);
	}
	fclose(file);
	dencrypt_verification_done(&v);
	return status;
}
