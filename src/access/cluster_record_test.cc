#include "access/cluster_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yellow::access {
namespace {

TEST(ClusterRecord, TheLogHasNoWordOfACommand) {
  const ports::ClusterEvent call{3, "POST", "/api/v1/namespaces/prod/pods/web/exec?command=cat&command=/secret", 0};
  EXPECT_EQ(
      FactOf(call, "prod"),
      R"({"client":3,"number":1,"kind":"call","does":["POST"],"relations":["/api/v1/namespaces/prod/pods/web/exec"],)"
      R"("flags":["do_block"]})");
  EXPECT_EQ(LineOf(call), R"({"client":3,"kind":"call","method":"POST","target":)"
                          R"("/api/v1/namespaces/prod/pods/web/exec?command=cat&command=/secret"})");
}

TEST(ClusterRecord, AnAnswerIsAStatus) {
  EXPECT_EQ(FactOf({1, "GET", "/api/v1/namespaces/prod/pods", 200}, "prod"),
            R"({"client":1,"number":2,"kind":"answer","tag":"200","flags":[]})");
  EXPECT_EQ(FactOf({1, "GET", "/api/v1/namespaces/prod/pods", 403}, "prod"),
            R"({"client":1,"number":2,"kind":"answer","tag":"403","flags":["refused"]})");
}

TEST(ClusterRecord, WhatAReviewerLooksAtFirst) {
  const auto flags = [](const char* method, const char* target) {
    const std::string fact = FactOf({1, method, target, 0}, "prod");
    return fact.substr(fact.find("\"flags\":") + 8);
  };
  EXPECT_EQ(flags("GET", "/api/v1/namespaces/prod/pods"), "[]}");
  EXPECT_EQ(flags("GET", "/apis/apps/v1"), "[]}");
  EXPECT_EQ(flags("GET", "/version"), "[]}");
  EXPECT_EQ(flags("GET", "/api/v1/namespaces/other/pods"), "[\"outside_scope\"]}");
  EXPECT_EQ(flags("GET", "/api/v1/namespaces"), "[\"outside_scope\"]}");
  EXPECT_EQ(flags("GET", "/api/v1/nodes"), "[\"outside_scope\"]}");
  EXPECT_EQ(flags("GET", "/apis/apps/v1/deployments"), "[\"outside_scope\"]}");
  EXPECT_EQ(flags("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/prod/rolebindings"), "[\"role_command\"]}");
  EXPECT_EQ(flags("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/prod/rolebindings"), "[]}");
  EXPECT_EQ(flags("GET", "/api/v1/namespaces/prod/services/web/proxy/admin"), "[\"do_block\"]}");
  // As the API server reads it, however it is written.
  EXPECT_EQ(flags("POST", "/apis/rbac%2Eauthorization.k8s.io/v1/namespaces/prod/rolebindings"), "[\"role_command\"]}");
  EXPECT_EQ(flags("POST", "/api/v1/namespaces/prod/pods/web/%65xec"), "[\"do_block\"]}");
  EXPECT_EQ(flags("GET", "/api/v1/namespaces/p%72od/pods"), "[]}");
  EXPECT_EQ(flags("GET", "/api/v1/namespaces/prod/pods%"), "[]}");
  EXPECT_EQ(flags("GET", "/api/v1/namespaces/prod/pods/%zz"), "[]}");
}

TEST(ClusterRecord, WhatWasNotPassedOnSaysWhy) {
  EXPECT_EQ(
      FactOf({2, "POST", "/api/v1/namespaces/prod/serviceaccounts/x/token", 403, "no token may leave the cluster"},
             "prod"),
      R"({"client":2,"number":2,"kind":"answer","tag":"403","does":["POST"],)"
      R"("relations":["/api/v1/namespaces/prod/serviceaccounts/x/token"],"why":"no token may leave the cluster",)"
      R"("flags":["refused"]})");
}

}  // namespace
}  // namespace yellow::access
