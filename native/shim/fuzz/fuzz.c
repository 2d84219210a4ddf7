/* shim-fuzz list
 * shim-fuzz replay TARGET FILE…
 * shim-fuzz run TARGET SEED MILLISECONDS FOUND FILE…   inputs made of these files; the one that ends it is written to FOUND */
#include "fuzz.h"

#include "file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HANG_SECONDS 20
#define SLOW_MS 2000
#define FILE_MAX (1 << 20)

/* The input under way, for who finds the program dying. */
static struct {
	struct bytes in;
	const char *found;
	volatile sig_atomic_t n, seen;
} now;

static void keep(void)
{
	int fd = now.found ? open(now.found, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	if (fd >= 0 && write(fd, now.in.data, now.in.len) >= 0)
		close(fd);
}

void finding(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	keep();
	_exit(1);
}

static void on_alarm(int signal)
{
	static const char text[] = "hangs\n";
	(void)signal;
	if (now.n == now.seen) {
		keep();
		_exit(write(STDERR_FILENO, text, sizeof(text) - 1) > 0 ? 1 : 2);
	}
	now.seen = now.n;
	alarm(HANG_SECONDS);
}

static uint64_t milliseconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* On the heap in its exact length, so that a byte beyond the end is noticed. */
static void try(const struct target *t, const struct buf *b)
{
	uint8_t *copy = xalloc(b->len ? b->len : 1);
	memcpy(copy, b->data ? b->data : copy, b->len);
	now.in = (struct bytes){ b->len ? copy : NULL, b->len };
	uint64_t begin = milliseconds();
	t->run(now.in);
	HOLDS(milliseconds() - begin < SLOW_MS);
	now.n++;
	free(copy);
}

static uint64_t run(const struct target *t, uint64_t seed, uint64_t ms, const struct buf *corpus, size_t count)
{
	uint64_t n = 0, end = milliseconds() + ms;
	AUTO_BUF b = { 0 };
	for (; (n & 63) || milliseconds() < end; n++) {
		struct chance c = chance_of(t->name, seed, n);
		mutate(&b, corpus, count, t->words, &c);
		try(t, &b);
	}
	return n;
}

static int usage(void)
{
	fputs("shim-fuzz list | replay TARGET FILE... | run TARGET SEED MILLISECONDS FOUND FILE...\n", stderr);
	return 2;
}

static void read_corpus(char **files, int count, struct buf *corpus)
{
	for (int i = 0; i < count; i++)
		if (file_read(files[i], FILE_MAX, &corpus[i]) < 0) {
			perror(files[i]);
			exit(2);
		}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (const struct target *t = targets; t->name; t++)
			puts(t->name);
		return 0;
	}
	bool replay = argc > 3 && strcmp(argv[1], "replay") == 0;
	if (!replay && !(argc > 6 && strcmp(argv[1], "run") == 0))
		return usage();
	const struct target *t = targets;
	while (t->name && strcmp(t->name, argv[2]) != 0)
		t++;
	if (!t->name)
		return usage();
	int first = replay ? 3 : 6, count = argc - first;
	struct buf *corpus = xalloc((size_t)count * sizeof(*corpus));
	read_corpus(argv + first, count, corpus);
	__sanitizer_set_death_callback(keep);
	signal(SIGALRM, on_alarm);
	signal(SIGPIPE, SIG_IGN);
	now.seen = -1;
	alarm(HANG_SECONDS);
	for (int i = 0; i < count; i++)
		try(t, &corpus[i]);
	now.found = replay ? NULL : argv[5];
	uint64_t n = replay ? (uint64_t)count : run(t, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), corpus, (size_t)count);
	printf("%" PRIu64 " inputs\n", n);
	for (int i = 0; i < count; i++)
		buf_free(&corpus[i]);
	free(corpus);
	return 0;
}
