#include "frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void frame_header(uint8_t out[FRAME_HEADER], struct frame f)
{
	put32(out, f.length);
	put32(out + 4, f.stream);
	out[8] = f.type;
	out[9] = f.flags;
}

void frame_add(struct buf *out, uint32_t stream, uint8_t type, const struct buf *body)
{
	uint8_t header[FRAME_HEADER];
	frame_header(header, (struct frame){ .length = (uint32_t)body->len, .stream = stream, .type = type });
	buf_add(out, header, sizeof(header));
	buf_add(out, body->data, body->len);
}

static enum frame_result receive(int fd, uint8_t *to, size_t len, size_t *got)
{
	while (*got < len) {
		ssize_t n = recv(fd, to + *got, len - *got, MSG_DONTWAIT);
		if (n > 0)
			*got += (size_t)n;
		else if (n < 0 && errno == EINTR)
			continue;
		else
			return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? FRAME_AGAIN : FRAME_CLOSED;
	}
	return FRAME_READY;
}

static void parse(struct frame_reader *r)
{
	r->frame = (struct frame){
		.length = get32(r->header), .stream = get32(r->header + 4), .type = r->header[8], .flags = r->header[9]
	};
	r->got = 0;
	r->too_long = r->frame.length > FRAME_MAX;
	r->body = r->too_long ? NULL : xalloc(r->frame.length + 1);
}

static enum frame_result discard(struct frame_reader *r, int fd)
{
	uint8_t junk[4096];
	while (r->got < r->frame.length) {
		size_t left = r->frame.length - r->got, got = 0;
		enum frame_result fr = receive(fd, junk, left < sizeof(junk) ? left : sizeof(junk), &got);
		r->got += got;
		if (fr != FRAME_READY)
			return fr;
	}
	return FRAME_READY;
}

enum frame_result frame_read(struct frame_reader *r, int fd)
{
	if (r->have < FRAME_HEADER) {
		enum frame_result fr = receive(fd, r->header, FRAME_HEADER, &r->have);
		if (fr != FRAME_READY)
			return fr;
		parse(r);
	}
	if (r->too_long)
		return discard(r, fd);
	return receive(fd, r->body, r->frame.length, &r->got);
}

void frame_next(struct frame_reader *r)
{
	free(r->body);
	memset(r, 0, sizeof(*r));
}
