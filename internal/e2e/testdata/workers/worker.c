/* The C worker, on libfcgi; see the README beside it. */
#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The whole body first: nginx does not read the answer while it still sends. */
static void mirror(FCGX_Request *r)
{
    const char *length = FCGX_GetParam("CONTENT_LENGTH", r->envp);
    int n = length ? atoi(length) : 0;
    char *body = malloc((size_t)n + 1);

    if (body)
        FCGX_PutStr(body, FCGX_GetStr(body, n, r->in), r->out);
    free(body);
}

static void bytes(FCGX_Request *r, long left)
{
    char block[256];

    for (int i = 0; i < 256; i++)
        block[i] = (char)i;
    for (; left > 0; left -= 256)
        FCGX_PutStr(block, left < 256 ? (int)left : 256, r->out);
}

/* With the argument --broken it answers everything with an error, with --crash it
 * dies of everything. */
int main(int argc, char **argv)
{
    FCGX_Request r;
    int crash = argc > 1 && strcmp(argv[1], "--crash") == 0;
    const char *status = argc > 1 && strcmp(argv[1], "--broken") == 0 ? "Status: 500 Internal Server Error\r\n" : "";

    if (FCGX_Init() != 0 || FCGX_InitRequest(&r, 0, 0) != 0)
        return 1;
    while (FCGX_Accept_r(&r) == 0) {
        const char *uri = FCGX_GetParam("REQUEST_URI", r.envp);
        const char *value = uri ? strchr(uri, '=') : NULL;

        if (crash)
            abort();
        if (!uri)
            uri = "/";
        value = value ? value + 1 : "";
        FCGX_FPrintF(r.out, "%sContent-Type: application/octet-stream\r\nX-Pid: %d\r\n\r\n", status, getpid());
        if (strncmp(uri, "/mirror", 7) == 0) {
            mirror(&r);
        } else if (strncmp(uri, "/bytes?", 7) == 0) {
            bytes(&r, atol(value));
        } else if (strncmp(uri, "/sleep?", 7) == 0) {
            usleep(1000 * (useconds_t)atol(value));
            FCGX_PutS("slept", r.out);
        } else if (strncmp(uri, "/log?", 5) == 0) {
            fprintf(stderr, "%s\n", value);
            FCGX_PutS("logged", r.out);
        } else {
            FCGX_FPrintF(r.out, "%d", getpid());
        }
    }
    return 0;
}
