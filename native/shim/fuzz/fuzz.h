/* Tries inputs made by chance on the shim's decoders. */
#ifndef FUZZ_H
#define FUZZ_H

#include "base.h"

struct target {
	const char *name;
	void (*run)(struct bytes in);
	const char *const *words; /* pieces of the format; NULL at the end */
};

extern const struct target targets[]; /* a name of NULL ends it */

/* Numbers that a seed repeats. */
struct chance {
	uint64_t state;
};

struct chance chance_of(const char *name, uint64_t seed, uint64_t n);
uint64_t chance_next(struct chance *c);
size_t chance_below(struct chance *c, size_t limit); /* 0 when the limit is 0 */

/* An input made of one of the corpus by a few changes. */
void mutate(struct buf *out, const struct buf *corpus, size_t count, const char *const *words, struct chance *c);

/* What must hold: says where and what, keeps the input, ends the program. */
#define HOLDS(cond) ((cond) ? (void)0 : finding(__FILE__, __LINE__, #cond))
__attribute__((noreturn)) void finding(const char *file, int line, const char *what);

#endif
