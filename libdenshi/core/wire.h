/*
 * Messages between denshid and its callers: the format document.
 *
 * One SOCK_SEQPACKET packet is one message, at most DEN_MESSAGE_MAX bytes, all
 * numbers in the machine's byte order (both ends are on one machine):
 *
 *	u32 magic   "DEN1"
 *	u16 kind    in a request the operation (core/protocol.h), in a reply the code (core/text.h)
 *	u16 flags   DEN_MORE: another reply to the same request follows
 *	fields, each:
 *		u16 tag     enum den_tag
 *		u16 zero
 *		u32 length  bytes of the value, without its NUL
 *		value, one NUL, then zeros up to a multiple of 4
 *
 * A tag may stand several times. Unknown tags are skipped. Anything else that
 * doesn't fit makes the whole message bad: a message is checked once, when it is
 * received, and read without surprises afterwards.
 *
 * A message may carry a password: its memory is wiped when it is freed.
 * Thread rule: one thread at a time per message.
 */
#ifndef DENSHI_CORE_WIRE_H
#define DENSHI_CORE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define DEN_MESSAGE_MAX (64u * 1024)
#define DEN_MORE 1u

struct den_message;

/* A new message with no fields; NULL with errno ENOMEM. */
struct den_message *den_message_new(uint16_t kind);

/* Takes NULL; wipes. */
void den_message_free(struct den_message *m);

uint16_t den_message_kind(const struct den_message *m);
uint16_t den_message_flags(const struct den_message *m);
void den_message_set_kind(struct den_message *m, uint16_t kind);
void den_message_set_flags(struct den_message *m, uint16_t flags);

/* Adds a field. Too large: the message turns bad for good, and den_message_send
 * fails with EMSGSIZE, so that a caller may check once, at the end. A NULL
 * string adds nothing. */
void den_message_add(struct den_message *m, uint16_t tag, const void *bytes, size_t len);
void den_message_add_string(struct den_message *m, uint16_t tag, const char *s);
void den_message_add_number(struct den_message *m, uint16_t tag, uint64_t n);

/* The first field with this tag as a string; NULL where there is none or it has a NUL within. */
const char *den_message_string(const struct den_message *m, uint16_t tag);

/* The same, "" for NULL. */
const char *den_message_string_or_empty(const struct den_message *m, uint16_t tag);

/* The first field with this tag as a number (8 bytes); otherwise `otherwise`. */
uint64_t den_message_number(const struct den_message *m, uint16_t tag, uint64_t otherwise);

/* The first field with this tag as bytes; NULL where there is none. */
const void *den_message_bytes(const struct den_message *m, uint16_t tag, size_t *len);

/* Walks all fields: *cursor starts at 0. Returns 1 with a field, 0 at the end.
 * value is NUL-terminated behind its len bytes. */
int den_message_next(const struct den_message *m, size_t *cursor, uint16_t *tag,
	const char **value, size_t *len);

/* The packet that den_message_send sends; NULL where the message is bad. Belongs to m. */
const void *den_message_packet(const struct den_message *m, size_t *len);

/* Whole-packet parsing, as den_message_receive does it (and the fuzz target).
 * NULL with errno EBADMSG, EMSGSIZE or ENOMEM. */
struct den_message *den_message_parse(const void *bytes, size_t len);

/* Sends m as one packet within timeout_ms. -1 with errno (ETIMEDOUT, EMSGSIZE, EPIPE, ...). */
int den_message_send(int fd, const struct den_message *m, int timeout_ms);

/* Receives one packet within timeout_ms. NULL with errno: ETIMEDOUT, ECONNRESET
 * where the peer closed, EBADMSG. Descriptors sent along are closed unseen. */
struct den_message *den_message_receive(int fd, int timeout_ms);

#endif
