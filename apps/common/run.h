// run: the frame of every program's main().
//
// Exit codes: 0 done, 2 wrong usage or input (the message goes to stderr), 130 stopped by Ctrl-C, 1 anything else.
#pragma once

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "apps/common/interrupt.h"
#include "autograd/base/error.h"

namespace gradus::apps {

inline constexpr int kBadInput = 2, kInterrupted = 130;

/// Parses the arguments, runs `body` and turns errors into messages and exit codes.
template <class Body>
int run(CLI::App& app, int argc, char** argv, Body body) {
  try {
    app.parse(argc, argv);
    const int code = body();
    std::cout.flush();
    if (!std::cout) fail<IoError>(app.get_name(), "cannot write to stdout; got an error, expected an open stream");
    return code;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::cerr << app.get_name() << ": " << error.what() << "; see --help\n";
    return kBadInput;
  } catch (const Interrupted&) {
    std::cerr << app.get_name() << ": interrupted\n";
    return kInterrupted;
  } catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return kBadInput;
  } catch (const std::exception& error) {
    std::cerr << app.get_name() << ": " << error.what() << "\n";
    return 1;
  }
}

}  // namespace gradus::apps
