#include "json.h"

#include <ctype.h>
#include <string.h>

static int hex4(const char *s, const char *end, uint32_t *out)
{
	*out = 0;
	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = (char)tolower((unsigned char)s[i]);
		if (!isxdigit((unsigned char)c))
			return -1;
		*out = *out << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return 0;
}

static void add_utf8(struct buf *out, uint32_t c)
{
	uint8_t b[4];
	size_t n = 1;
	if (c < 0x80) {
		b[0] = (uint8_t)c;
	} else if (c < 0x800) {
		b[0] = (uint8_t)(0xc0 | c >> 6);
		n = 2;
	} else if (c < 0x10000) {
		b[0] = (uint8_t)(0xe0 | c >> 12);
		n = 3;
	} else {
		b[0] = (uint8_t)(0xf0 | c >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		b[i] = (uint8_t)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	buf_add(out, b, n);
}

/* From behind "\u"; joins surrogate pairs, a lone half becomes U+FFFD. Returns where to go on. */
static const char *unicode(struct buf *out, const char *p, const char *end)
{
	uint32_t c, low;
	if (hex4(p, end, &c) < 0)
		return NULL;
	p += 4;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' && hex4(p + 2, end, &low) == 0 &&
	    low >= 0xdc00 && low < 0xe000) {
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	add_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return p;
}

static const char *escape(struct buf *out, const char *p, const char *end)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (p == end)
		return NULL;
	if (*p == 'u')
		return unicode(out, p + 1, end);
	const char *at = memchr(from, *p, sizeof(from) - 1);
	if (!at)
		return NULL;
	buf_add(out, &to[at - from], 1);
	return p + 1;
}

char *json_string(struct json *j)
{
	bool is_string = json_kind(j) == '"';
	struct bytes text = json_skip(j);
	if (!is_string || text.len < 2)
		return NULL;
	AUTO_BUF out = { 0 };
	const char *p = (const char *)text.data + 1, *end = (const char *)text.data + text.len - 1;
	while (p && p < end) {
		if (*p == '\\') {
			p = escape(&out, p + 1, end);
		} else {
			buf_add(&out, p, 1);
			p++;
		}
	}
	if (!p)
		j->bad = true;
	return p ? bytes_string((struct bytes){ out.data, out.len }) : NULL;
}

void json_quote(struct buf *out, const char *s)
{
	buf_str(out, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_printf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			buf_printf(out, "\\u%04x", (unsigned)*s);
		else
			buf_add(out, s, 1);
	}
	buf_str(out, "\"");
}
