#pragma once

#include <sys/types.h>

#include <optional>

#include "ports/recorder.h"

namespace yellow::adapters::recorder {

/// What a recorded program is kept in: namespaces of its own of processes, mounts, System V and, unless the
/// specification gives it the network, sockets. Its file system has the system's folders (/usr, /etc and their like, to
/// be read), a few devices, its own terminal, /proc, an empty /tmp and what is reachable or readable; nothing of the
/// installation.
struct Enclosure {
  std::optional<uid_t> user;    ///< a throwaway one, when this process may give it
  bool landlock = false;        ///< Landlock restricts it, too
  bool user_namespace = false;  ///< this process is not root, and gets the rest in a user namespace
};

/// What can be had here. Throws base::Error when that is neither another user nor Landlock.
Enclosure ChooseEnclosure(const ports::RecordingSpec& spec);

/// What a program is connected to.
struct Ends {
  int terminal = -1;  ///< the slave of a pseudo terminal, its controlling one
  int input = -1;     ///< what its standard input is instead, as the end of a pipe; -1: the terminal
};

/// Starts the program at these ends, which stay the caller's. The process that is
/// returned is the first of the namespace, a child of the caller: it ends as the program did, and when it ends or is
/// killed, every process of the namespace has ended. It is killed when the caller ends. `listener`: set when the
/// specification has a port, to a socket that listens there within the enclosure, the caller's own. Throws base::Error
/// with what could not be done, and then nothing runs. REQUIRES: the caller has one thread.
pid_t StartEnclosed(const ports::RecordingSpec& spec, const Enclosure& enclosure, const Ends& ends, int& listener);

}  // namespace yellow::adapters::recorder
