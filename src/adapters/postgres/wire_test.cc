#include "adapters/postgres/wire.h"

#include <gmock/gmock.h>

#include <functional>

namespace yellow::adapters::postgres {
namespace {

using ::testing::ElementsAre;

std::string Number(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}

std::string Message(char type, const std::string& body = "") { return type + Number(body.size() + 4, 4) + body; }

std::string Text(const std::string& text) { return text + '\0'; }

std::string Query(const std::string& text) { return Message('Q', Text(text)); }
std::string Parse(const std::string& name, const std::string& text) {
  return Message('P', Text(name) + Text(text) + Number(1, 2) + Number(23, 4));
}
std::string Bind(const std::string& portal, const std::string& name) {
  return Message('B', Text(portal) + Text(name) + Number(2, 2) + Number(0, 2) + Number(1, 2) + Number(3, 2) +
                          Number(2, 4) + "ab" + Number(2, 4) + "\x01\xff" + Number(0xFFFFFFFF, 4) + Number(0, 2));
}
std::string Execute(const std::string& portal, uint64_t rows = 0) {
  return Message('E', Text(portal) + Number(rows, 4));
}
std::string Complete(const std::string& tag) { return Message('C', Text(tag)); }
std::string Ready(char state = 'I') { return Message('Z', std::string(1, state)); }
std::string Row(const std::string& value) { return Message('D', Number(1, 2) + Number(value.size(), 4) + value); }
std::string Refusal() { return Message('E', Text("SERROR") + Text("VERROR") + Text("C42501") + Text("Mno") + '\0'); }

std::string Show(const ports::WireText& text) {
  return text.text.substr(0, 40) + (text.sha256.empty() ? "" : "… of " + std::to_string(text.size));
}

/// Every event as a line.
struct Shower {
  std::string operator()(const ports::WireConnected&) const { return "connected"; }
  std::string operator()(const ports::WireServer&) const { return "server"; }
  std::string operator()(const ports::WireQuery& query) const {
    return "query " + Show(query.text) + (query.plain_reading ? "" : " read otherwise");
  }
  std::string operator()(const ports::WireParse& parse) const {
    return "parse " + Show(parse.name) + ": " + Show(parse.text) + " types " +
           std::to_string(parse.parameter_types.size());
  }
  std::string operator()(const ports::WireBind& bind) const {
    std::string shown = "bind " + Show(bind.portal) + " of " + std::to_string(bind.parse);
    for (const auto& value : bind.parameters)
      shown += (value.null ? " null" : value.binary ? " x" + Show(value.value) : " " + Show(value.value));
    return shown;
  }
  std::string operator()(const ports::WireExecute& execute) const {
    return "execute " + Show(execute.portal) + " of " + std::to_string(execute.bind) +
           (execute.most_rows > 0 ? " most " + std::to_string(execute.most_rows) : "");
  }
  std::string operator()(const ports::WireFunctionCall& call) const {
    return "function " + std::to_string(call.function) + " arguments " + std::to_string(call.arguments.size());
  }
  std::string operator()(const ports::WireCopyIn& copy) const {
    return "copied in " + std::to_string(copy.data.bytes) + " of " + std::to_string(copy.of) +
           (copy.given_up ? " given up" : "");
  }
  std::string operator()(const ports::WireOutcome& outcome) const {
    static const char* const kEnds[] = {"complete", "empty", "suspended", "refused", "skipped"};
    std::string shown = std::to_string(outcome.of) + " " + kEnds[static_cast<int>(outcome.end)];
    if (!outcome.tag.empty()) shown += " " + outcome.tag;
    if (outcome.rows > 0) shown += " rows " + std::to_string(outcome.rows) + " bytes " + std::to_string(outcome.bytes);
    if (outcome.portal_rows > outcome.rows) shown += " in all " + std::to_string(outcome.portal_rows);
    if (outcome.copied_out) shown += " copied out " + std::to_string(outcome.copied_out->bytes);
    if (!outcome.sqlstate.empty()) shown += " " + outcome.severity + " " + outcome.sqlstate + " " + outcome.message;
    return shown;
  }
  std::string operator()(const ports::WireSetting& setting) const { return setting.name + " = " + setting.value; }
  std::string operator()(const ports::WireCancel&) const { return "cancel"; }
  std::string operator()(const ports::WireTerminate&) const { return "terminate"; }
  std::string operator()(const ports::WireGone& gone) const { return "gone " + gone.reason; }
};

/// Both sides of a connection; what is given comes in pieces of a size.
class Line : public Wire::Out {
 public:
  explicit Line(size_t piece) : piece_(piece) {}

  bool Take(decltype(ports::WireEvent::what) what, int64_t) override {
    if (static_cast<int>(events.size()) == accepted) return false;
    events.push_back(std::visit(Shower(), what));
    passed_before.push_back(passed.size());
    return true;
  }
  void Pass(std::string_view bytes) override { passed += bytes; }

  void Client(const std::string& bytes) {
    from_client_ += bytes;
    GoOn();
  }
  void Server(const std::string& bytes) {
    const size_t before = passed.size();
    for (size_t at = 0; at < bytes.size(); at += piece_) wire.FromServer(bytes.substr(at, piece_), *this);
    to_client += passed.substr(before);
    passed.resize(before);
    GoOn();
  }
  /// Sends what is held, as far as it goes.
  void GoOn() {
    while (!from_client_.empty() && wire.broken().empty()) {
      const size_t taken = wire.FromClient(from_client_.substr(0, piece_), *this);
      from_client_.erase(0, taken);
      if (taken == 0) break;
    }
  }

  Wire wire;
  std::vector<std::string> events;
  std::vector<size_t> passed_before;  // how much had gone to the server when the event came
  std::string passed, to_client;
  int accepted = -1;  // of the events; -1: all

 private:
  size_t piece_;
  std::string from_client_;
};

/// The same, whatever the pieces.
void InPieces(const std::function<void(Line&)>& play) {
  for (const size_t piece : std::initializer_list<size_t>{1, 2, 3, 4, 5, 6, 7, 11, 64, 100000}) {
    SCOPED_TRACE(piece);
    Line line(piece);
    play(line);
  }
}

TEST(Wire, SaysWhatAQueryIsAndWhatBecameOfEachOfItsStatements) {
  InPieces([](Line& line) {
    line.Client(Query("SELECT 1; UPDATE t; ") + Message('X'));
    line.Server(Message('T', "anything") + Row("a") + Row("bc") + Complete("SELECT 2") + Complete("UPDATE 7") +
                Ready());
    EXPECT_THAT(line.events, ElementsAre("query SELECT 1; UPDATE t; ", "1 complete SELECT 2 rows 2 bytes 15",
                                         "1 complete UPDATE 7", "terminate"));
    EXPECT_EQ(line.passed, Query("SELECT 1; UPDATE t; ") + Message('X'));
    EXPECT_EQ(line.wire.broken(), "");
    EXPECT_TRUE(line.wire.terminated());
  });
}

TEST(Wire, NothingIsWholeBeforeItsEventIsAccepted) {
  InPieces([](Line& line) {
    const std::string first = Query("one"), second = Query("two");
    line.Client(first);
    line.Server(Complete("X") + Ready());
    line.accepted = 2;
    line.Client(second);
    EXPECT_THAT(line.events, ElementsAre("query one", "1 complete X"));
    EXPECT_LT(line.passed_before[0], first.size());
    EXPECT_LT(line.passed.size(), first.size() + second.size());
    EXPECT_EQ(line.wire.broken(), "the audit log cannot be written");
    line.Client(Query("three"));
    EXPECT_LT(line.passed.size(), first.size() + second.size());
  });
}

TEST(Wire, PairsWhatIsPreparedBoundAndExecuted) {
  InPieces([](Line& line) {
    line.Client(Parse("s", "SELECT $1") + Message('D', "Ss" + std::string(1, '\0')) + Bind("p", "s") +
                Message('D', "Pp" + std::string(1, '\0')) + Execute("p", 2) + Message('S'));
    line.Server(Message('1') + Message('t', Number(0, 2)) + Message('T', "x") + Message('2') + Message('n') + Row("a") +
                Row("b") + Message('s') + Ready('T'));
    line.Client(Execute("p") + Message('S'));
    line.Server(Row("c") + Complete("SELECT 1") + Ready('T'));
    line.Client(Message('C', "Ss" + std::string(1, '\0')) + Bind("p", "s") + Message('S'));
    line.Server(Message('3') + Message('2') + Ready());
    EXPECT_THAT(line.events, ElementsAre("parse s: SELECT $1 types 1", "bind p of 1 ab x01ff null",
                                         "execute p of 2 most 2", "3 suspended rows 2 bytes 14", "execute p of 2",
                                         "5 complete SELECT 1 rows 1 bytes 7 in all 3", "bind p of 1 ab x01ff null"))
        << "Close and Bind stand in one batch, so the statement is still known when Bind comes";
    line.Client(Bind("p", "s") + Message('S'));
    EXPECT_EQ(line.events.back(), "bind p of 0 ab x01ff null");
  });
}

TEST(Wire, WhatIsRefusedLeavesTheOlderStatementUnderItsName) {
  Line line(7);
  line.Client(Parse("s", "DELETE") + Message('S'));
  line.Server(Message('1') + Ready());
  line.Client(Parse("s", "SELECT") + Bind("", "s") + Execute("") + Message('S'));
  line.Server(Refusal() + Ready());
  line.Client(Bind("", "s") + Execute("") + Message('S'));
  line.Server(Message('2') + Complete("DELETE 9") + Ready());
  EXPECT_THAT(line.events, ElementsAre("parse s: DELETE types 1", "parse s: SELECT types 1", "bind  of 2 ab x01ff null",
                                       "execute  of 3", "2 refused ERROR 42501 no", "3 skipped", "4 skipped",
                                       "bind  of 1 ab x01ff null", "execute  of 8", "9 complete DELETE 9"));
}

TEST(Wire, HoldsTheNextBatchUntilTheServerIsReady) {
  InPieces([](Line& line) {
    line.Client(Query("SELECT pg_sleep(9)") + Query("DROP TABLE t") + Message('X'));
    EXPECT_EQ(line.passed, Query("SELECT pg_sleep(9)"));
    EXPECT_TRUE(line.wire.holds());
    EXPECT_TRUE(line.wire.busy());
    line.Server(Complete("SELECT 1"));
    EXPECT_EQ(line.passed, Query("SELECT pg_sleep(9)"));
    line.Server(Ready());
    EXPECT_EQ(line.passed, Query("SELECT pg_sleep(9)") + Query("DROP TABLE t"));
  });
}

TEST(Wire, AfterARefusalTheRestOfTheBatchIsSkippedAndTheNextIsNot) {
  InPieces([](Line& line) {
    line.Client(Parse("", "one") + Bind("", ""));
    line.Server(Refusal());
    line.Client(Execute("") + Query("swallowed") + Message('S') + Query("after"));
    line.Server(Ready());
    line.Server(Complete("OK") + Ready());
    EXPECT_THAT(line.events, ElementsAre("parse : one types 1", "bind  of 1 ab x01ff null", "1 refused ERROR 42501 no",
                                         "2 skipped", "execute  of 0", "5 skipped", "query swallowed", "7 skipped",
                                         "query after", "9 complete OK"));
    EXPECT_EQ(line.wire.broken(), "");
  });
}

TEST(Wire, CountsAndDigestsACopyBothWays) {
  InPieces([](Line& line) {
    line.Client(Query("COPY t FROM STDIN") + Message('d', "hello ") + Message('d', "world") + Message('c') +
                Query("COPY t TO STDOUT"));
    EXPECT_EQ(line.passed, Query("COPY t FROM STDIN")) << "data goes on when the server wants it";
    line.Server(Message('G', std::string(3, '\0')));
    EXPECT_EQ(line.events.back(), "copied in 11 of 1");
    EXPECT_LT(line.passed_before.back(), line.passed.size()) << "and before it is told that this is all";
    line.Server(Complete("COPY 1") + Ready());
    line.Server(Message('H', std::string(3, '\0')) + Message('d', "hello ") + Message('d', "world") + Message('c') +
                Complete("COPY 1") + Ready());
    EXPECT_EQ(line.events.back(), "4 complete COPY 1 copied out 11");
    EXPECT_EQ(line.wire.broken(), "");
  });
}

TEST(Wire, ASyncThatTheServerReadsAsPartOfACopyIsNotAnswered) {
  InPieces([](Line& line) {
    line.Client(Parse("", "COPY t FROM STDIN") + Bind("", "") + Execute("") + Message('S'));
    line.Server(Message('1') + Message('2') + Message('G', std::string(3, '\0')));
    line.Client(Message('d', "x") + Message('c') + Message('S') + Query("after"));
    line.Server(Complete("COPY 1") + Ready());
    line.Server(Complete("OK") + Ready());
    EXPECT_EQ(line.events.back(), "6 complete OK");
    EXPECT_EQ(line.wire.broken(), "");
  });
}

TEST(Wire, ACopyThatTheServerRefusesMeanwhileIsOver) {
  InPieces([](Line& line) {
    line.Client(Query("COPY t FROM STDIN"));
    line.Server(Message('G', std::string(3, '\0')));
    line.Client(Message('d', "bad"));
    line.Server(Refusal() + Ready());
    line.Client(Message('d', "more") + Message('c') + Query("after"));
    line.Server(Complete("OK") + Ready());
    EXPECT_THAT(line.events, ElementsAre("query COPY t FROM STDIN", "copied in 3 of 1 given up",
                                         "1 refused ERROR 42501 no", "query after", "4 complete OK"));
  });
}

TEST(Wire, CallsOfFunctionsAreStatements) {
  InPieces([](Line& line) {
    const std::string call = Message(
        'F', Number(957, 4) + Number(0, 2) + Number(2, 2) + Number(1, 4) + "a" + Number(0xFFFFFFFF, 4) + Number(0, 2));
    line.Client(call + call);
    line.Server(Message('V', Number(1, 4) + "x") + Ready());
    line.Server(Refusal() + Ready());
    EXPECT_THAT(line.events, ElementsAre("function 957 arguments 2", "1 complete", "function 957 arguments 2",
                                         "3 refused ERROR 42501 no"));
    EXPECT_FALSE(line.wire.busy());
  });
}

TEST(Wire, OfALongTextTheBeginningAndTheDigestAreKept) {
  InPieces([](Line& line) {
    const std::string text(70000, 'a');
    line.Client(Query(text));
    EXPECT_EQ(line.events[0], "query " + std::string(40, 'a') + "… of 70000");
    EXPECT_EQ(line.passed, Query(text));
  });
  KeptText kept(4);
  for (const char* piece : {"ab", "cd", "ef"}) kept.Add(piece);
  EXPECT_EQ(kept.Take(), (ports::WireText{"abcd", 6, base::Sha256Hex("abcdef")}));
  KeptText whole(4);
  whole.Add("abcd");
  EXPECT_EQ(whole.Take(), (ports::WireText{"abcd", 4, ""}));
}

TEST(Wire, ALongTextGoesOnInPiecesAndItsEndWithTheEvent) {
  Line line(1000);
  const std::string query = Query(std::string(100000, 'a'));
  line.Client(query.substr(0, query.size() - 1));
  EXPECT_THAT(line.events, ElementsAre());
  EXPECT_EQ(line.passed.size(), query.size() - 1);
  line.accepted = 0;
  line.Client(query.substr(query.size() - 1));
  EXPECT_EQ(line.passed.size(), query.size() - 1);
}

TEST(Wire, OfManyLongValuesNoMoreThanItsShareIsKept) {
  std::string body = Text("") + Text("") + Number(0, 2) + Number(100, 2);
  for (int i = 0; i < 100; ++i) body += Number(50000, 4) + std::string(50000, 'v');
  WireFields fields;
  fields.Start("ss(2)(v)(2)");
  ASSERT_TRUE(fields.Feed(body + Number(0, 2)));
  ASSERT_TRUE(fields.Complete());
  size_t kept = 0;
  for (const ports::WireParameter& value : fields.values) {
    kept += value.value.text.size();
    EXPECT_EQ(value.value.size, 50000);
  }
  EXPECT_EQ(kept, kMostKeptOfMessage);
  EXPECT_EQ(fields.values.back().value.sha256, base::Sha256Hex(std::string(50000, 'v')));
}

TEST(Wire, SaysWhenATextMayBeReadOtherwise) {
  Line line(3);
  line.Client(Query("SET client_encoding = 'SJIS'"));
  line.Server(Complete("SET") + Message('S', Text("client_encoding") + Text("SJIS")) + Ready());
  line.Client(Query("x"));
  EXPECT_EQ(line.events.back(), "query x read otherwise");
  EXPECT_EQ(line.events[2], "client_encoding = SJIS");
}

TEST(Wire, EndsWhatItDoesNotUnderstand) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"y" + Number(4, 4), "the client sent a message of an unknown type"},
      {Message('p', "secret"), "the client sent a message of an unknown type"},
      {std::string(5, '\0'), "the client sent a message of an unknown type"},
      {"Q" + Number(3, 4), "the client sent a message of an impossible length"},
      {"Q" + Number(0xFFFFFFFF, 4), "the client sent a message of an impossible length"},
      {"Q" + Number(0x40000004, 4), "the client sent a message of an impossible length"},
      {Message('Q', "no end"), "the client sent a malformed message"},
      {Message('Q', Text("a") + "b"), "the client sent a malformed message"},
      {Message('Q'), "the client sent a malformed message"},
      {Message('S', "x"), "the client sent a malformed message"},
      {Message('B', Text("") + Text("") + Number(0, 2) + Number(1, 2) + Number(0xFFFFFFFE, 4) + Number(0, 2)),
       "the client sent a malformed message"},
      {Message('B', Text("") + Text("") + Number(0, 2) + Number(1, 2) + Number(9, 4) + "short"),
       "the client sent a malformed message"},
      {Message('E', Text("")), "the client sent a malformed message"}};
  for (const auto& [bytes, why] : cases) {
    InPieces([&](Line& line) {
      line.Client(Message('H') + bytes + Query("after"));
      EXPECT_EQ(line.wire.broken(), why);
      EXPECT_THAT(line.events, ElementsAre());
      EXPECT_LT(line.passed.size(), 5 + bytes.size()) << "the message must not be whole";
    });
  }
}

TEST(Wire, EndsWhenTheServerAnswersWhatWasNotAsked) {
  for (const std::string& bytes :
       {Complete("X"), Row("a"), Message('1'), Ready(), Message('G', "abc"), Message('d', "x"),
        Message('R', Number(0, 4)), Message('W', "abc"), Message('K', "12345678")}) {
    InPieces([&](Line& line) {
      line.Server(bytes);
      EXPECT_EQ(line.wire.broken().substr(0, 38), "the server answered what was not asked") << bytes[0];
      EXPECT_LT(line.to_client.size(), bytes.size());
    });
  }
}

TEST(Wire, ErrorsOfTheSessionBelongToNoStatement) {
  Line line(5);
  line.Server(Refusal());
  EXPECT_THAT(line.events, ElementsAre("0 refused ERROR 42501 no"));
  EXPECT_EQ(line.to_client, Refusal());
  line.Client(Execute("p") + Message('S'));
  line.Server(Complete("INSERT 0 1") + Refusal() + Ready());
  EXPECT_EQ(line.events.back(), "0 refused ERROR 42501 no") << "a deferred constraint, found at the end";
  EXPECT_FALSE(line.wire.busy());
}

}  // namespace
}  // namespace yellow::adapters::postgres
