#include "json.h"

#include <ctype.h>
#include <string.h>

struct json json_read(const void *data, size_t len)
{
	return (struct json){ .p = data, .end = len ? (const char *)data + len : data };
}

static void space(struct json *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\n' || *j->p == '\r'))
		j->p++;
}

static void fail(struct json *j)
{
	j->bad = true;
	j->p = j->end;
}

static bool eat(struct json *j, char c)
{
	space(j);
	if (j->bad || j->p == j->end || *j->p != c)
		return false;
	j->p++;
	return true;
}

char json_kind(struct json *j)
{
	space(j);
	if (j->bad || j->p == j->end)
		return 0;
	char c = *j->p;
	return c == '-' || isdigit((unsigned char)c) ? '0' : c && strchr("{[\"tfn", c) ? c : 0;
}

/* From behind the opening quote to behind the closing one. */
static void skip_string(struct json *j)
{
	while (j->p < j->end && *j->p != '"') {
		if ((unsigned char)*j->p < 0x20)
			break;
		j->p += *j->p == '\\' && j->end - j->p > 1 ? 2 : 1;
	}
	if (j->p >= j->end || *j->p != '"')
		fail(j);
	else
		j->p++;
}

static void skip_scalar(struct json *j, char kind)
{
	static const char *const words[] = { "true", "false", "null" };
	if (kind == '"') {
		j->p++;
		skip_string(j);
		return;
	}
	for (size_t i = 0; kind != '0' && i < COUNT_OF(words); i++) {
		size_t n = strlen(words[i]);
		if ((size_t)(j->end - j->p) >= n && memcmp(j->p, words[i], n) == 0) {
			j->p += n;
			return;
		}
	}
	if (kind != '0') {
		fail(j);
		return;
	}
	while (j->p < j->end && (isalnum((unsigned char)*j->p) || (*j->p && strchr("+-.", *j->p))))
		j->p++;
}

/* One bit per level: is it an object? A stack on the heap, since depth is the writer's choice. */
struct levels {
	struct buf kinds;
	bool want_value;
};

static void open_level(struct json *j, struct levels *lv)
{
	buf_add(&lv->kinds, j->p, 1);
	j->p++;
	lv->want_value = true;
}

static void close_levels(struct json *j, struct levels *lv)
{
	while (lv->kinds.len) {
		char kind = (char)lv->kinds.data[lv->kinds.len - 1];
		if (eat(j, ',')) {
			lv->want_value = true;
			return;
		}
		if (!eat(j, kind == '{' ? '}' : ']')) {
			fail(j);
			return;
		}
		lv->kinds.len--;
	}
}

static void skip_key(struct json *j, const struct levels *lv)
{
	if (lv->kinds.len == 0 || lv->kinds.data[lv->kinds.len - 1] != '{')
		return;
	if (!eat(j, '"')) {
		fail(j);
		return;
	}
	skip_string(j);
	if (!eat(j, ':'))
		fail(j);
}

static void skip_one(struct json *j, struct levels *lv)
{
	lv->want_value = false;
	skip_key(j, lv);
	char kind = json_kind(j);
	if (kind == '{' || kind == '[') {
		char last = kind == '{' ? '}' : ']';
		open_level(j, lv);
		if (eat(j, last)) {
			lv->kinds.len--;
			lv->want_value = false;
			close_levels(j, lv);
		}
		return;
	}
	if (kind == 0) {
		fail(j);
		return;
	}
	skip_scalar(j, kind);
	close_levels(j, lv);
}

struct bytes json_skip(struct json *j)
{
	struct levels lv = { .want_value = true };
	space(j);
	const char *start = j->p;
	while (!j->bad && lv.want_value)
		skip_one(j, &lv);
	buf_free(&lv.kinds);
	if (j->bad)
		return (struct bytes){ 0 };
	return (struct bytes){ (const uint8_t *)start, (size_t)(j->p - start) };
}

bool json_element(struct json *j, bool *first)
{
	char open = *first ? '[' : ',';
	if (!*first && eat(j, ']'))
		return false;
	if (!eat(j, open)) {
		fail(j);
		return false;
	}
	if (*first && eat(j, ']'))
		return false;
	*first = false;
	return true;
}

bool json_member(struct json *j, bool *first, char **key)
{
	*key = NULL;
	if (!*first && eat(j, '}'))
		return false;
	if (!eat(j, *first ? '{' : ',')) {
		fail(j);
		return false;
	}
	if (*first && eat(j, '}'))
		return false;
	*first = false;
	*key = json_kind(j) == '"' ? json_string(j) : NULL;
	if (*key && eat(j, ':'))
		return true;
	free_ptr(key);
	fail(j);
	return false;
}

bool json_true(struct json *j)
{
	return bytes_equal(json_skip(j), "true");
}

uint64_t json_u64(struct json *j)
{
	struct bytes b = json_skip(j);
	uint64_t v = 0;
	for (size_t i = 0; i < b.len; i++) {
		if (!isdigit(b.data[i]) || v > (UINT64_MAX - 9) / 10)
			return 0;
		v = v * 10 + (uint64_t)(b.data[i] - '0');
	}
	return v;
}

bool json_valid(const void *data, size_t len)
{
	struct json j = json_read(data, len);
	json_skip(&j);
	space(&j);
	return !j.bad && j.p == j.end && len > 0;
}
