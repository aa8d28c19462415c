/* SPDX-License-Identifier: MIT */
/*
 * For the main file of a program, in a build with the address sanitizer: no search for leaks at its
 * exit. What a program holds goes with it, and the search hangs in processes that changed their
 * namespaces or may not be looked into. Unit tests look for leaks. Where memory came from is remembered by one
 * frame: a third less to touch at each start; ASAN_OPTIONS=malloc_context_size=30 for whom that is not enough.
 */
#pragma once

#ifdef __SANITIZE_ADDRESS__
const char *__asan_default_options(void);
__attribute__((used)) const char *__asan_default_options(void)
{
	return "detect_leaks=0:malloc_context_size=1";
}
#endif
