/* What goes over an attach socket, lengths with the most significant byte first:
 *
 *   to a client    1 byte: 1 stdout, 2 stderr; 4 bytes length; so many bytes of output
 *   from a client  1 byte: 0 input, 1 end of input; 4 bytes length (0 with 1); so many bytes of input
 *
 * A frame of input without bytes says that the client is one that gives input. */
#ifndef ATTACH_FRAME_H
#define ATTACH_FRAME_H

#include "base.h"

#define ATTACH_HEADER 5

enum { ATTACH_INPUT, ATTACH_INPUT_END };

/* All zero is the beginning. */
struct attach_reader {
	uint8_t header[ATTACH_HEADER];
	size_t have; /* of the header */
	uint32_t left; /* of the bytes behind it */
};

/* Bytes of input as they come, however long their frame is; `kind` is one of the above. */
typedef void (*attach_piece_fn)(void *to, int kind, struct bytes piece);

/* False for what is no frame; pieces before it have been handed on. */
bool attach_read(struct attach_reader *r, struct bytes data, attach_piece_fn fn, void *to);
void attach_header(uint8_t header[ATTACH_HEADER], int stream, size_t len);

#endif
