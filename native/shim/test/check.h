/* The whole test framework: a failed check says where and ends the program with 1. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(cond)                                                                   \
	do {                                                                          \
		if (!(cond)) {                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);    \
			exit(1);                                                      \
		}                                                                     \
	} while (0)
#define CHECK_STR(got, want)                                                                          \
	do {                                                                                          \
		const char *g_ = (got), *w_ = (want);                                                 \
		if (!g_ || strcmp(g_, w_) != 0) {                                                     \
			fprintf(stderr, "%s:%d: got %s, want %s\n", __FILE__, __LINE__, g_ ? g_ : "NULL", w_); \
			exit(1);                                                                      \
		}                                                                                     \
	} while (0)
#define BYTES(lit) ((struct bytes){ (const uint8_t *)(lit), sizeof(lit) - 1 })

#endif
