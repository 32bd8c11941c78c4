#pragma once

#include <string>

/// Names that go with a source database, so that commands that write a model agree on them. Each is legal.
namespace yellow::plan {

std::string ContainerNameFor(const std::string& database);                          ///< shop, shop_db: ShopDB
std::string CredentialNameFor(const std::string& container);                        ///< ShopDB: shop_reader
std::string VariablesFor(const std::string& container);                             ///< ShopDB: SHOP
std::string StoreNameFor(const std::string& container, const std::string& schema);  ///< ShopDB, public: Shop
std::string FileNameFor(const std::string& name);                                   ///< ShopMasked: shop_masked

}  // namespace yellow::plan
