// The identity of something watched: a variable, or a tensor that was watched by hand. Every value a variable has had points to
// the variable's one leaf. Reference-counted; only backward() and the variable itself write to it after construction.
#pragma once

#include <atomic>
#include <string>

#include "autograd/storage/tensor_impl.h"

namespace gradus::detail {

struct Leaf {
  std::atomic<uint32_t> refs{1};
  bool variable = false;   // otherwise a tensor, watched only on request
  bool trainable = false;  // variables: watched whenever they are read
  std::string name;
  Ref<TensorImpl> grad;  // what backward() has accumulated

  static void destroy(Leaf* leaf) { delete leaf; }
};

}  // namespace gradus::detail
