#include "attach-frame.h"

#include <string.h>

static bool begin(struct attach_reader *r, attach_piece_fn fn, void *to)
{
	const uint8_t *h = r->header;
	int kind = h[0];
	r->have = 0;
	r->left = (uint32_t)h[1] << 24 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 8 | h[4];
	if (kind > ATTACH_INPUT_END || (kind == ATTACH_INPUT_END && r->left > 0))
		return false;
	fn(to, kind, (struct bytes){ 0 });
	return true;
}

bool attach_read(struct attach_reader *r, struct bytes data, attach_piece_fn fn, void *to)
{
	while (data.len > 0) {
		size_t want = r->left ? r->left : ATTACH_HEADER - r->have;
		size_t n = want < data.len ? want : data.len;
		if (r->left) {
			fn(to, ATTACH_INPUT, (struct bytes){ data.data, n });
			r->left -= (uint32_t)n;
		} else {
			memcpy(r->header + r->have, data.data, n);
			r->have += n;
			if (r->have == ATTACH_HEADER && !begin(r, fn, to))
				return false;
		}
		data = (struct bytes){ data.data + n, data.len - n };
	}
	return true;
}

void attach_header(uint8_t header[ATTACH_HEADER], int stream, size_t len)
{
	header[0] = (uint8_t)stream;
	for (int i = 0; i < 4; i++)
		header[1 + i] = (uint8_t)(len >> (24 - 8 * i));
}
