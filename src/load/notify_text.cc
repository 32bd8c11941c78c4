#include "load/notify_text.h"

#include "load/readers.h"

namespace yellow::load {
namespace {

std::optional<model::WebhookUrl> WebhookUrlOf(const Node& node) {
  if (const Node* variable = node.Find("env")) return model::UrlInVariable{variable->text};
  if (const Node* file = node.Find("file")) return model::UrlInFile{file->text};
  if (const Node* url = node.Find("url")) return model::PlainUrl{url->text};
  return std::nullopt;
}

}  // namespace

const Shape& WebhookShape() {
  static const Shape text{.what = "a text", .scalar = Shape::Scalar::kText};
  static const Shape webhook{
      .what = "{url: …}, {env: …} or {file: …}",
      .fields = {{"url", &text,
                  "The URL itself, where it is no secret: https://…, or http:// on this machine. Who knows the "
                  "URL of a chat service can write there, so that is one.",
                  false},
                 {"env", &text, "The variable that holds the URL.", false},
                 {"file", &text, "A file with the URL on its first line; relative to the project.", false}},
      .one_of_fields = true,
      .choice = "place of a URL"};
  return webhook;
}

const Shape& MailShape() {
  static const Shape text{.what = "a text", .scalar = Shape::Scalar::kText};
  static const Shape name{.what = "a name", .scalar = Shape::Scalar::kText};
  static const Shape addresses{.what = "a list of addresses", .items = &text};
  static const Shape mail{
      .what = "{server: …, from: …, to: […]}",
      .fields = {
          {"server", &text,
           "smtp://<host>:<port>, which has to offer STARTTLS unless it is on this machine, or smtps://<host>.", true},
          {"from", &text, "The address that it comes from.", true},
          {"to", &addresses, "The addresses that are told, each by a mail of its own.", true},
          {"credential", &name, "The Credential, a user and password, with which the server is logged in to.", false},
          {"ca", &text,
           "A file with the CA that the server's certificate is of; relative to the project. With it, STARTTLS is "
           "asked for on this machine too.",
           false}}};
  return mail;
}

std::vector<model::NoticeReceiver> ReadChannel(const Node& name, const Node& node, base::Diagnostics& diagnostics) {
  const Node *webhook = node.Find("webhook"), *mail = node.Find("mail");
  if (webhook != nullptr && mail != nullptr) {
    diagnostics.Error("Y206", node.where, "a receiver is reached in one way, and here are 2: " + name.text,
                      "write webhook or mail, and a second receiver for the other");
    return {};
  }
  model::NoticeReceiver receiver;
  receiver.where = name.where;
  if (mail != nullptr) {
    std::vector<model::NoticeReceiver> receivers;
    model::Mail letter{Text(mail->Find("server")), Text(mail->Find("ca")), Text(mail->Find("from")), "",
                       OptionalName(mail->Find("credential"))};
    receiver.channel_where = mail->where;
    for (const std::string& address : Texts(mail->Find("to"))) {
      letter.to = address;
      receiver.name = name.text + "/" + address, receiver.channel = letter;
      receivers.push_back(receiver);
    }
    if (const Node* to = mail->Find("to"); to != nullptr && to->items.empty())
      diagnostics.Error("Y202", to->where, "no address is named", "name one: to: [ops@example.com]");
    return receivers;
  }
  if (webhook == nullptr) {
    diagnostics.Error("Y202", name.where, "a key is missing: webhook or mail",
                      "add webhook: {env: …}, or mail: {server: …, from: …, to: […]}");
    return {};
  }
  const auto url = WebhookUrlOf(*webhook);
  if (!url) return {};
  receiver.name = name.text, receiver.channel = *url;
  receiver.channel_where = webhook->entries.front().value.where;
  return {receiver};
}

}  // namespace yellow::load
