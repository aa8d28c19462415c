/* SPDX-License-Identifier: MIT */
/*
 * libcurl, loaded when the first request is near: with what it brings along it is three quarters of the start of
 * cuddy-transfer, and archives, layers and files are none of its business. Callers use curl/curl.h as ever;
 * without the library there are no handles, and http_new() says why.
 */
#pragma once

/** libcurl_ready() - it is loaded and set up. */
int libcurl_ready(void);
