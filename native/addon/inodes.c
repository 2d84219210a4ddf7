#include "inodes.h"

#include <stdint.h>
#include <stdlib.h>

/* A slot is empty while its inode number is 0, which no file has; `used` files with 0 would only be counted twice. */
static struct inode *probe(struct inode *slots, size_t room, dev_t dev, ino_t ino) {
  uint64_t hash = ((uint64_t)ino * 0x9e3779b97f4a7c15u) ^ ((uint64_t)dev * 0xc2b2ae3d27d4eb4fu);
  for (size_t at = (size_t)(hash >> 17);; at++) {
    struct inode *slot = &slots[at & (room - 1)];
    if (slot->ino == 0 || (slot->ino == ino && slot->dev == dev)) return slot;
  }
}

static int grow(struct inodes *inodes) {
  size_t room = inodes->room == 0 ? 256 : inodes->room * 2;
  struct inode *slots = calloc(room, sizeof *slots);
  if (slots == NULL) return -1;
  for (size_t i = 0; i < inodes->room; i++) {
    const struct inode *old = &inodes->slots[i];
    if (old->ino != 0) *probe(slots, room, old->dev, old->ino) = *old;
  }
  free(inodes->slots);
  inodes->slots = slots;
  inodes->room = room;
  return 0;
}

struct inode *inodes_at(struct inodes *inodes, dev_t dev, ino_t ino, int *fresh) {
  if (inodes->count * 2 >= inodes->room && grow(inodes) != 0) return NULL;
  struct inode *slot = probe(inodes->slots, inodes->room, dev, ino);
  *fresh = slot->ino == 0;
  if (*fresh) {
    *slot = (struct inode){.dev = dev, .ino = ino};
    inodes->count++;
  }
  return slot;
}

void inodes_free(struct inodes *inodes, void (*free_value)(void *)) {
  for (size_t i = 0; free_value != NULL && i < inodes->room; i++) {
    if (inodes->slots[i].ino != 0) free_value(inodes->slots[i].value);
  }
  free(inodes->slots);
  *inodes = (struct inodes){0};
}
