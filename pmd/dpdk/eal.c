//go:build dpdk

// Starting EAL inside a Go program.
#define _GNU_SOURCE
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dpi.h"

// What EAL and the drivers say is kept, so that a failure can be told.
static struct {
	pthread_mutex_t mu;
	char text[16384];
	size_t n;
	int tee;
} said = { .mu = PTHREAD_MUTEX_INITIALIZER };

static ssize_t say(void *cookie, const char *buf, size_t len)
{
	(void)cookie;
	size_t n = len;
	pthread_mutex_lock(&said.mu);
	if (said.tee && write(2, buf, len) < 0) {
		said.tee = 0;
	}
	if (n > sizeof(said.text) / 2) {
		buf += n - sizeof(said.text) / 2;
		n = sizeof(said.text) / 2;
	}
	if (said.n + n > sizeof(said.text)) { // keep the later half
		size_t keep = sizeof(said.text) / 2;
		if (keep > said.n) {
			keep = said.n;
		}
		memmove(said.text, said.text + said.n - keep, keep);
		said.n = keep;
	}
	memcpy(said.text + said.n, buf, n);
	said.n += n;
	pthread_mutex_unlock(&said.mu);
	return (ssize_t)len;
}

// dp_log_take moves what was said to the caller.
size_t dp_log_take(char *to, size_t len)
{
	pthread_mutex_lock(&said.mu);
	size_t n = said.n < len ? said.n : len;
	memcpy(to, said.text + said.n - n, n);
	said.n = 0;
	pthread_mutex_unlock(&said.mu);
	return n;
}

// dp_log_tee shows what is said on the standard error output, too.
void dp_log_tee(int on) { said.tee = on; }

// Threads that EAL and the drivers start inherit the caller's mask and CPUs. They
// must not take the signals that Go's runtime waits for, and whoever calls EAL
// must not stay pinned.
struct guard {
	sigset_t signals;
	cpu_set_t cpus;
	bool pinned;
};

static void enter(struct guard *g)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &g->signals);
	g->pinned = sched_getaffinity(0, sizeof(g->cpus), &g->cpus) == 0;
}

static void leave(struct guard *g)
{
	if (g->pinned) {
		sched_setaffinity(0, sizeof(g->cpus), &g->cpus);
	}
	pthread_sigmask(SIG_SETMASK, &g->signals, NULL);
}

// dp_eal_cpus fills map with the CPUs that the caller may run on.
int dp_eal_cpus(uint8_t *map, int len)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		return -1;
	}
	for (int i = 0; i < len; i++) {
		map[i] = i < CPU_SETSIZE && CPU_ISSET(i, &set);
	}
	return 0;
}

// tidy removes EAL's runtime folder, and the one that it is in, if they are empty: they
// are, unless files were asked for.
static void tidy(const char *dir)
{
	char path[4096];
	if (dir == NULL || snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path)) {
		return;
	}
	if (rmdir(path) == 0) {
		(void)rmdir(dirname(path));
	}
}

// dp_eal_start starts EAL; it returns 0 or an errno. argv stays EAL's.
int dp_eal_start(int argc, char **argv)
{
	static const cookie_io_functions_t to = { .write = say };
	struct guard g;
	FILE *f = fopencookie(NULL, "w", to);
	if (f != NULL) {
		setlinebuf(f);
		dp.rte_openlog_stream(f);
	}
	enter(&g);
	int err = dp.rte_eal_init(argc, argv) < 0 ? dp_errno() : 0;
	tidy(dp.rte_eal_get_runtime_dir());
	if (err == 0) {
		err = dp_pool_init();
	}
	leave(&g);
	return err;
}

// dp_eal_probe adds a device; 0 or an errno.
int dp_eal_probe(const char *devargs)
{
	struct guard g;
	enter(&g);
	int err = dp.rte_dev_probe(devargs);
	leave(&g);
	return err < 0 ? -err : 0;
}

// dp_eal_join prepares an EAL that somebody else has started; 0 or an errno.
int dp_eal_join(void) { return dp_pool_init(); }
