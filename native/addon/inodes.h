#pragma once
#include <stddef.h>
#include <sys/types.h>

/* Files seen under more than one name, each with a number: a table by device and inode. */
struct inode {
  dev_t dev;
  ino_t ino;
  void *value;
};
struct inodes {
  struct inode *slots;
  size_t count, room;
};

/* The place for this inode, made when it is new (`*fresh`); NULL when memory is out. Valid until the next call. */
struct inode *inodes_at(struct inodes *inodes, dev_t dev, ino_t ino, int *fresh);
/* Frees the table, and every value by `free_value` unless it is NULL. */
void inodes_free(struct inodes *inodes, void (*free_value)(void *));
