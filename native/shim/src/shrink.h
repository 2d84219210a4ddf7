/* Gives memory back when there is nothing to do: a shim is idle for nearly all of its life, and there
   is one for each container. */
#ifndef SHRINK_H
#define SHRINK_H

struct loop;

/* The program is linked at a fixed address: what is dropped is exactly its read-only segments. */
void shrink(struct loop *l);

#endif
