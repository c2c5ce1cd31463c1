// A disk whose syncs take MICROS longer, for the program that this is loaded into before its own libraries (LD_PRELOAD).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

static int slowly(const char *name, int file) {
    int (*call)(int) = dlsym(RTLD_NEXT, name);
    int result = call(file);
    usleep(MICROS);
    return result;
}

int fsync(int file) { return slowly("fsync", file); }

int fdatasync(int file) { return slowly("fdatasync", file); }
