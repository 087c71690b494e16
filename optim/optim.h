// Everything of optim/: optimisers, loss scaling and early stopping.
#pragma once

#include "optim/adam.h"
#include "optim/early_stopping.h"
#include "optim/loss_scale.h"
#include "optim/monitor.h"
#include "optim/optimizer.h"
#include "optim/rmsprop.h"
#include "optim/sgd.h"
#include "optim/spec.h"
