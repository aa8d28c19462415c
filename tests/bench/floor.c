/* SPDX-License-Identifier: MIT */
/*
 * floor FILE...: what unpacking gzip files costs at the least: each in a process of its own, read,
 * inflated (ISA-L) and both sides hashed (SHA-256), nothing written.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>

static int one(const char *path)
{
	static uint8_t in[1 << 17], out[1 << 18];
	EVP_MD_CTX *packed = EVP_MD_CTX_new(), *plain = EVP_MD_CTX_new();
	struct inflate_state s;
	unsigned char md[EVP_MAX_MD_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	EVP_DigestInit_ex(packed, EVP_sha256(), NULL);
	EVP_DigestInit_ex(plain, EVP_sha256(), NULL);
	isal_inflate_init(&s);
	s.crc_flag = ISAL_GZIP;
	while ((n = read(fd, in, sizeof(in))) > 0) {
		EVP_DigestUpdate(packed, in, (size_t)n);
		s.next_in = in;
		s.avail_in = (uint32_t)n;
		do {
			s.next_out = out;
			s.avail_out = sizeof(out);
			if (isal_inflate(&s) != ISAL_DECOMP_OK)
				return 1;
			EVP_DigestUpdate(plain, out, sizeof(out) - s.avail_out);
		} while (s.avail_out == 0 || (s.avail_in && s.block_state != ISAL_BLOCK_FINISH));
	}
	EVP_DigestFinal_ex(packed, md, NULL);
	EVP_DigestFinal_ex(plain, md, NULL);
	return fd < 0 || n < 0;
}

int main(int argc, char **argv)
{
	int status, bad = 0;

	for (int i = 1; i < argc; i++)
		if (fork() == 0)
			_exit(one(argv[i]));
	while (wait(&status) > 0)
		bad |= status != 0;
	return bad;
}
