/*
 * denshi client-policy: the managed-policy file that prepares a browser for the sites that demand the
 * client certificate (R-PREP-1). The policies are one JSON object per browser; .reg is another way to
 * write it. Needs no denshid: the issuer's name is in the CA's certificate.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/certificate.h"
#include "crypto/file.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

#ifndef DEN_CA_PATH
#define DEN_CA_PATH "/var/lib/denshi/ca.pem" /* denshid(8) */
#endif
#define HOST_MAX 253
#define SITE_SIZE (HOST_MAX + 32)
#define EDGE_KEY "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Edge"
#define CHROME_KEY "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Google\\Chrome"
#define ZONE_KEY \
	"HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\ZoneMapKey"
#define ZONE_TRUSTED "2"

struct preparation {
	char (*sites)[SITE_SIZE]; /* https://HOST[:PORT] */
	size_t n;
	const char *issuer;   /* CN of the CA */
	const char *ie_list;  /* where Edge finds the site list for IE mode; NULL: no IE mode */
};

/* -- the sites --------------------------------------------------------------------- */

/* The length of ":PORT"; 0 where it is none. */
static size_t port_length(const char *text)
{
	char digits[6] = "";
	size_t len = strspn(text + 1, "0123456789");
	int port;

	if (len >= sizeof(digits))
		return 0;
	memcpy(digits, text + 1, len);
	port = args_number(digits);
	return port >= 1 && port <= 65535 ? 1 + len : 0;
}

/* HOST[:PORT] or https://HOST[:PORT][/]; the host may begin with [*.] for all below it. */
static int read_site(char out[SITE_SIZE], const char *text)
{
	static const char scheme[] = "https://", below[] = "[*.]";
	const char *at = text, *host;
	size_t host_len;

	if (strncmp(at, scheme, sizeof(scheme) - 1) == 0)
		at += sizeof(scheme) - 1;
	host = at;
	if (strncmp(at, below, sizeof(below) - 1) == 0)
		at += sizeof(below) - 1;
	host_len = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
	if (host_len < 1 || host_len > HOST_MAX || *at == '.' || *at == '-')
		return -1;
	at += host_len;
	if (*at == ':') {
		if (!port_length(at))
			return -1;
		at += port_length(at);
	}
	if (*at && strcmp(at, "/") != 0)
		return -1;
	snprintf(out, SITE_SIZE, "%s%.*s", scheme, (int)(at - host), host);
	return 0;
}

/* -- the policies ------------------------------------------------------------------- */

static json_t *site_list(const struct preparation *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(list, json_string(p->sites[i]));
	return list;
}

/* A string of JSON a site: which certificate is taken without a question. */
static json_t *choices(const struct preparation *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++) {
		json_t *choice = json_pack("{ss s{s{ss}}}", "pattern", p->sites[i], "filter", "ISSUER", "CN", p->issuer);
		char *text = json_dumps(choice, JSON_COMPACT | JSON_ENSURE_ASCII);

		if (!text)
			output_no_memory();
		json_array_append_new(list, json_string(text));
		free(text);
		json_decref(choice);
	}
	return list;
}

static json_t *chromium(const struct preparation *p)
{
	return json_pack("{so so so so ss}", "AutoSelectCertificateForUrls", choices(p), "CookiesAllowedForUrls", site_list(p),
		"JavaScriptAllowedForUrls", site_list(p), "PopupsAllowedForUrls", site_list(p), "SSLVersionMin", "tls1.2");
}

static json_t *edge(const struct preparation *p)
{
	json_t *policies = chromium(p);

	if (p->ie_list) {
		json_object_set_new(policies, "InternetExplorerIntegrationLevel", json_integer(1));
		json_object_set_new(policies, "InternetExplorerIntegrationSiteList", json_string(p->ie_list));
	}
	return policies;
}

static json_t *firefox(const struct preparation *p)
{
	return json_pack("{s{s{so} s{so} ss s{s{ssss} s{sbss}}}}", "policies", "Cookies", "Allow", site_list(p), "PopupBlocking",
		"Allow", site_list(p), "SSLVersionMin", "tls1.2", "Preferences", "security.default_personal_cert", "Value",
		"Select Automatically", "Status", "locked", "security.osclientcerts.autoload", "Value", 1, "Status", "default");
}

/* -- how they are written -------------------------------------------------------------- */

static void write_json(const json_t *policies)
{
	json_dumpf(policies, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	putchar('\n');
}

static void put_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

/* A list is a key of its own, with the values 1, 2, ... */
static void write_reg_list(const char *key, const char *name, const json_t *list)
{
	printf("\r\n[%s\\%s]\r\n", key, name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		printf("\"%zu\"=", i + 1);
		put_quoted(json_string_value(json_array_get(list, i)));
		fputs("\r\n", stdout);
	}
}

static void write_reg(const char *key, json_t *policies)
{
	const char *name;
	json_t *value;

	printf("Windows Registry Editor Version 5.00\r\n\r\n[%s]\r\n", key);
	json_object_foreach(policies, name, value) {
		if (json_is_string(value)) {
			printf("\"%s\"=", name);
			put_quoted(json_string_value(value));
			fputs("\r\n", stdout);
		} else if (json_is_integer(value)) {
			printf("\"%s\"=dword:%08x\r\n", name, (unsigned)json_integer_value(value));
		}
	}
	json_object_foreach(policies, name, value)
		if (json_is_array(value))
			write_reg_list(key, name, value);
}

/* The trusted sites of Windows: for IE mode, and for what else asks Windows. It knows *.HOST. */
static void write_zones(const struct preparation *p)
{
	printf("\r\n[%s]\r\n", ZONE_KEY);
	for (size_t i = 0; i < p->n; i++) {
		const char *host = p->sites[i] + strlen("https://");
		int below = strncmp(host, "[*.]", 4) == 0;

		printf("\"https://%s%s\"=\"" ZONE_TRUSTED "\"\r\n", below ? "*." : "", below ? host + 4 : host);
	}
}

/* What Edge opens in IE mode: to be put where --ie-mode says. */
static void write_ie_sites(const struct preparation *p)
{
	fputs("<site-list version=\"1\">\r\n", stdout);
	for (size_t i = 0; i < p->n; i++) {
		const char *host = p->sites[i] + strlen("https://");

		printf("  <site url=\"%s\">\r\n    <compat-mode>Default</compat-mode>\r\n"
		       "    <open-in>IE11</open-in>\r\n  </site>\r\n",
			strncmp(host, "[*.]", 4) == 0 ? host + 4 : host);
	}
	fputs("</site-list>\r\n", stdout);
}

/* -- the command ------------------------------------------------------------------------- */

static const struct {
	const char *browser, *format; /* the first of a browser's is its default */
	json_t *(*policies)(const struct preparation *);
	const char *key; /* of the registry */
} kinds[] = {
	{"edge", "reg", edge, EDGE_KEY},
	{"edge", "json", edge, NULL},
	{"edge", "ie-sites", NULL, NULL},
	{"chromium", "json", chromium, NULL},
	{"chromium", "reg", chromium, CHROME_KEY},
	{"firefox", "json", firefox, NULL},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t kind_of(const char *browser, const char *format)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].browser, browser) == 0 && (!format || strcmp(kinds[i].format, format) == 0))
			return i;
	return KINDS;
}

static void write_kind(size_t kind, const struct preparation *p)
{
	json_t *policies = kinds[kind].policies ? kinds[kind].policies(p) : NULL;

	if (!policies) {
		write_ie_sites(p);
		return;
	}
	if (kinds[kind].key)
		write_reg(kinds[kind].key, policies);
	else
		write_json(policies);
	if (kinds[kind].policies == edge && kinds[kind].key)
		write_zones(p);
	json_decref(policies);
}

static int read_ca(struct cli *cli, const char *path, struct dencrypt_certificate **ca)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_read_file(path, DENCRYPT_FILE_ANYONES, DENCRYPT_CERTIFICATE_MAX, &pem);

	if (r == DENCRYPT_OK)
		r = dencrypt_certificate_parse_pem(pem.data, pem.size, ca);
	dencrypt_bytes_done(&pem);
	if (r == DENCRYPT_OK && dencrypt_certificate_common_name(*ca))
		return CLI_DONE;
	return refuse(cli, DEN_CLI_POLICY_CA, path);
}

int cli_client_policy(struct cli *cli, const struct args *args)
{
	struct preparation p = {.ie_list = args->option[OPT_IE_MODE]};
	const char *path = args->option[OPT_CA] ? args->option[OPT_CA] : DEN_CA_PATH;
	struct dencrypt_certificate *ca = NULL;
	size_t kind = args->option[OPT_BROWSER] ? kind_of(args->option[OPT_BROWSER], args->option[OPT_FORMAT]) : KINDS;
	int status = CLI_DONE;

	if (kind == KINDS || (p.ie_list && kinds[kind].policies != edge && strcmp(kinds[kind].format, "ie-sites") != 0))
		return refuse(cli, DEN_CLI_POLICY_KINDS);
	p.sites = calloc((size_t)args->operands, sizeof(*p.sites));
	if (!p.sites)
		output_no_memory();
	for (; status == CLI_DONE && p.n < (size_t)args->operands; p.n++)
		if (read_site(p.sites[p.n], args->operand[p.n]) != 0)
			status = refuse(cli, DEN_CLI_POLICY_SITE, args->operand[p.n]);
	if (status == CLI_DONE && kinds[kind].policies)
		status = read_ca(cli, path, &ca);
	if (status == CLI_DONE) {
		p.issuer = ca ? dencrypt_certificate_common_name(ca) : "";
		write_kind(kind, &p);
	}
	dencrypt_certificate_free(ca);
	free(p.sites);
	return status;
}
