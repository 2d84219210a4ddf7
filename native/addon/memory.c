#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

/* The program itself comes first; libraries are small. */
static int release_program(struct dl_phdr_info *object, size_t size, void *failure) {
  (void)size;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    /* What could ever be written may differ from the file: that must stay. */
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) continue;
    uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
    uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;
    if (madvise((void *)start, end - start, MADV_DONTNEED) != 0) *(int *)failure = errno;
  }
  return 1;
}

/* Takes the program's code and constants out of this process's memory. What is used next comes back from the page cache, at a fault. */
static napi_value release_code(napi_env env, napi_callback_info info) {
  (void)info;
  int failure = 0;
  dl_iterate_phdr(release_program, &failure);
  return failure != 0 ? fail(env, failure, "madvise", NULL) : js_undefined(env);
}

void export_memory(napi_env env, napi_value exports) { export_function(env, exports, "releaseCode", release_code); }
