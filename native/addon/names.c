#define _GNU_SOURCE
#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct kernel_dirent {
  uint64_t ino;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char text[];
};

static int add(struct names *names, const struct kernel_dirent *entry) {
  const char *text = entry->text;
  if (text[0] == '.' && (text[1] == 0 || (text[1] == '.' && text[2] == 0))) return 0;
  size_t length = strlen(text);
  size_t size = (sizeof(struct name) + length + 1 + 7) & ~(size_t)7;
  if (names->used + size > names->room) {
    size_t room = names->room == 0 ? 4096 : names->room * 2;
    while (room < names->used + size) room *= 2;
    char *bytes = realloc(names->bytes, room);
    if (bytes == NULL) return -1;
    names->bytes = bytes;
    names->room = room;
  }
  struct name *name = (struct name *)(names->bytes + names->used);
  name->size = (uint32_t)size;
  name->length = (uint16_t)length;
  name->type = entry->type;
  memcpy(name->text, text, length + 1);
  names->used += size;
  names->count++;
  return 0;
}

int names_read(int dirfd, struct names *names) {
  _Alignas(8) char buffer[32768];
  if (lseek(dirfd, 0, SEEK_SET) < 0) return -1;
  for (;;) {
    long got = syscall(SYS_getdents64, dirfd, buffer, sizeof buffer);
    if (got < 0) return -1;
    if (got == 0) return 0;
    for (long at = 0; at < got;) {
      const struct kernel_dirent *entry = (const struct kernel_dirent *)(buffer + at);
      if (add(names, entry) != 0) {
        errno = ENOMEM;
        return -1;
      }
      at += entry->size;
    }
  }
}

const struct name *names_first(const struct names *names) {
  return names->used == 0 ? NULL : (const struct name *)names->bytes;
}

const struct name *names_next(const struct names *names, const struct name *name) {
  const char *next = (const char *)name + name->size;
  return next >= names->bytes + names->used ? NULL : (const struct name *)next;
}

void names_free(struct names *names) {
  free(names->bytes);
  *names = (struct names){0};
}
