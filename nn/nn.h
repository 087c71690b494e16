// Everything of nn/: layers, losses, metrics, models, the training loop.
#pragma once

#include "nn/activation.h"
#include "nn/callback.h"
#include "nn/dense.h"
#include "nn/dropout.h"
#include "nn/flatten.h"
#include "nn/initializer.h"
#include "nn/layer.h"
#include "nn/logs.h"
#include "nn/loss.h"
#include "nn/losses.h"
#include "nn/metric.h"
#include "nn/mixed_precision.h"
#include "nn/model.h"
#include "nn/module.h"
#include "nn/sequential.h"
#include "nn/weights.h"
