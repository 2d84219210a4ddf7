/* containerd's rule for the names of containers and execs. */
#ifndef IDENTIFIER_H
#define IDENTIFIER_H

#include <stdbool.h>

/* 1 to 76 characters: alphanumeric runs joined by single '.', '_' or '-'. So never a path. */
bool identifier_valid(const char *id);

#endif
