//go:build dpdk

// Finding libdpdk.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "dpi.h"

struct dp_api dp;

#ifdef DP_STATIC

// dp_load needs no search: everything is in the program.
int dp_load(char *err, size_t len)
{
	(void)err;
	(void)len;
#define DP_FILL(f) dp.f = &f;
	DP_FUNCTIONS(DP_FILL)
	DP_VARIABLES(DP_FILL)
#undef DP_FILL
	return 0;
}

int dp_errno(void) { return rte_errno; }

#else

// A library of another ABI has another rte_mbuf: 22.11 is the version 23 of it.
static const char *const libs[] = {
	"librte_eal.so.23", "librte_mempool.so.23", "librte_mbuf.so.23", "librte_ethdev.so.23",
};

// dp_load finds libdpdk and every function in it; -1: err says what is missing.
int dp_load(char *err, size_t len)
{
	for (size_t i = 0; i < sizeof(libs) / sizeof(libs[0]); i++) {
		if (dlopen(libs[i], RTLD_NOW | RTLD_GLOBAL) == NULL) {
			const char *why = dlerror();
			snprintf(err, len, "%s", why ? why : libs[i]);
			return -1;
		}
	}
#define DP_FILL(f)                                     \
	dp.f = (__typeof__(dp.f))dlsym(RTLD_DEFAULT, #f);  \
	if (dp.f == NULL) {                                \
		snprintf(err, len, "libdpdk has no " #f);      \
		return -1;                                     \
	}
	DP_FUNCTIONS(DP_FILL)
	DP_VARIABLES(DP_FILL)
#undef DP_FILL
	return 0;
}

// dp_errno is rte_errno, which is a variable of each thread.
int dp_errno(void)
{
	int *e = dlsym(RTLD_DEFAULT, "per_lcore__rte_errno");
	return e ? *e : 0;
}

#endif
