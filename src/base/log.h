/* Progress and warnings on stderr; silent unless the program turns it on. Never a secret. */
#ifndef UMBRA_BASE_LOG_H
#define UMBRA_BASE_LOG_H

#include "umbra/status.h"

typedef enum umbra_log_level { UMBRA_LOG_QUIET, UMBRA_LOG_WARNING, UMBRA_LOG_INFO } umbra_log_level;

void umbra_log_set(umbra_log_level level);
umbra_log_level umbra_log_get(void);
/* A whole line; the newline is added. */
void umbra_log_warning(const char *fmt, ...) UMBRA_PRINTF(1, 2);
void umbra_log_info(const char *fmt, ...) UMBRA_PRINTF(1, 2);

#endif
