// Everything in data/: datasets, loaders, file formats.
#pragma once

#include "data/dataset.h"
#include "data/digits.h"
#include "data/idx.h"
#include "data/loader.h"
#include "data/mnist.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "data/synthetic.h"
