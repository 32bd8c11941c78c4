#include "load/access_text.h"

#include "load/readers.h"

namespace yellow::load {

const Shape& AccessShape() {
  static const Shape address{.what = "host:port", .scalar = Shape::Scalar::kText};
  static const Shape url{.what = "a URL", .scalar = Shape::Scalar::kText};
  static const Shape text{.what = "a text", .scalar = Shape::Scalar::kText};
  static const Shape access{
      .what = "{listen: …, issuer: …, audience: …}",
      .fields = {{"listen", &address,
                  "Where serve answers calls for access over TCP, without TLS: for another machine a proxy that has "
                  "it stands before.",
                  true},
                 {"issuer", &url,
                  "The OpenID Connect issuer whose tokens say who calls; its keys are those of its "
                  "/.well-known/openid-configuration.",
                  true},
                 {"audience", &text, "Whom a token has to be for: what the issuer calls Yellow.", true},
                 {"claim", &text,
                  "The claim of a token that is the address of a person's identity oidc:<address>; email by default.",
                  false}}};
  return access;
}

const Shape& TicketsShape() {
  static const Shape text{.what = "a text", .scalar = Shape::Scalar::kText};
  static const Shape name{.what = "a name", .scalar = Shape::Scalar::kText};
  static const Shape texts{.what = "a list of texts", .items = &text};
  static const Shape service{
      .what = "{url: …, state: …, open: […], owner: …}",
      .fields = {
          {"url", &text, "Where a ticket is asked for; {ticket} in it stands for the ticket.", true},
          {"credential", &name, "The Credential with which it is asked.", false},
          {"state", &text, "Where its state is in the answer, as a JSON pointer: /fields/status/name.", true},
          {"open", &texts, "The states in which a ticket is open.", true},
          {"owner", &text, "Where the person is whose ticket it is: /fields/assignee/name.", true},
          {"name", &text,
           "Where the ticket's own name is: /key. A ticket that is asked for by another of its names is none, as it "
           "is good for one access only.",
           false}}};
  static const Shape tickets{
      .what = "{file: …} or {http: …}",
      .fields = {{"file", &text, "A file that says of each ticket whether it is open and whose it is.", false},
                 {"http", &service, "A ticket system that answers in JSON.", false}},
      .one_of_fields = true,
      .choice = "ticket system"};
  return tickets;
}

model::AccessListener ReadAccess(const Node& node) {
  model::AccessListener access;
  access.listen = Text(node.Find("listen"));
  access.issuer = Text(node.Find("issuer"));
  access.audience = Text(node.Find("audience"));
  access.claim = Text(node.Find("claim"), access.claim);
  access.where = node.where;
  return access;
}

model::TicketSystem ReadTickets(const Node& node) {
  if (const Node* file = node.Find("file")) return model::TicketFile{file->text};
  const Node* http = node.Find("http");
  if (http == nullptr) return {};
  model::TicketService service;
  service.url = Text(http->Find("url"));
  service.credential = OptionalName(http->Find("credential"));
  service.state = Text(http->Find("state"));
  service.owner = Text(http->Find("owner"));
  service.name = Text(http->Find("name"));
  service.open = Texts(http->Find("open"));
  service.where = node.where;
  return service;
}

}  // namespace yellow::load
