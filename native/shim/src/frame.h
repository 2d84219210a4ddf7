/* ttrpc framing: a header of ten bytes before each message. */
#ifndef FRAME_H
#define FRAME_H

#include "base.h"

#define FRAME_HEADER 10
#define FRAME_MAX (4u << 20)

enum { FRAME_REQUEST = 1, FRAME_RESPONSE = 2, FRAME_DATA = 3 };

struct frame {
	uint32_t length, stream;
	uint8_t type, flags;
};

/* Collects frames from a non-blocking socket. All zero is a fresh one. */
struct frame_reader {
	uint8_t header[FRAME_HEADER];
	size_t have;    /* of the header */
	struct frame frame;
	uint8_t *body;
	size_t got;     /* of the body */
	bool too_long;  /* the body is read and thrown away */
};

enum frame_result { FRAME_READY, FRAME_AGAIN, FRAME_CLOSED };

/* FRAME_READY: r->frame is whole, its bytes are in r->body unless r->too_long. Then call frame_next. */
enum frame_result frame_read(struct frame_reader *r, int fd);
void frame_next(struct frame_reader *r); /* frees the body unless it was taken (set to NULL) */
void frame_header(uint8_t out[FRAME_HEADER], struct frame f);
/* Header and body as one run of bytes, added to `out`. */
void frame_add(struct buf *out, uint32_t stream, uint8_t type, const struct buf *body);

#endif
