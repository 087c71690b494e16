// What the programs share: options, error reports with exit codes, Ctrl-C, JSON lines, pictures of the run.
#pragma once

#include "apps/common/flat.h"
#include "apps/common/interrupt.h"
#include "apps/common/json_line.h"
#include "apps/common/options.h"
#include "apps/common/report.h"
#include "apps/common/run.h"
#include "apps/common/watch.h"
