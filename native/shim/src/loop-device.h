/* Block devices that show a file: what the mount option `loop` asks for. */
#ifndef LOOP_DEVICE_H
#define LOOP_DEVICE_H

#include "base.h"

/* Returns an open descriptor of a device that shows the file, and its path. The kernel frees it when the
   descriptor is closed and nothing has it mounted any more. -1 with e set. */
int loop_device(const char *file, bool readonly, char path[32], struct err *e);

#endif
