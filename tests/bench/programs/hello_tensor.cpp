// Makes one tensor and ends; its run time is what starting a program costs. peer/hello_tensor.cpp is the same on libtorch.
#include "autograd/ops.h"

int main() { return gradus::ones({2, 2}).size() == 4 ? 0 : 1; }
