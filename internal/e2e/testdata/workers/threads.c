/* C, libfcgi, four threads that take turns to accept, as its own example does. On
 * SIGTERM whoever waits in accept serves one more request or loses it. */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void *serve(void *unused)
{
    FCGX_Request r;

    (void)unused;
    FCGX_InitRequest(&r, 0, 0);
    for (;;) {
        pthread_mutex_lock(&turn);
        int got = FCGX_Accept_r(&r);
        pthread_mutex_unlock(&turn);
        if (got < 0)
            exit(0);
        const char *uri = FCGX_GetParam("REQUEST_URI", r.envp);
        const char *length = FCGX_GetParam("CONTENT_LENGTH", r.envp);

        if (!uri)
            uri = "/";
        FCGX_FPrintF(r.out, "Content-Type: application/octet-stream\r\nX-Pid: %d\r\n\r\n", getpid());
        if (strncmp(uri, "/mirror", 7) == 0) {
            int n = length ? atoi(length) : 0;
            char *body = malloc((size_t)n + 1);

            if (body)
                FCGX_PutStr(body, FCGX_GetStr(body, n, r.in), r.out);
            free(body);
        } else if (strncmp(uri, "/sleep?", 7) == 0) {
            usleep(1000 * (useconds_t)atol(strchr(uri, '=') + 1));
            FCGX_PutS("slept", r.out);
        } else {
            FCGX_FPrintF(r.out, "%d", getpid());
        }
        FCGX_Finish_r(&r);
    }
}

int main(void)
{
    pthread_t threads[4];

    if (FCGX_Init() != 0)
        return 1;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, serve, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
