#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/postgres/wire_fields.h"
#include "ports/session_proxy.h"

namespace yellow::adapters::postgres {

/// Cuts one direction of a connection into messages: a type, a length, a body that may come in pieces.
class WireFrames {
 public:
  /// Takes as much of `bytes` as the header of a message still needs; true when it is there.
  bool TakeHeader(std::string_view& bytes);
  /// Takes what is there of the body; call until `done`, also for an empty one.
  std::string_view TakeBody(std::string_view& bytes);

  char type() const { return header_[0]; }
  int64_t left() const { return left_; }
  bool between_messages() const { return header_size_ == 0; }
  bool header_done() const { return header_size_ == sizeof header_; }
  /// False: no message has such a length, and where the next begins is not known.
  bool length_good() const;
  void Done() { header_size_ = 0; }

 private:
  char header_[5] = {};
  size_t header_size_ = 0;
  int64_t left_ = 0;
};

/// Reads both directions of one connection between a client and a server, after the login: protocol 3.0,
/// https://www.postgresql.org/docs/15/protocol-flow.html. Says what is done as events, each of which must be accepted
/// before the bytes that complete it go on, and pairs what is asked with what the server answers.
///
/// What a client sends after the end of a batch (a simple query, a function call, Sync) is held until the server is
/// ready again, so that at most one batch is under way when a session is ended. Memory is bounded, whatever is sent.
/// Pure; one thread at a time.
class Wire {
 public:
  class Out {
   public:
    virtual ~Out() = default;
    /// False breaks the wire.
    virtual bool Take(decltype(ports::WireEvent::what) what, int64_t number) = 0;
    /// The bytes go on in the direction in which they came. They lie in what was given, so copy them.
    virtual void Pass(std::string_view bytes) = 0;
  };

  /// Returns how many bytes it has taken; the rest is to be given again: later when `holds`, never when `broken`.
  size_t FromClient(std::string_view bytes, Out& out);
  /// Takes all, unless it breaks.
  size_t FromServer(std::string_view bytes, Out& out);

  /// An event that has its cause outside: a client that comes or goes, a cancel request.
  bool Tell(decltype(ports::WireEvent::what) what, Out& out);

  /// Why the connection has to end; empty while it may go on.
  const std::string& broken() const { return broken_; }
  bool holds() const;
  /// The client has said goodbye.
  bool terminated() const { return terminated_; }
  /// The server owes an answer.
  bool busy() const { return !asked_.empty() || copy_in_.has_value(); }
  /// A message of our own may be sent to the client.
  bool client_between_messages() const { return passed_whole_; }

 private:
  enum class Asked { kQuery, kParse, kBind, kDescribe, kExecute, kClose, kFunction, kSync };
  struct Pending {
    Asked asked;
    int64_t number = 0;  // of its event
    std::string key;     // of the statement or portal, see KeyOf
    bool answered = false;
  };
  struct Copy {
    ports::WireCopy data;
    base::Sha256 digest;
    void Add(std::string_view piece);
    ports::WireCopy Take();
  };
  struct Portal {
    int64_t bind = 0;
    int64_t rows = 0;
  };

  // Each gives false when the wire is broken.
  bool BeginClientMessage();
  bool TakeClientBody(std::string_view piece);
  bool EndClientMessage(Out& out);
  bool TakeStatement(Out& out);
  bool TakeParse(Out& out);
  bool TakeBind(Out& out);
  bool TakeExecute(Out& out);
  bool TakeCopyEnd(bool given_up, Out& out);
  bool TakeSync();
  /// The server will answer this, or skips it already.
  bool Ask(Asked asked, int64_t number, std::string key, Out& out);

  bool BeginServerMessage();
  bool TakeServerBody(std::string_view piece);
  bool EndServerMessage(Out& out);
  bool TakeStepDone(Asked asked);
  bool TakeReady();
  bool TakeCopyStart(bool in);
  bool TakeError(Out& out);
  bool TakeSetting(Out& out);
  bool TakeEnd(ports::WireEnd end, Out& out);
  bool Skip(Out& out);
  ports::WireOutcome OutcomeOf(int64_t of, ports::WireEnd end);

  bool Break(std::string why);
  bool OutOfStep();
  /// The event's number, or 0 when it was not accepted, and then the wire is broken.
  int64_t Record(decltype(ports::WireEvent::what) what, Out& out);
  bool Front(Asked asked) const { return !asked_.empty() && asked_.front().asked == asked; }
  bool FrontRuns() const { return Front(Asked::kQuery) || Front(Asked::kExecute); }
  int64_t NumberOf(Asked asked, const std::string& key) const;

  WireFrames client_, server_;
  WireFields client_fields_, server_fields_;
  std::string broken_;
  bool passed_whole_ = true;  // what went to the client ended with the end of a message
  bool terminated_ = false;
  int64_t number_ = 0;
  std::deque<Pending> asked_;
  int ends_of_batches_ = 0;  // among them
  bool skipping_ = false;    // the server reads on to the next Sync
  int64_t spare_syncs_ = 0;  // sent while data was copied in: the server has ignored them, or it answers after all
  std::map<std::string, int64_t> statements_;
  std::map<std::string, Portal> portals_;
  std::optional<Copy> copy_in_, copy_out_;
  int64_t copy_in_of_ = 0;
  int64_t rows_ = 0, row_bytes_ = 0;
  bool utf8_ = true, standard_strings_ = true;
};

}  // namespace yellow::adapters::postgres
