#include "check/receivers.h"

#include <algorithm>
#include <set>

#include "model/mail.h"
#include "model/webhook.h"

namespace yellow::check {
namespace {

bool IsVariableName(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), fits) && !(name[0] >= '0' && name[0] <= '9');
}

void CheckWebhook(const model::NoticeReceiver& receiver, const model::WebhookUrl& webhook,
                  base::Diagnostics& diagnostics) {
  const auto* plain = std::get_if<model::PlainUrl>(&webhook);
  const auto* variable = std::get_if<model::UrlInVariable>(&webhook);
  const auto* file = std::get_if<model::UrlInFile>(&webhook);
  const std::string& text = plain != nullptr ? plain->url : variable != nullptr ? variable->variable : file->path;
  const bool url_in_its_place = plain == nullptr && text.find("://") != std::string::npos;
  if (url_in_its_place || model::IsSecretUrl(text)) {
    diagnostics.Secret("Y423", receiver.channel_where,
                       "a secret stands here: who knows the URL of a webhook like this one can write there",
                       "make a new URL, because files are copied; then name where it is: webhook: {env: VARIABLE}, or "
                       "{file: PATH}");
  } else if (plain != nullptr) {
    if (const auto why = model::WhyNotWebhook(text))
      diagnostics.Error("Y707", receiver.channel_where, "messages cannot be posted to this URL: " + *why,
                        "write https://<host>/<path>; http:// is possible on this machine only");
  } else if (variable != nullptr && !IsVariableName(text)) {
    diagnostics.Error("Y707", receiver.channel_where, "this is not the name of an environment variable: " + text,
                      "name the variable that holds the URL, such as OPERATORS_WEBHOOK");
  } else if (file != nullptr && text.empty()) {
    diagnostics.Error("Y707", receiver.channel_where, "this is not the path of a file",
                      "name the file that has the URL on its first line");
  }
}

/// What all addresses of one receiver share.
void CheckMailServer(const model::Model& model, const model::NoticeReceiver& receiver, const model::Mail& mail,
                     base::Diagnostics& diagnostics) {
  if (const auto why = model::WhyNotMailServer(mail.server))
    diagnostics.Error("Y712", receiver.channel_where, "no mail can be handed to this server: " + *why,
                      "write smtp://<host>:587, or smtps://<host>; a user and password belong in a Credential");
  if (!model::IsMailAddress(mail.from))
    diagnostics.Error("Y712", receiver.channel_where, "this is no address that mail can come from: " + mail.from,
                      "write from: yellow@example.com, without a name before it");
  if (mail.credential) RequireCredential(model, *mail.credential, diagnostics);
}

}  // namespace

void RequireCredential(const model::Model& model, const model::Name& name, base::Diagnostics& diagnostics) {
  const auto& places = model.environment->credentials;
  if (name.text.empty() || model.FindCredential(name.text) == nullptr) return;
  if (std::any_of(places.begin(), places.end(), [&](const auto& place) { return place.credential == name.text; }))
    return;
  diagnostics.Error("Y703", name.where,
                    "environment " + model.environment->name + " does not say where this secret is: " + name.text,
                    "add to the environment: credentials: {" + name.text + ": {env: " + "PREFIX}}");
}

void CheckReceivers(const model::Model& model, base::Diagnostics& diagnostics) {
  std::set<std::string> names;
  const model::NoticeReceiver* before = nullptr;
  for (const model::NoticeReceiver& receiver : model.environment->receivers) {
    if (const auto* webhook = std::get_if<model::WebhookUrl>(&receiver.channel)) {
      CheckWebhook(receiver, *webhook, diagnostics);
      continue;
    }
    const auto& mail = std::get<model::Mail>(receiver.channel);
    if (before == nullptr || before->where != receiver.where) CheckMailServer(model, receiver, mail, diagnostics);
    before = &receiver;
    if (!model::IsMailAddress(mail.to))
      diagnostics.Error("Y712", receiver.channel_where, "this is no address that mail can be sent to: " + mail.to,
                        "write to: [ops@example.com], without a name before it");
    if (!names.insert(receiver.name).second)
      diagnostics.Error("Y712", receiver.channel_where, "this address is named twice: " + mail.to, "keep one");
  }
}

}  // namespace yellow::check
