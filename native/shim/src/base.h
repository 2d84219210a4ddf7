/* What every file uses: owned memory, errors as values, growable bytes. */
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

/* A view of bytes owned by somebody else. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

/* Bytes that grow. All zero is an empty one. */
struct buf {
	uint8_t *data;
	size_t len, cap;
};

/* google.rpc.Code, the values that a shim answers with. */
enum code {
	CODE_OK = 0,
	CODE_UNKNOWN = 2,
	CODE_INVALID_ARGUMENT = 3,
	CODE_DEADLINE_EXCEEDED = 4,
	CODE_NOT_FOUND = 5,
	CODE_ALREADY_EXISTS = 6,
	CODE_RESOURCE_EXHAUSTED = 8,
	CODE_FAILED_PRECONDITION = 9,
	CODE_UNIMPLEMENTED = 12,
	CODE_INTERNAL = 13,
};

struct err {
	int code;
	char msg[1024];
};

/* Allocation never returns NULL: a shim that cannot get a few hundred bytes cannot do its work, and
   dying is what its daemon knows how to handle. Requests are bounded long before this matters. */
void *xalloc(size_t size); /* zeroed */
void *xresize(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
__attribute__((format(printf, 1, 2))) char *xprintf(const char *fmt, ...);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *fmt, ...);
void buf_free(struct buf *b);

/* The bytes as a C string; NULL when they contain a NUL. */
char *bytes_string(struct bytes b);
bool bytes_equal(struct bytes b, const char *s);

/* All three return -1, so that a failing function can end with `return err_…`. */
__attribute__((format(printf, 3, 4))) int err_set(struct err *e, int code, const char *fmt, ...);
/* Adds the text of errno. */
__attribute__((format(printf, 2, 3))) int err_sys(struct err *e, const char *fmt, ...);
/* Puts words in front of the message, keeping the code. */
__attribute__((format(printf, 2, 3))) int err_wrap(struct err *e, const char *fmt, ...);

void close_fd(int *fd); /* closes and sets to -1; keeps errno */
void free_ptr(void *p);

#define AUTO_FD __attribute__((cleanup(close_fd))) int
#define AUTO_FREE __attribute__((cleanup(free_ptr)))
#define AUTO_BUF __attribute__((cleanup(buf_free))) struct buf

#endif
