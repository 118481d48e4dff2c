/*
 * The fields of a user, as somebody typed them: each function gives the field as it
 * is stored, or the code that says what is allowed (R-DATA-1). One rule for the
 * form, the change and the bulk load.
 */
#ifndef DENSHI_DENSHID_FIELDS_H
#define DENSHI_DENSHID_FIELDS_H

#include "core/loginid.h"
#include "core/name.h"
#include "core/password.h"
#include "core/text.h"

enum den_code field_login(char to[DEN_LOGIN_ID_SIZE], const char *text);
/* NFC, without blanks around it. */
enum den_code field_name(char to[DEN_NAME_SIZE], const char *text);
enum den_code field_mail(char to[DEN_MAIL_MAX + 1], const char *text);
enum den_code field_role(char to[8], const char *text);
/* "en", "ja", or none. */
enum den_code field_language(char to[3], const char *text);
enum den_code field_initial(const struct den_password_policy *policy, const char *login,
	const struct den_secret *initial);

#endif
