#include "fuzz.h"

#include <string.h>

#define INPUT_MAX 65536

struct chance chance_of(const char *name, uint64_t seed, uint64_t n)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	struct chance c = { h ^ seed * 0x9e3779b97f4a7c15u ^ n * 0xd1342543de82ef95u };
	chance_next(&c);
	return c;
}

uint64_t chance_next(struct chance *c)
{
	c->state += 0x9e3779b97f4a7c15u;
	uint64_t z = c->state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

size_t chance_below(struct chance *c, size_t limit)
{
	return limit ? (size_t)(chance_next(c) % limit) : 0;
}

/* `piece` in the place of what is between `from` and `to`. */
static void put(struct buf *b, size_t from, size_t to, const void *piece, size_t len)
{
	struct buf out = { 0 };
	buf_add(&out, b->data, from);
	buf_add(&out, piece, len);
	buf_add(&out, b->data + to, b->len - to);
	buf_free(b);
	*b = out;
	if (b->len > INPUT_MAX)
		b->len = INPUT_MAX;
}

static void change_byte(struct buf *b, struct chance *c)
{
	static const uint8_t odd[] = { 0, 0xff, 0x80, 0x7f, '"', '\\', '{', '[', ':', ',', '/', '%', '0', ' ' };
	if (!b->len)
		return;
	uint8_t *at = &b->data[chance_below(c, b->len)];
	switch (chance_below(c, 4)) {
	case 0:
		*at ^= (uint8_t)(1u << chance_below(c, 8));
		break;
	case 1:
		*at = (uint8_t)chance_next(c);
		break;
	case 2:
		*at = odd[chance_below(c, sizeof(odd))];
		break;
	default: /* a length, a little wrong */
		*at = (uint8_t)(*at + (int)chance_below(c, 5) - 2);
	}
}

static void change_number(struct buf *b, struct chance *c)
{
	static const uint32_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x400000, 0x400001, 0x7fffffff, 0x80000000, 0xffffffff };
	size_t width = (size_t)1 << chance_below(c, 3), at = chance_below(c, b->len + 1);
	uint32_t v = odd[chance_below(c, COUNT_OF(odd))];
	bool big = chance_below(c, 2);
	for (size_t i = 0; i < width && at + i < b->len; i++)
		b->data[at + i] = (uint8_t)(v >> 8 * (big ? width - 1 - i : i));
}

static void add_word(struct buf *b, const char *const *words, struct chance *c)
{
	static const uint8_t longest[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
	size_t count = 0, at = chance_below(c, b->len + 1);
	while (words[count])
		count++;
	if (chance_below(c, 8) == 0 || count == 0) {
		size_t skip = chance_below(c, sizeof(longest));
		put(b, at, at, longest + skip, sizeof(longest) - skip);
		return;
	}
	const char *word = words[chance_below(c, count)];
	size_t len = strlen(word), to = at + len < b->len ? at + len : b->len;
	put(b, at, chance_below(c, 2) ? at : to, word, len);
}

static void repeat(struct buf *b, struct chance *c)
{
	size_t from = chance_below(c, b->len + 1), len = chance_below(c, b->len - from < 24 ? b->len - from + 1 : 24);
	AUTO_BUF piece = { 0 };
	for (size_t times = (size_t)1 << chance_below(c, 12); times && piece.len < INPUT_MAX; times--)
		buf_add(&piece, b->data + from, len);
	put(b, from, from, piece.data, piece.len);
}

static void move_or_remove(struct buf *b, struct chance *c)
{
	size_t from = chance_below(c, b->len + 1), len = chance_below(c, b->len - from + 1);
	len = len > 128 ? 128 : len;
	if (chance_below(c, 2)) {
		put(b, from, from + len, NULL, 0);
		return;
	}
	AUTO_BUF piece = { 0 };
	buf_add(&piece, b->data + from, len);
	size_t at = chance_below(c, b->len + 1);
	put(b, at, at, piece.data, piece.len);
}

void mutate(struct buf *out, const struct buf *corpus, size_t count, const char *const *words, struct chance *c)
{
	const struct buf *first = &corpus[chance_below(c, count)], *other = &corpus[chance_below(c, count)];
	size_t changes = 1 + chance_below(c, 1 + chance_below(c, 12)), skip;
	out->len = 0;
	buf_add(out, first->data, first->len);
	for (; changes; changes--)
		switch (chance_below(c, 9)) {
		case 0:
		case 1:
			change_byte(out, c);
			break;
		case 2:
			change_number(out, c);
			break;
		case 3:
		case 4:
			add_word(out, words, c);
			break;
		case 5:
			repeat(out, c);
			break;
		case 6:
			move_or_remove(out, c);
			break;
		case 7: /* the beginning of this and the end of another */
			skip = chance_below(c, other->len + 1);
			put(out, chance_below(c, out->len + 1), out->len, other->data ? other->data + skip : NULL, other->len - skip);
			break;
		default:
			out->len = chance_below(c, out->len + 1);
		}
}
