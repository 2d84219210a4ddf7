/* Protocol Buffers wire format: writing fields, walking fields. Nothing here knows a message. */
#ifndef WIRE_H
#define WIRE_H

#include "base.h"

#include <time.h>

/* proto3: zero values and empty strings are not written. */
void pb_u64(struct buf *b, uint32_t field, uint64_t value);
void pb_bytes(struct buf *b, uint32_t field, const void *data, size_t len);
void pb_str(struct buf *b, uint32_t field, const char *s); /* NULL is "" */
/* A sub-message, written even when it is empty; `sub` is freed. */
void pb_msg(struct buf *b, uint32_t field, struct buf *sub);
void pb_any(struct buf *b, uint32_t field, const char *type_url, const void *data, size_t len);
void pb_time(struct buf *b, uint32_t field, struct timespec at);

enum { PB_VARINT = 0, PB_FIXED64 = 1, PB_LEN = 2, PB_FIXED32 = 5 };

struct pb_field {
	uint32_t number;
	int type;
	uint64_t value;     /* PB_VARINT, PB_FIXED* */
	struct bytes bytes; /* PB_LEN */
};

struct pb_reader {
	const uint8_t *p, *end;
	bool bad; /* set when the input is not well formed */
};

struct pb_reader pb_read(struct bytes in);
/* The next field; false at the end and on malformed input. */
bool pb_next(struct pb_reader *r, struct pb_field *f);

#endif
