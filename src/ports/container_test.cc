#include "ports/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yellow::ports {
namespace {

using ::testing::HasSubstr;

TEST(ImageFailure, TellsThreeReasonsApart) {
  const auto code = [](const std::string& message) { return ImageFailure("i@sha256:1", message).code; };
  // As docker-registry 2.8 answers through Docker 20.10 and Podman 4.3.
  EXPECT_EQ(code("manifest for i@sha256:1 not found: manifest unknown: manifest unknown"), "image_missing");
  EXPECT_EQ(code("reading manifest sha256:1 in i: manifest unknown: manifest unknown"), "image_missing");
  EXPECT_EQ(code("reading manifest sha256:1 in i: name unknown: repository name not known to registry"),
            "image_missing");
  EXPECT_EQ(code("Get \"http://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused"), "image_pull");
  EXPECT_TRUE(ImageFailure("i", "connection refused").retryable);
  EXPECT_FALSE(ImageFailure("i", "unauthorized: authentication required").retryable);
  EXPECT_FALSE(ImageFailure("i", "manifest unknown").retryable);
  EXPECT_THAT(ImageFailure("i", "connection refused").context.at(0), HasSubstr("refused"));
}

}  // namespace
}  // namespace yellow::ports
