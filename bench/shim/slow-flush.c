/*
 * A disk whose flush takes FLUSH_US, for Postgres alone: preloaded, it makes fdatasync and fsync last at least so long.
 * Other disks than this machine's are what most databases have; a slow one shows what waits for a flush in a queue.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

#ifndef FLUSH_US
#define FLUSH_US 2000
#endif

static void wait_for_rest(const struct timespec *from) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long passed = (now.tv_sec - from->tv_sec) * 1000000000L + (now.tv_nsec - from->tv_nsec);
  long rest = FLUSH_US * 1000L - passed;
  if (rest <= 0) return;
  struct timespec pause = {rest / 1000000000L, rest % 1000000000L};
  nanosleep(&pause, 0);
}

typedef int (*flush)(int);

static int slowly(const char *name, int file) {
  struct timespec from;
  clock_gettime(CLOCK_MONOTONIC, &from);
  int result = ((flush)dlsym(RTLD_NEXT, name))(file);
  wait_for_rest(&from);
  return result;
}

int fdatasync(int file) { return slowly("fdatasync", file); }
int fsync(int file) { return slowly("fsync", file); }
