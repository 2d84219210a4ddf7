/* The process of an exec, as the runtime shall read it. */
#ifndef EXEC_SPEC_H
#define EXEC_SPEC_H

#include "base.h"

/* The same JSON object with `terminal` set to what the request says, whatever it held. */
int exec_spec(struct bytes spec, bool terminal, struct buf *out, struct err *e);

#endif
