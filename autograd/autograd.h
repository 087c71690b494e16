// Everything of autograd/.
#pragma once

#include "autograd/anomaly.h"
#include "autograd/checkpoint.h"
#include "autograd/custom_gradient.h"
#include "autograd/flush_denormals.h"
#include "autograd/functional.h"
#include "autograd/fused.h"
#include "autograd/gradcheck.h"
#include "autograd/graph.h"
#include "autograd/op_table.h"
#include "autograd/ops.h"
#include "autograd/parallel.h"
#include "autograd/random.h"
#include "autograd/storage/memory.h"
#include "autograd/tape.h"
#include "autograd/tensor.h"
#include "autograd/variable.h"
