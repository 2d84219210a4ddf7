#include "stats.h"

#include "file.h"

#include <string.h>

#define TEXT_MAX (1 << 20)

char *stats_text(const char *dir, const char *file)
{
	AUTO_FREE char *path = xprintf("%s/%s", dir, file);
	return file_text(path, TEXT_MAX);
}

uint64_t stats_number(const char *dir, const char *file)
{
	AUTO_FREE char *text = stats_text(dir, file);
	if (!text)
		return 0;
	return strcmp(text, "max") == 0 ? UINT64_MAX : strtoull(text, NULL, 10);
}

uint64_t stats_key(const char *text, const char *key)
{
	size_t n = strlen(key);
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, n) == 0 && p[n] == ' ')
			return strtoull(p + n + 1, NULL, 10);
	}
	return 0;
}
