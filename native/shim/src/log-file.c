/* json-file: one JSON object per line, as docker writes them.
 *
 *   path       the file; its directory must be there
 *   max-size   bytes; with the first line behind them the file is rotated (0: never)
 *   max-file   how many there are at most, path.1 being the youngest of the others; with 1 the file is begun anew
 *   attrs      a JSON object that each line carries
 *
 * A line is in the file as a whole or not at all. One that cannot be written is lost and counted: the
 * container goes on. */
#include "json.h"
#include "log-driver.h"
#include "log-json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Besides its text: names, attrs' punctuation, time. */
#define AROUND 160
#define ATTRS_MAX (64 * 1024)

struct log_file {
	struct log_sink sink;
	char *path;
	int fd;
	uint64_t size, max_size, max_files;
	uint8_t *out;
	size_t len;
	uint64_t lines, lost; /* in `out`; since writing failed */
	char *attrs; /* with its name and comma, or "" */
	size_t attrs_len;
	struct timespec at; /* of the tails */
	char tail[2][96];   /* what follows a text of either stream, up to the attrs … */
	size_t tail_len[2];
	char time[96]; /* … and behind them */
	size_t time_len;
};

static int open_log(const char *path, int flags)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | flags, 0640);
}

static void lose(struct log_file *f, uint64_t lines, const char *what)
{
	if (lines == 0)
		return;
	if (f->lost == 0)
		log_error(f->sink.s, "lines are missing from now on in %s: %s: %s", f->path, what, strerror(errno));
	f->lost += lines;
}

static void found_again(struct log_file *f)
{
	if (f->lost)
		log_warn(f->sink.s, "%s is written again; %llu lines are missing", f->path, (unsigned long long)f->lost);
	f->lost = 0;
}

static uint64_t count_lines(const uint8_t *p, size_t n)
{
	uint64_t lines = 0;
	for (const uint8_t *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	return lines;
}

/* What was written of a line that did not fit is taken back, so that the next one does not follow it. */
static void take_back(struct log_file *f, size_t written)
{
	const uint8_t *newline = written ? memrchr(f->out, '\n', written) : NULL;
	size_t whole = newline ? (size_t)(newline - f->out) + 1 : 0;
	struct stat st;
	int why = errno;
	if (written > whole && fstat(f->fd, &st) == 0 && st.st_size >= (off_t)(written - whole) &&
	    ftruncate(f->fd, st.st_size - (off_t)(written - whole)) < 0)
		log_warn(f->sink.s, "a line in %s may be cut: %s", f->path, strerror(errno));
	errno = why;
	f->size += whole;
	lose(f, f->lines - count_lines(f->out, whole), "write");
}

static void write_out(struct log_file *f)
{
	size_t written = 0;
	while (written < f->len) {
		ssize_t n = write(f->fd, f->out + written, f->len - written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		written += (size_t)n;
	}
	if (written < f->len) {
		take_back(f, written);
	} else if (f->len) {
		f->size += f->len;
		found_again(f);
	}
	f->len = 0;
	f->lines = 0;
}

static char *numbered(const struct log_file *f, uint64_t n)
{
	return n ? xprintf("%s.%llu", f->path, (unsigned long long)n) : xstrdup(f->path);
}

/* The first number that is free, or the last that there may be. */
static uint64_t first_free(const struct log_file *f)
{
	for (uint64_t n = 1;; n++) {
		AUTO_FREE char *path = numbered(f, n);
		if (n >= f->max_files - 1 || access(path, F_OK) < 0)
			return n;
	}
}

/* Each becomes the next older; the oldest goes when there are enough. */
static int shift(const struct log_file *f)
{
	for (uint64_t n = first_free(f); n > 0; n--) {
		AUTO_FREE char *from = numbered(f, n - 1);
		AUTO_FREE char *to = numbered(f, n);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

/* Goes on in the old file when there can be no new one: it grows, but nothing is lost. */
static void rotate(struct log_file *f)
{
	write_out(f);
	f->size = 0;
	if (f->max_files < 2) {
		if (ftruncate(f->fd, 0) < 0)
			log_warn(f->sink.s, "truncate %s: %s", f->path, strerror(errno));
		return;
	}
	int fd = shift(f) < 0 ? -1 : open_log(f->path, O_EXCL);
	if (fd < 0) {
		log_warn(f->sink.s, "rotate %s: %s", f->path, strerror(errno));
		return;
	}
	close(f->fd);
	f->fd = fd;
}

static void set_tails(struct log_file *f, struct timespec at)
{
	char time[40];
	log_json_time(time, at);
	f->at = at;
	for (int i = 0; i < 2; i++)
		f->tail_len[i] = (size_t)snprintf(f->tail[i], sizeof(f->tail[i]), "\",\"stream\":\"%s\",", i ? "stderr" : "stdout");
	f->time_len = (size_t)snprintf(f->time, sizeof(f->time), "\"time\":\"%s\"}\n", time);
	if (f->attrs_len)
		return;
	for (int i = 0; i < 2; i++) {
		memcpy(f->tail[i] + f->tail_len[i], f->time, f->time_len);
		f->tail_len[i] += f->time_len;
	}
}

static uint8_t *put(uint8_t *out, const void *data, size_t len)
{
	memcpy(out, data, len);
	return out + len;
}

static void begin(struct log_sink *k, uint8_t *room)
{
	struct log_file *f = (struct log_file *)k;
	f->out = room;
	f->len = 0;
	f->lines = 0;
}

static void add(struct log_sink *k, const struct log_line *line)
{
	struct log_file *f = (struct log_file *)k;
	if (line->at.tv_nsec != f->at.tv_nsec || line->at.tv_sec != f->at.tv_sec)
		set_tails(f, line->at);
	if (f->len + line->text.len * LOG_JSON_GROWTH + f->attrs_len + AROUND > LOG_ROOM)
		write_out(f);
	if (f->max_size && f->size + f->len >= f->max_size)
		rotate(f);
	int i = line->stream == 2;
	uint8_t *p = put(f->out + f->len, "{\"log\":\"", 8);
	p = log_json_text(p, line->text);
	if (line->last)
		p = put(p, "\\n", 2);
	p = put(p, f->tail[i], f->tail_len[i]);
	if (f->attrs_len) {
		p = put(p, f->attrs, f->attrs_len);
		p = put(p, f->time, f->time_len);
	}
	f->len = (size_t)(p - f->out);
	f->lines++;
}

static void flush(struct log_sink *k)
{
	struct log_file *f = (struct log_file *)k;
	write_out(f);
	f->out = NULL;
}

static void close_file(struct log_sink *k)
{
	struct log_file *f = (struct log_file *)k;
	if (f->lost)
		log_error(k->s, "%llu lines are missing in %s", (unsigned long long)f->lost, f->path);
	close_fd(&f->fd);
	free(f->path);
	free(f->attrs);
	free(f);
}

static int read_attrs(struct log_file *f, const char *text, struct err *e)
{
	size_t len = strlen(text);
	struct json j = json_read(text, len);
	if (len == 0)
		return 0;
	if (len > ATTRS_MAX || json_kind(&j) != '{' || !json_valid(text, len) || strchr(text, '\n'))
		return err_set(e, CODE_INVALID_ARGUMENT, "attrs must be a JSON object in one line, up to %d bytes: invalid argument", ATTRS_MAX);
	f->attrs = xprintf("\"attrs\":%s,", text);
	f->attrs_len = strlen(f->attrs);
	return 0;
}

static int open_path(struct log_file *f, const char *path, struct err *e)
{
	struct stat st;
	if (*path != '/')
		return err_set(e, CODE_INVALID_ARGUMENT, "an absolute path is needed: invalid argument");
	f->path = xstrdup(path);
	f->fd = open_log(path, 0);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return err_sys(e, "opening %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, CODE_INVALID_ARGUMENT, "%s is no regular file: invalid argument", path);
	f->size = (uint64_t)st.st_size;
	return 0;
}

/* A shim that was killed may have left a line that no newline ends. */
static void end_cut_line(struct log_file *f)
{
	char c = '\n';
	AUTO_FD fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (f->size && pread(fd, &c, 1, (off_t)f->size - 1) == 1 && c != '\n' && write(f->fd, "\n", 1) == 1)
		f->size++;
}

static struct log_sink *open_json_file(struct shim *s, struct log_options *o, struct err *e)
{
	struct log_file *f = xalloc(sizeof(*f));
	f->sink.s = s;
	f->fd = -1;
	if (read_attrs(f, log_option(o, "attrs", ""), e) < 0 ||
	    log_option_number(o, "max-size", 0, 0, &f->max_size, e) < 0 ||
	    log_option_number(o, "max-file", 1, 1, &f->max_files, e) < 0 ||
	    open_path(f, log_option(o, "path", ""), e) < 0) {
		close_file(&f->sink);
		return NULL;
	}
	end_cut_line(f);
	set_tails(f, f->at);
	return &f->sink;
}

const struct log_driver log_json_file = {
	.name = "json-file",
	.open = open_json_file,
	.begin = begin,
	.add = add,
	.flush = flush,
	.close = close_file,
};
