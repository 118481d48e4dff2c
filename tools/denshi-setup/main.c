/* denshi-setup(8): an organisation's directory and CA on this machine; `denshi setup` runs it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory/site.h"
#include "tools/denshi-setup/setup.h"
#include "tools/server/interrupt.h"
#include "tools/server/server.h"

static int put_in_use(struct setup *s)
{
	int written = 0;

	if (conf_write(s, &written) != 0)
		return -1;
	if (files_commit(s) == 0)
		return 0;
	if (written)
		conf_undo(s);
	return -1;
}

static int make(struct setup *s)
{
	int (*const steps[])(struct setup *) = {files_make, files_make_ca, files_make_network,
		entries_make, s->existing ? existing_attach : put_in_use};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (interrupt_came() || steps[i](s) != 0)
			return interrupt_came() ? fail(s, DEN_SETUP_INTERRUPTED, NULL) : -1;
	return 0;
}

static void tell(const struct setup *s)
{
	say(s, s->existing ? DEN_EXISTING_DONE : DEN_SETUP_DONE, s->org, s->state, NULL);
	if (!s->argon2id)
		say(s, DEN_SETUP_DONE_ARGON2I, NULL);
	if (s->generate)
		say(s, DEN_SETUP_PASSWORD_IS, s->master, den_secret_bytes(s->password), NULL);
	say(s, DEN_SETUP_NEXT, s->master,
		s->network ? "denshi-slapd-network" : s->existing ? "slapd" : "denshi-slapd", NULL);
	if (s->network)
		say(s, DEN_SETUP_NEXT_HOSTS, NULL);
}

static int set_up(struct setup *s)
{
	char other[SETUP_ORG_SIZE];
	int result;

	if (files_in_use(s) || existing_is_in_use(s))
		return fail(s, DEN_SETUP_EXISTS, s->state, NULL);
	if (conf_is_of_another(s, other))
		return fail(s, DEN_SETUP_OTHER, s->config_path, other, NULL);
	if (plan_surroundings(s) != 0)
		return -1;
	plan_show(s);
	if (s->existing && existing_show(s) != 0)
		return -1;
	if (s->dry_run) {
		say(s, DEN_SETUP_DRY_RUN, NULL);
		return 0;
	}
	if (!s->yes && !confirm(s, DEN_SETUP_CONFIRM))
		return fail(s, DEN_SETUP_NOT_CONFIRMED, NULL);
	if (plan_password(s) != 0 || files_lock(s) != 0)
		return -1;
	if (files_in_use(s))
		return fail(s, DEN_SETUP_EXISTS, s->state, NULL);
	if (s->existing && existing_clean(s) != 0)
		return -1;
	files_sweep(s);
	interrupt_hold();
	result = make(s);
	if (result == 0)
		tell(s);
	else
		files_discard(s);
	return result;
}

/* Something answers where the directory's own server would. */
static int is_running(const struct setup *s)
{
	struct den_config c;
	char error[DEN_CONFIG_ERROR_SIZE];
	struct dendir_site site;
	struct dendir *d = NULL;
	int running;

	if (den_config_read(&c, s->config_path, error, sizeof(error)) != 0)
		den_config_defaults(&c);
	site = dendir_site_of_config(&c);
	running = dendir_open(&d, &site) == DEN_OK;
	dendir_close(d);
	return running || server_is_open(s->state);
}

static int undo(struct setup *s)
{
	int found, result = existing_remove(s, &found);

	if (found || result != 0)
		return result;
	if (!files_in_use(s))
		return conf_is_ours(s) ? join_undo(s) : fail(s, DEN_SETUP_NOTHING, s->state, NULL);
	if (is_running(s))
		return fail(s, DEN_SETUP_RUNNING, NULL);
	say(s, DEN_SETUP_REMOVE, s->state, NULL);
	if (s->dry_run)
		return 0;
	if (!s->yes && !confirm(s, DEN_SETUP_CONFIRM_REMOVE))
		return fail(s, DEN_SETUP_NOT_CONFIRMED, NULL);
	if (files_lock(s) != 0 || files_remove(s) != 0 || conf_undo(s) != 0)
		return -1;
	say(s, DEN_SETUP_REMOVED, s->state, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	struct setup s = {0};
	int result;

	umask(022);
	result = plan_options(&s, argc, argv);
	if (result != PLAN_GO_ON)
		return result;
	if (geteuid() != 0)
		result = fail(&s, DEN_SETUP_NOT_ROOT, NULL);
	else
		result = s.remove ? undo(&s) : s.join_file ? join(&s) : set_up(&s);
	den_secret_free(s.password);
	dencrypt_bytes_done(&s.ca_der);
	free(s.accounts);
	return result == 0 ? 0 : 1;
}
