#include "check.h"
#include "request.h"
#include "wire.h"

static void fields_come_back(void)
{
	AUTO_BUF b = { 0 };
	pb_u64(&b, 1, 0); /* not written */
	pb_u64(&b, 2, UINT64_MAX);
	pb_str(&b, 3, "text");
	pb_time(&b, 4, (struct timespec){ 7, 9 });
	struct pb_reader r = pb_read((struct bytes){ b.data, b.len });
	struct pb_field f;
	CHECK(pb_next(&r, &f) && f.number == 2 && f.value == UINT64_MAX);
	CHECK(pb_next(&r, &f) && f.number == 3 && bytes_equal(f.bytes, "text"));
	CHECK(pb_next(&r, &f) && f.number == 4 && f.bytes.len == 4);
	CHECK(!pb_next(&r, &f) && !r.bad);
}

static void is_bad(struct bytes in)
{
	struct pb_reader r = pb_read(in);
	struct pb_field f;
	while (pb_next(&r, &f))
		;
	CHECK(r.bad);
}

static void malformed_input_is_noticed(void)
{
	is_bad(BYTES("\x0a"));                                          /* no length */
	is_bad(BYTES("\x0a\x05" "ab"));                                 /* short */
	is_bad(BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));  /* length 2^64-1 */
	is_bad(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));  /* varint of more than 64 bits */
	is_bad(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
	is_bad(BYTES("\x00"));                                          /* field 0 */
	is_bad(BYTES("\x0b"));                                          /* group */
	is_bad(BYTES("\x09" "1234567"));                                /* short fixed64 */
	is_bad(BYTES("\x0d" "123"));                                    /* short fixed32 */
}

static void a_create_request_is_read(void)
{
	AUTO_BUF b = { 0 };
	struct buf m = { 0 };
	struct request r;
	struct err e;
	pb_str(&b, 1, "id");
	pb_str(&m, 1, "overlay");
	pb_str(&m, 4, "ro");
	pb_str(&m, 4, "lowerdir=/a");
	pb_msg(&b, 3, &m);
	pb_u64(&b, 4, 1);
	pb_any(&b, 10, "some.Type", "\0x", 2);
	pb_u64(&b, 99, 1);
	CHECK(request_decode(&r, fields_create, (struct bytes){ b.data, b.len }, &e) == 0);
	CHECK_STR(r.id, "id");
	CHECK_STR(r.bundle, "");
	CHECK(r.terminal == 1 && r.rootfs_count == 1 && r.rootfs[0].option_count == 2 && r.any.len == 2);
	CHECK_STR(r.rootfs[0].options[1], "lowerdir=/a");
	CHECK_STR(r.any_type, "some.Type");
	request_free(&r);
}

static void hostile_requests_are_refused(void)
{
	static const struct bytes bad[] = {
		{ (const uint8_t *)"\x0a\x02" "a\0", 4 },   /* NUL in a string */
		{ (const uint8_t *)"\x08\x01", 2 },         /* number for a string */
		{ (const uint8_t *)"\x22\x01" "a", 3 },     /* string for a number */
		{ (const uint8_t *)"\x1a\x02\x0a\x7f", 4 }, /* mount cut short */
		{ (const uint8_t *)"\x52\x01\xff", 3 },     /* options cut short */
	};
	struct request r;
	struct err e = { 0 };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CHECK(request_decode(&r, fields_create, bad[i], &e) < 0 && e.code == CODE_INVALID_ARGUMENT);
		request_free(&r);
	}
}

/* Every prefix and every single changed byte of a good request: no crash, no leak (under ASan). */
static void damaged_requests_do_no_harm(void)
{
	AUTO_BUF b = { 0 };
	struct buf m = { 0 };
	struct request r;
	struct err e;
	pb_str(&b, 1, "container");
	pb_str(&m, 4, "rw");
	pb_msg(&b, 3, &m);
	pb_any(&b, 10, "t", "value", 5);
	for (size_t i = 0; i < b.len; i++) {
		request_decode(&r, fields_create, (struct bytes){ b.data, i }, &e);
		request_free(&r);
		for (int v = 0; v < 256; v++) {
			uint8_t keep = b.data[i];
			b.data[i] = (uint8_t)v;
			request_decode(&r, fields_create, (struct bytes){ b.data, b.len }, &e);
			request_free(&r);
			b.data[i] = keep;
		}
	}
}

int main(void)
{
	fields_come_back();
	malformed_input_is_noticed();
	a_create_request_is_read();
	hostile_requests_are_refused();
	damaged_requests_do_no_harm();
	puts("wire: ok");
	return 0;
}
