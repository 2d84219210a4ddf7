#include "wire.h"

#include <string.h>

static void put_varint(struct buf *b, uint64_t v)
{
	uint8_t tmp[10];
	size_t n = 0;
	while (v >= 0x80) {
		tmp[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	tmp[n++] = (uint8_t)v;
	buf_add(b, tmp, n);
}

void pb_u64(struct buf *b, uint32_t field, uint64_t value)
{
	if (value == 0)
		return;
	put_varint(b, (uint64_t)field << 3 | PB_VARINT);
	put_varint(b, value);
}

static void put_len(struct buf *b, uint32_t field, const void *data, size_t len)
{
	put_varint(b, (uint64_t)field << 3 | PB_LEN);
	put_varint(b, len);
	buf_add(b, data, len);
}

void pb_bytes(struct buf *b, uint32_t field, const void *data, size_t len)
{
	if (len)
		put_len(b, field, data, len);
}

void pb_str(struct buf *b, uint32_t field, const char *s)
{
	if (s)
		pb_bytes(b, field, s, strlen(s));
}

void pb_msg(struct buf *b, uint32_t field, struct buf *sub)
{
	put_len(b, field, sub->data, sub->len);
	buf_free(sub);
}

void pb_any(struct buf *b, uint32_t field, const char *type_url, const void *data, size_t len)
{
	struct buf any = { 0 };
	pb_str(&any, 1, type_url);
	pb_bytes(&any, 2, data, len);
	pb_msg(b, field, &any);
}

void pb_time(struct buf *b, uint32_t field, struct timespec at)
{
	struct buf t = { 0 };
	pb_u64(&t, 1, (uint64_t)at.tv_sec);
	pb_u64(&t, 2, (uint64_t)at.tv_nsec);
	pb_msg(b, field, &t);
}

struct pb_reader pb_read(struct bytes in)
{
	return (struct pb_reader){ .p = in.data, .end = in.len ? in.data + in.len : in.data };
}

static bool get_varint(struct pb_reader *r, uint64_t *out)
{
	uint64_t v = 0;
	for (int shift = 0; shift < 70; shift += 7) {
		if (r->p == r->end)
			return false;
		uint8_t c = *r->p++;
		if (shift == 63 && c > 1)
			return false;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*out = v;
			return true;
		}
	}
	return false;
}

static bool get_fixed(struct pb_reader *r, size_t n, uint64_t *out)
{
	if ((size_t)(r->end - r->p) < n)
		return false;
	*out = 0;
	for (size_t i = 0; i < n; i++)
		*out |= (uint64_t)r->p[i] << (8 * i);
	r->p += n;
	return true;
}

static bool get_bytes(struct pb_reader *r, struct bytes *out)
{
	uint64_t len;
	if (!get_varint(r, &len) || len > (uint64_t)(r->end - r->p))
		return false;
	*out = (struct bytes){ r->p, (size_t)len };
	r->p += len;
	return true;
}

/* Groups (types 3 and 4) do not exist in proto3 and count as malformed. */
static bool get_value(struct pb_reader *r, struct pb_field *f)
{
	switch (f->type) {
	case PB_VARINT:
		return get_varint(r, &f->value);
	case PB_FIXED64:
		return get_fixed(r, 8, &f->value);
	case PB_FIXED32:
		return get_fixed(r, 4, &f->value);
	case PB_LEN:
		return get_bytes(r, &f->bytes);
	default:
		return false;
	}
}

bool pb_next(struct pb_reader *r, struct pb_field *f)
{
	if (r->bad || r->p == r->end)
		return false;
	*f = (struct pb_field){ 0 };
	uint64_t key;
	if (get_varint(r, &key) && key >> 3 != 0 && key >> 3 < (1u << 29)) {
		f->number = (uint32_t)(key >> 3);
		f->type = (int)(key & 7);
		if (get_value(r, f))
			return true;
	}
	r->bad = true;
	return false;
}
