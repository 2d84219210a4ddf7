#include "log-json.h"

#include <stdio.h>
#include <string.h>

#define EACH(byte) (0x0101010101010101ull * (byte))
#define HIGH EACH(0x80u)

/* Marks bytes that are zero, in the highest bit; above the first of them there may be marks too many. */
static uint64_t zero_bytes(uint64_t v)
{
	return (v - EACH(1)) & ~v & HIGH;
}

/* Whether any of eight bytes needs a look. < and > differ in one bit, as do " and &  in one other. */
static bool any_special(uint64_t v)
{
	uint64_t control = (v - EACH(0x20)) & ~v;
	uint64_t angle = zero_bytes((v | EACH(2)) ^ EACH('>'));
	uint64_t quote = zero_bytes((v | EACH(4)) ^ EACH('&'));
	uint64_t back = zero_bytes(v ^ EACH('\\'));
	return ((v | control | angle | quote | back) & HIGH) != 0;
}

static uint8_t *put(uint8_t *out, const char *text, size_t n)
{
	memcpy(out, text, n);
	return out + n;
}

static uint8_t *put_ascii(uint8_t *out, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	switch (c) {
	case '"':
		return put(out, "\\\"", 2);
	case '\\':
		return put(out, "\\\\", 2);
	case '\n':
		return put(out, "\\n", 2);
	case '\r':
		return put(out, "\\r", 2);
	default:
		if (c >= 0x20 && c != '<' && c != '>' && c != '&') {
			*out = c;
			return out + 1;
		}
		out = put(out, "\\u00", 4);
		*out++ = (uint8_t)hex[c >> 4];
		*out++ = (uint8_t)hex[c & 15];
		return out;
	}
}

/* The length of the character that begins here, 0 when it is none: overlong, a surrogate, beyond U+10FFFF, or cut off. */
static size_t character(const uint8_t *p, size_t n)
{
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint8_t low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	uint8_t high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* U+2028 and U+2029 end a line in JavaScript. */
static bool line_separator(const uint8_t *p, size_t len)
{
	return len == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8;
}

static const uint8_t *put_character(uint8_t **out, const uint8_t *p, const uint8_t *end)
{
	size_t len = character(p, (size_t)(end - p));
	if (len == 0) {
		*out = put(*out, "\\ufffd", 6);
		return p + 1;
	}
	if (line_separator(p, len))
		*out = put(*out, p[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
	else
		*out = put(*out, (const char *)p, len);
	return p + len;
}

uint8_t *log_json_text(uint8_t *out, struct bytes text)
{
	const uint8_t *p = text.data, *end = p + text.len;
	while (p < end) {
		uint64_t eight;
		while (end - p >= 8) {
			memcpy(&eight, p, 8);
			if (any_special(eight))
				break;
			memcpy(out, &eight, 8);
			out += 8;
			p += 8;
		}
		const uint8_t *stop = end - p > 8 ? p + 8 : end;
		while (p < stop) {
			if (*p < 0x80)
				out = put_ascii(out, *p++);
			else
				p = put_character(&out, p, end);
		}
	}
	return out;
}

size_t log_json_time(char *out, struct timespec at)
{
	struct tm tm;
	gmtime_r(&at.tv_sec, &tm);
	int n = snprintf(out, 40, "%04d-%02d-%02dT%02d:%02d:%02d.%09ld", (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec, at.tv_nsec);
	size_t len = n < 0 ? 0 : (size_t)n;
	while (len && out[len - 1] == '0')
		len--;
	if (len && out[len - 1] == '.')
		len--;
	out[len++] = 'Z';
	out[len] = 0;
	return len;
}
