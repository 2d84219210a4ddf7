#pragma once
#include <stddef.h>
#include <stdint.h>

/* The names in a directory, without "." and "..", read whole so that it may change while we work through them. */
struct name {
  uint32_t size; /* of this record */
  uint16_t length;
  uint8_t type; /* DT_*, DT_UNKNOWN where the filesystem does not say */
  char text[];
};
struct names {
  char *bytes;
  size_t used, room;
  size_t count;
};

/* 0, or -1 with errno. The descriptor must be open for reading (not O_PATH); its offset is reset first. */
int names_read(int dirfd, struct names *names);
const struct name *names_first(const struct names *names);
const struct name *names_next(const struct names *names, const struct name *name);
void names_free(struct names *names);
