/* Text as docker's log files have it within a JSON string. */
#ifndef LOG_JSON_H
#define LOG_JSON_H

#include "base.h"

#include <time.h>

/* What one byte can become (\u00xx), and what may be written beyond the end. */
#define LOG_JSON_GROWTH 6
#define LOG_JSON_SLACK 8

/* Writes the text to `out`, which has room for text.len * LOG_JSON_GROWTH + LOG_JSON_SLACK; returns the end. Bytes that are no UTF-8
   become U+FFFD; <, > and & are escaped, as Go does it for the sake of HTML. */
uint8_t *log_json_text(uint8_t *out, struct bytes text);
/* 2024-01-01T00:00:00.5Z: UTC, without zeros at the end. `out` has 40 bytes. Returns the length. */
size_t log_json_time(char *out, struct timespec at);

#endif
