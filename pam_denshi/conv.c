#include "pam_denshi/conv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/client.h"

/* One message; *answer, where there is one, is the caller's to wipe and free. */
static int converse(struct denpam_call *call, int style, const char *text, char **answer)
{
	const struct pam_message message = {.msg_style = style, .msg = text};
	const struct pam_message *messages = &message;
	struct pam_response *response = NULL;
	const void *item = NULL;
	const struct pam_conv *conv;
	int result;

	*answer = NULL;
	if (pam_get_item(call->pamh, PAM_CONV, &item) != PAM_SUCCESS || !item)
		return PAM_CONV_ERR;
	conv = item;
	if (!conv->conv)
		return PAM_CONV_ERR;
	result = conv->conv(1, &messages, &response, conv->appdata_ptr);
	if (response) {
		*answer = response->resp;
		free(response);
	}
	return result == PAM_SUCCESS ? PAM_SUCCESS : PAM_CONV_ERR;
}

static void drop(char *answer)
{
	if (answer)
		explicit_bzero(answer, strlen(answer));
	free(answer);
}

static void say(struct denpam_call *call, int style, const char *text)
{
	char *answer;

	if (call->flags & PAM_SILENT)
		return;
	(void)converse(call, style, text, &answer);
	drop(answer);
}

void denpam_say_error(struct denpam_call *call, enum den_code code, const char *sentence)
{
	char text[DEN_TEXT_MAX + 64];

	snprintf(text, sizeof(text), "%s [%s]", sentence, den_code_name(code));
	say(call, PAM_ERROR_MSG, text);
}

void denpam_say_info(struct denpam_call *call, const char *sentence)
{
	if (!call->args.quiet)
		say(call, PAM_TEXT_INFO, sentence);
}

void denpam_say_info_code(struct denpam_call *call, enum den_code code)
{
	denpam_say_info(call, den_text(call->lang, code));
}

void denpam_say_reasons(struct denpam_call *call, const struct den_message *reply)
{
	char sentence[DEN_TEXT_MAX];
	size_t cursor = 0;

	while (den_client_next_reason(reply, &cursor, sentence, call->lang) != DEN_OK)
		denpam_say_info(call, sentence);
}

static int take(struct denpam_call *call, struct den_secret *secret, const char *text)
{
	if (den_secret_set(secret, text, strlen(text)) == 0)
		return PAM_SUCCESS;
	return denpam_refuse_code(call, DEN_PASSWORD_TOO_LONG, NULL);
}

int denpam_ask_secret(struct denpam_call *call, enum den_code prompt, struct den_secret *secret)
{
	char *answer;
	int result = converse(call, PAM_PROMPT_ECHO_OFF, den_text(call->lang, prompt), &answer);

	/* "Yes, and no answer": some programs do that at end of file. */
	if (result == PAM_SUCCESS)
		result = answer ? take(call, secret, answer) : PAM_CONV_ERR;
	drop(answer);
	return result;
}

int denpam_ask_line(struct denpam_call *call, enum den_code prompt, char *line, size_t size)
{
	char *answer;
	int result = converse(call, PAM_PROMPT_ECHO_ON, den_text(call->lang, prompt), &answer);

	line[0] = '\0';
	if (result == PAM_SUCCESS && (!answer || strlen(answer) >= size))
		result = PAM_CONV_ERR;
	if (result == PAM_SUCCESS)
		snprintf(line, size, "%s", answer);
	drop(answer);
	return result;
}

int denpam_earlier_secret(struct denpam_call *call, int which, struct den_secret *secret)
{
	const void *item = NULL;

	if (pam_get_item(call->pamh, which, &item) != PAM_SUCCESS || !item)
		return PAM_AUTHTOK_RECOVERY_ERR;
	return take(call, secret, item);
}
