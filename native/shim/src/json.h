/* Reading JSON that somebody else wrote: walks a text without building anything, however deep it is. */
#ifndef JSON_H
#define JSON_H

#include "base.h"

struct json {
	const char *p, *end;
	bool bad;
};

struct json json_read(const void *data, size_t len);
/* At the start of a value: its first character ('{', '[', '"', 't', 'f', 'n', '0' for a number), 0 if none. */
char json_kind(struct json *j);
/* Passes one value and returns its text; checks brackets and strings, and bounds nothing but the text. */
struct bytes json_skip(struct json *j);
/* Steps through an object: true with `key` (owned by the caller) at each member's value. Start with
   `first` true. The value must be consumed before the next call. */
bool json_member(struct json *j, bool *first, char **key);
bool json_element(struct json *j, bool *first);
/* The decoded string, or NULL when the value is something else (which is skipped). */
char *json_string(struct json *j);
bool json_true(struct json *j);
/* An unsigned number; 0 for anything else. */
uint64_t json_u64(struct json *j);
/* True when exactly one value and nothing else remains. */
bool json_valid(const void *data, size_t len);

void json_quote(struct buf *out, const char *s);

#endif
