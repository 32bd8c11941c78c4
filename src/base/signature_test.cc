#include "base/signature.h"

#include <gmock/gmock.h>

namespace yellow::base {
namespace {

// RFC 8032, section 7.1, test 1: the empty message.
const Secret kSeed("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
constexpr const char* kPublic = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
constexpr const char* kSignature =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465"
    "5141438e7a100b";

TEST(Signature, IsThatOfTheStandard) {
  EXPECT_EQ(PublicKeyOf(kSeed), kPublic);
  EXPECT_EQ(Sign(kSeed, ""), kSignature);
  EXPECT_TRUE(IsSignatureOf(kPublic, "", kSignature));
}

TEST(Signature, IsOfOneMessageAndOneKey) {
  const std::string signature = Sign(kSeed, "abc");
  EXPECT_TRUE(IsSignatureOf(kPublic, "abc", signature));
  EXPECT_FALSE(IsSignatureOf(kPublic, "abd", signature));
  EXPECT_FALSE(IsSignatureOf(PublicKeyOf(Secret(std::string(64, '1'))), "abc", signature));
}

TEST(Signature, IsNotWhatIsNoHex) {
  EXPECT_FALSE(IsSignatureOf("", "", kSignature));
  EXPECT_FALSE(IsSignatureOf(kPublic, "", "zz"));
  EXPECT_FALSE(IsSignatureOf(kPublic, "", std::string(128, 'G')));
}

}  // namespace
}  // namespace yellow::base
