#include "identifier.h"

#include <ctype.h>
#include <string.h>

#define LENGTH_MAX 76

bool identifier_valid(const char *id)
{
	bool joined = true; /* at the start or behind a separator: a letter or digit must come */
	size_t n = 0;
	for (; id[n]; n++) {
		bool word = isalnum((unsigned char)id[n]);
		if (n == LENGTH_MAX || (!word && (joined || !strchr("._-", id[n]))))
			return false;
		joined = !word;
	}
	return n > 0 && !joined;
}
