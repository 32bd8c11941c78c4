#include "plan/guess_class.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "model/name_rule.h"

namespace yellow::plan {
namespace {

/// Types that can hold the data of a phrase.
enum class Holds { kText, kTextOrNumber, kTextOrDate };

/// Words written together: `firstname` stands for first_name, firstName, First Name.
struct Phrase {
  std::string_view text;
  const char* word;
  Holds holds;
};

constexpr const char* kName = "pii.name";
constexpr const char* kContact = "pii.contact";
constexpr const char* kAddress = "pii.address";
constexpr const char* kBirth = "pii.birth";
constexpr const char* kGovernment = "pii.government_id";
constexpr const char* kPerson = "pii";
constexpr const char* kConfidential = "confidential";

constexpr Phrase kPhrases[] = {
    {"firstname", kName, Holds::kText},
    {"fname", kName, Holds::kText},
    {"forename", kName, Holds::kText},
    {"givenname", kName, Holds::kText},
    {"middlename", kName, Holds::kText},
    {"lastname", kName, Holds::kText},
    {"lname", kName, Holds::kText},
    {"surname", kName, Holds::kText},
    {"familyname", kName, Holds::kText},
    {"fullname", kName, Holds::kText},
    {"maidenname", kName, Holds::kText},
    {"birthname", kName, Holds::kText},
    {"personname", kName, Holds::kText},
    {"customername", kName, Holds::kText},
    {"contactname", kName, Holds::kText},
    {"cardholder", kName, Holds::kText},
    {"vorname", kName, Holds::kText},
    {"nachname", kName, Holds::kText},
    {"familienname", kName, Holds::kText},
    {"geburtsname", kName, Holds::kText},
    {"prenom", kName, Holds::kText},
    {"nomdefamille", kName, Holds::kText},
    {"apellido", kName, Holds::kText},
    {"apellidos", kName, Holds::kText},
    {"cognome", kName, Holds::kText},
    {"sobrenome", kName, Holds::kText},
    {"apelido", kName, Holds::kText},
    {"voornaam", kName, Holds::kText},
    {"achternaam", kName, Holds::kText},
    {"nazwisko", kName, Holds::kText},
    {"imie", kName, Holds::kText},
    {"email", kContact, Holds::kText},
    {"emails", kContact, Holds::kText},
    {"emailaddress", kContact, Holds::kText},
    {"mailaddress", kContact, Holds::kText},
    {"mail", kContact, Holds::kText},
    {"correo", kContact, Holds::kText},
    {"courriel", kContact, Holds::kText},
    {"phone", kContact, Holds::kTextOrNumber},
    {"phones", kContact, Holds::kTextOrNumber},
    {"phonenumber", kContact, Holds::kTextOrNumber},
    {"telephone", kContact, Holds::kTextOrNumber},
    {"mobile", kContact, Holds::kTextOrNumber},
    {"cellphone", kContact, Holds::kTextOrNumber},
    {"fax", kContact, Holds::kTextOrNumber},
    {"msisdn", kContact, Holds::kTextOrNumber},
    {"telefon", kContact, Holds::kTextOrNumber},
    {"telefonnummer", kContact, Holds::kTextOrNumber},
    {"handynummer", kContact, Holds::kTextOrNumber},
    {"telefono", kContact, Holds::kTextOrNumber},
    {"telefone", kContact, Holds::kTextOrNumber},
    {"telefoonnummer", kContact, Holds::kTextOrNumber},
    {"portable", kContact, Holds::kTextOrNumber},
    {"movil", kContact, Holds::kTextOrNumber},
    {"komorka", kContact, Holds::kTextOrNumber},
    {"street", kAddress, Holds::kText},
    {"address", kAddress, Holds::kText},
    {"addressline", kAddress, Holds::kText},
    {"addr", kAddress, Holds::kText},
    {"housenumber", kAddress, Holds::kTextOrNumber},
    {"postcode", kAddress, Holds::kTextOrNumber},
    {"postalcode", kAddress, Holds::kTextOrNumber},
    {"zip", kAddress, Holds::kTextOrNumber},
    {"zipcode", kAddress, Holds::kTextOrNumber},
    {"anschrift", kAddress, Holds::kText},
    {"adresse", kAddress, Holds::kText},
    {"strasse", kAddress, Holds::kText},
    {"hausnummer", kAddress, Holds::kTextOrNumber},
    {"plz", kAddress, Holds::kTextOrNumber},
    {"postleitzahl", kAddress, Holds::kTextOrNumber},
    {"codepostal", kAddress, Holds::kTextOrNumber},
    {"rue", kAddress, Holds::kText},
    {"direccion", kAddress, Holds::kText},
    {"calle", kAddress, Holds::kText},
    {"codigopostal", kAddress, Holds::kTextOrNumber},
    {"indirizzo", kAddress, Holds::kText},
    {"endereco", kAddress, Holds::kText},
    {"morada", kAddress, Holds::kText},
    {"adres", kAddress, Holds::kText},
    {"straat", kAddress, Holds::kText},
    {"ulica", kAddress, Holds::kText},
    {"dob", kBirth, Holds::kTextOrDate},
    {"birth", kBirth, Holds::kTextOrDate},
    {"birthdate", kBirth, Holds::kTextOrDate},
    {"birthday", kBirth, Holds::kTextOrDate},
    {"birthplace", kBirth, Holds::kText},
    {"dateofbirth", kBirth, Holds::kTextOrDate},
    {"placeofbirth", kBirth, Holds::kText},
    {"yearofbirth", kBirth, Holds::kTextOrNumber},
    {"birthyear", kBirth, Holds::kTextOrNumber},
    {"geburtsdatum", kBirth, Holds::kTextOrDate},
    {"geburtstag", kBirth, Holds::kTextOrDate},
    {"geburtsort", kBirth, Holds::kText},
    {"naissance", kBirth, Holds::kTextOrDate},
    {"nacimiento", kBirth, Holds::kTextOrDate},
    {"nascita", kBirth, Holds::kTextOrDate},
    {"nascimento", kBirth, Holds::kTextOrDate},
    {"geboortedatum", kBirth, Holds::kTextOrDate},
    {"urodzenia", kBirth, Holds::kTextOrDate},
    {"ssn", kGovernment, Holds::kTextOrNumber},
    {"socialsecuritynumber", kGovernment, Holds::kTextOrNumber},
    {"socialsecurity", kGovernment, Holds::kTextOrNumber},
    {"passport", kGovernment, Holds::kTextOrNumber},
    {"passportnumber", kGovernment, Holds::kTextOrNumber},
    {"nationalid", kGovernment, Holds::kTextOrNumber},
    {"nationalinsurance", kGovernment, Holds::kTextOrNumber},
    {"nino", kGovernment, Holds::kText},
    {"taxid", kGovernment, Holds::kTextOrNumber},
    {"driverlicense", kGovernment, Holds::kTextOrNumber},
    {"driverslicense", kGovernment, Holds::kTextOrNumber},
    {"drivinglicence", kGovernment, Holds::kTextOrNumber},
    {"steuerid", kGovernment, Holds::kTextOrNumber},
    {"steuernummer", kGovernment, Holds::kTextOrNumber},
    {"ausweis", kGovernment, Holds::kTextOrNumber},
    {"ausweisnummer", kGovernment, Holds::kTextOrNumber},
    {"reisepass", kGovernment, Holds::kTextOrNumber},
    {"sozialversicherungsnummer", kGovernment, Holds::kTextOrNumber},
    {"numerosecu", kGovernment, Holds::kTextOrNumber},
    {"dni", kGovernment, Holds::kTextOrNumber},
    {"nif", kGovernment, Holds::kTextOrNumber},
    {"cpf", kGovernment, Holds::kTextOrNumber},
    {"codicefiscale", kGovernment, Holds::kText},
    {"bsn", kGovernment, Holds::kTextOrNumber},
    {"pesel", kGovernment, Holds::kTextOrNumber},
    {"username", kPerson, Holds::kText},
    {"ipaddress", kPerson, Holds::kText},
    {"gender", kPerson, Holds::kText},
    {"geschlecht", kPerson, Holds::kText},
    {"religion", kPerson, Holds::kText},
    {"ethnicity", kPerson, Holds::kText},
    {"nationality", kPerson, Holds::kText},
    {"maritalstatus", kPerson, Holds::kText},
    {"diagnosis", kPerson, Holds::kText},
    {"iban", kPerson, Holds::kText},
    {"accountholder", kName, Holds::kText},
    {"creditcard", kPerson, Holds::kTextOrNumber},
    {"cardnumber", kPerson, Holds::kTextOrNumber},
    {"password", kConfidential, Holds::kText},
    {"passwordhash", kConfidential, Holds::kText},
    {"passwd", kConfidential, Holds::kText},
    {"passwort", kConfidential, Holds::kText},
    {"secret", kConfidential, Holds::kText},
    {"apikey", kConfidential, Holds::kText},
    {"token", kConfidential, Holds::kText},
    {"salary", kConfidential, Holds::kTextOrNumber},
    {"gehalt", kConfidential, Holds::kTextOrNumber},
    {"salaire", kConfidential, Holds::kTextOrNumber},
};

/// A column that is called just this is a person's name if its table is about people.
constexpr std::string_view kNameAlone[] = {"name", "nom", "nombre", "nome", "naam"};
constexpr std::string_view kPeople[] = {
    "customer", "customers", "client",    "clients", "person",      "persons",  "people",  "user",
    "users",    "employee",  "employees", "staff",   "patient",     "patients", "member",  "members",
    "contact",  "contacts",  "kunde",     "kunden",  "mitarbeiter", "personen", "usuario", "usuarios",
    "cliente",  "clientes",  "clienti",   "utente",  "klant",       "klanten",  "klient"};

/// A name that ends so is about the data and does not hold it: email_type, phone_verified.
constexpr std::string_view kAbout[] = {"id",   "type", "status", "count",    "verified", "confirmed",
                                       "sent", "flag", "kind",   "template", "format",   "length"};

template <size_t N>
bool Contains(const std::string_view (&list)[N], const std::string& word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool CanHold(const model::DataType& type, Holds holds) {
  using model::TypeKind;
  switch (type.kind) {
    case TypeKind::kText:
    case TypeKind::kVarchar:
    case TypeKind::kChar:
      return true;
    case TypeKind::kSmallint:
    case TypeKind::kInteger:
    case TypeKind::kBigint:
    case TypeKind::kNumeric:
      return holds == Holds::kTextOrNumber;
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      return holds == Holds::kTextOrDate;
    default:
      return false;
  }
}

/// The longest phrase that stands in neighbouring words; `*last` is the word after it.
const Phrase* Longest(const std::vector<std::string>& words, const model::DataType& type, size_t* last) {
  const Phrase* best = nullptr;
  for (size_t begin = 0; begin < words.size(); ++begin) {
    std::string together;
    for (size_t end = begin; end < words.size() && end < begin + 4; ++end) {
      together += words[end];
      for (const Phrase& phrase : kPhrases) {
        if (phrase.text != together || !CanHold(type, phrase.holds)) continue;
        if (best == nullptr || phrase.text.size() > best->text.size()) best = &phrase, *last = end + 1;
      }
    }
  }
  return best;
}

bool IsAboutPeople(const std::string& table) {
  const std::vector<std::string> words = model::WordsOf(table);
  return std::any_of(words.begin(), words.end(), [](const std::string& word) { return Contains(kPeople, word); });
}

}  // namespace

std::optional<ClassGuess> GuessClass(const std::string& table, const std::string& column, const std::string& comment,
                                     const model::DataType& type) {
  std::vector<std::string> words = model::WordsOf(column);
  std::erase_if(words,
                [](const std::string& word) { return word.find_first_not_of("0123456789") == std::string::npos; });
  if (words.size() == 1 && Contains(kNameAlone, words.front()) && CanHold(type, Holds::kText) && IsAboutPeople(table))
    return ClassGuess{kName, "the column is called " + column + " and " + table + " seems to hold people"};
  size_t last = 0;
  if (const Phrase* phrase = Longest(words, type, &last);
      phrase != nullptr && (last == words.size() || !Contains(kAbout, words.back())))
    return ClassGuess{phrase->word, "the column is called " + column};
  if (const Phrase* phrase = Longest(model::WordsOf(comment), type, &last))
    return ClassGuess{phrase->word, "its comment speaks of " + std::string(phrase->text)};
  return std::nullopt;
}

}  // namespace yellow::plan
