#include "shrink.h"

#include "loop-private.h"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define PAGE 4096ul

/* Pages of the program file that were mapped while it worked; they come back from the page cache when needed. */
static void drop_program(void)
{
#ifndef __SANITIZE_ADDRESS__
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
		if (ph[i].p_type != PT_LOAD || (ph[i].p_flags & PF_W))
			continue;
		uintptr_t from = ph[i].p_vaddr & ~(PAGE - 1);
		madvise((void *)from, (ph[i].p_vaddr + ph[i].p_memsz) / PAGE * PAGE - from, MADV_DONTNEED);
	}
#endif
}

void shrink(struct loop *l)
{
	co_drop_spare(l);
	free_ptr(&l->scratch);
	malloc_trim(0);
	drop_program();
}
