#pragma once

#include <string>
#include <vector>

/// Landlock (landlock(7)): a process gives up for good, itself and all that it starts, what it is not left here.
namespace yellow::adapters::recorder {

/// The version of Landlock that the kernel offers; 0: none.
int LandlockVersion();

/// Rules that leave what lies below `/` to be read and executed, and what lies below these paths to be written too;
/// and, where the kernel can do it, that let no signal and no abstract socket out. A descriptor; -1 and errno when
/// there can be none.
int MakeLandlockRules(const std::vector<std::string>& writable);

/// Takes them on. REQUIRES: PR_SET_NO_NEW_PRIVS. False when it cannot.
bool ObeyLandlockRules(int rules);

}  // namespace yellow::adapters::recorder
