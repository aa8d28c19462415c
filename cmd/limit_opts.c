/* SPDX-License-Identifier: MIT */
#include "cmd/limit_opts.h"

#define L struct limit_request

const struct opt limit_opts[] = {
	OPT_SIZE('m', "memory", "SIZE", L, memory, "Limit of memory"),
	OPT_SIZE(0, "memory-reservation", "SIZE", L, memory_reservation,
		 "Memory that is left to the container when it gets scarce"),
	OPT_STR(0, "memory-swap", "SIZE", L, memory_swap,
		"Limit of memory and swap together, -1 for no bound"),
	OPT_STR(0, "cpus", "NUMBER", L, cpus, "Limit of processors, such as 1.5"),
	OPT_UINT('c', "cpu-shares", "NUMBER", L, cpu_shares,
		 "Share of the processors against other containers, from 2 to 262144"),
	OPT_INT(0, "cpu-quota", "MICROSECONDS", L, cpu_quota,
		"Processor time in each period, -1 for no bound", .min = -1, .max = INT32_MAX),
	OPT_UINT(0, "cpu-period", "MICROSECONDS", L, cpu_period, "Length of a period"),
	OPT_STR(0, "cpuset-cpus", "LIST", L, cpuset_cpus, "Processors to use, such as 0-2,5"),
	OPT_STR(0, "cpuset-mems", "LIST", L, cpuset_mems, "Memory nodes to use, such as 0"),
	OPT_INT(0, "pids-limit", "NUMBER", L, pids_limit,
		"Limit of processes, -1 for no bound (2048 where the host can limit them)",
		.min = -1, .max = INT32_MAX),
	OPT_UINT(0, "blkio-weight", "NUMBER", L, blkio_weight,
		 "Share of disk time against other containers, from 10 to 1000"),
	OPT_LIST(0, "blkio-weight-device", "DEVICE:NUMBER", L, blkio_weight_device,
		 "The same of one device", .commas = true),
	OPT_LIST(0, "device-read-bps", "DEVICE:RATE", L, device_read_bps,
		 "Limit of bytes read in a second", .commas = true),
	OPT_LIST(0, "device-write-bps", "DEVICE:RATE", L, device_write_bps,
		 "Limit of bytes written in a second", .commas = true),
	OPT_LIST(0, "device-read-iops", "DEVICE:RATE", L, device_read_iops,
		 "Limit of reads in a second", .commas = true),
	OPT_LIST(0, "device-write-iops", "DEVICE:RATE", L, device_write_iops,
		 "Limit of writes in a second", .commas = true),
	OPT_END,
};
