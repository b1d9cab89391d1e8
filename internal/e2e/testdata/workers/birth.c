/* Answers every request with what this process was born with, a line a fact.
 * All of it is gathered before libfcgi is called: FCGX_Init changes the
 * disposition of SIGPIPE, SIGTERM and SIGUSR1. */
#include <dirent.h>
#include <fcgiapp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;
static char facts[65536];
static size_t used;

static void say(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    used += (size_t)vsnprintf(facts + used, sizeof facts - used, format, values);
    va_end(values);
    if (used >= sizeof facts)
        abort();
}

static void descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;

    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder))
            say("fd %s\n", entry->d_name);
    closedir(folder);
}

static void signals(void)
{
    struct sigaction action;
    sigset_t mask;

    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int s = 1; s < NSIG; s++) {
        if (sigismember(&mask, s) == 1)
            say("blocked %d\n", s);
        /* glibc keeps 32 and 33 for itself: EINVAL */
        if (sigaction(s, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            say("not-default %d\n", s);
    }
}

static void credentials(void)
{
    gid_t groups[64];
    int n = getgroups(64, groups);

    say("uid %d %d\ngid %d %d\n", getuid(), geteuid(), getgid(), getegid());
    for (int i = 0; i < n; i++)
        say("group %d\n", groups[i]);
}

static void limits(void)
{
    struct rlimit limit;
    mode_t mask = umask(0);

    umask(mask);
    say("umask %04o\nnice %d\n", mask, getpriority(PRIO_PROCESS, 0));
    getrlimit(RLIMIT_NOFILE, &limit);
    say("nofile %lu %lu\n", (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
    getrlimit(RLIMIT_CORE, &limit);
    say("core %lu %lu\n", (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
    say("no_new_privileges %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

int main(void)
{
    char folder[4096];
    FCGX_Request r;

    descriptors();
    signals();
    credentials();
    limits();
    say("session %s\n", getsid(0) == getpid() && getpgrp() == getpid() ? "own" : "inherited");
    say("directory %s\n", getcwd(folder, sizeof folder));
    for (char **e = environ; *e; e++)
        say("env %s\n", *e);

    if (FCGX_Init() != 0 || FCGX_InitRequest(&r, 0, 0) != 0)
        return 1;
    while (FCGX_Accept_r(&r) == 0)
        FCGX_FPrintF(r.out, "Content-Type: text/plain\r\n\r\n%s", facts);
    return 0;
}
