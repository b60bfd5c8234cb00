//go:build dpdk && !static

#ifndef RAW_H
#define RAW_H

#include <stdint.h>

int raw_start(int argc, char **argv);
void *raw_pool(const char *name, unsigned int n);
unsigned int raw_free(void *mp);
int raw_port(const char *device, void *mp);
int raw_restart(uint16_t id);
void raw_close(uint16_t id);
int raw_send(uint16_t id, void *mp, int n, int size);
uint64_t raw_loop(uint16_t id, uint64_t rounds, uint64_t *frames);

uint64_t raw_now(void);

#endif
