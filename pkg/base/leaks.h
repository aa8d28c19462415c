/* SPDX-License-Identifier: MIT */
/*
 * For the main file of a program, in a build with the address sanitizer: no search for leaks at its
 * exit. What a program holds goes with it, and the search hangs in processes that changed their
 * namespaces or may not be looked into. Unit tests look for leaks.
 */
#pragma once

#ifdef __has_feature
#define LEAKS_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define LEAKS_ASAN 1
#else
#define LEAKS_ASAN 0
#endif

#if LEAKS_ASAN
const char *__asan_default_options(void);
__attribute__((used)) const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif
#undef LEAKS_ASAN
