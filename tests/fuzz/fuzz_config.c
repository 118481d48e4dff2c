/*
 * denshi.conf. Whatever is accepted keeps within the limits that config.h promises; whatever is
 * refused says why, and leaves the defaults.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one file of its room: taken in as it is. */
#include "config/config.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig itself keeps what it had of a string, where the file is no syntax. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

static void demand(int holds)
{
	if (!holds)
		abort();
}

static void check_accepted(const struct den_config *c)
{
	demand(is_organisation(c->organisation));
	demand(is_host(c->host) && strlen(c->host) < sizeof(c->host));
	demand(c->workers >= 1 && c->workers <= 256);
	demand(c->uid_floor >= 1000 && c->gid_floor >= 1000);
	demand(c->max_drop <= 100 && (c->enumerate == 0 || c->enumerate == 1));
	demand(c->certificate_days >= 1 && c->certificate_days <= 3650);
	demand(strcmp(c->language, "ja") == 0 || strcmp(c->language, "en") == 0);
	demand(c->socket[0] == '/' && c->snapshot[0] == '/' && c->ca_state[0] == '/');
	demand(*c->uri && den_config_allows("uri", c->uri));
	demand(!*c->tls_key || c->tls_key[0] == '/');
}

/* A file of this process's memory, with the owner and the mode that are asked for. */
static const char *put_file(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("denshi.conf", MFD_CLOEXEC);
		demand(fd >= 0 && fchmod(fd, 0600) == 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	demand(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[DEN_CONFIG_ERROR_SIZE] = "";
	struct den_config read, untouched;
	const char *path;

	/* Another file, or a device, is nothing to try here. */
	if (memmem(data, size, "@include", 8))
		return 0;
	path = put_file(data, size);
	memset(&read, 0, sizeof(read));
	memset(&untouched, 0, sizeof(untouched));
	if (den_config_read(&read, path, error, sizeof(error)) == 0) {
		check_accepted(&read);
		return 0;
	}
	demand(strncmp(error, path, strlen(path)) == 0 && strlen(error) > strlen(path) + 2);
	den_config_defaults(&untouched);
	demand(strcmp(read.organisation, untouched.organisation) == 0 && strcmp(read.uri, untouched.uri) == 0 &&
		read.workers == untouched.workers && read.uid_floor == untouched.uid_floor);
	return 0;
}
