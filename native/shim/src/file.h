/* Whole small files. */
#ifndef FILE_H
#define FILE_H

#include "base.h"

/* At most `max` bytes; more is an error (EFBIG). errno tells why on -1. */
int file_read(const char *path, size_t max, struct buf *out);
int fd_read(int fd, size_t max, struct buf *out);
/* The text of a short file without its trailing newline, or NULL with errno. */
char *file_text(const char *path, size_t max);
/* Seen whole or not at all: written beside and renamed. */
int file_write(const char *path, const void *data, size_t len, mode_t mode);
/* Writes into a file that is there, such as the kernel's. */
int file_put(const char *path, const char *text);
/* A pid as runtimes write it; 0 with errno when there is none. */
pid_t file_pid(const char *path);

#endif
