/* The event loop: listeners, links, control lines, signals. */
#include "program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINE 65536
#define MAX_EVENTS 64

struct listener {
    int fd;
    bool direct;
};

struct loop {
    struct srv *srv;
    const struct args *args;
    SSL_CTX *context;
    int epoll;
    struct listener listeners[2 * MAX_LISTEN];
    int listener_count;
    int ports[2]; /* by `direct` */
    struct link *links;
    struct srv_buf line;
    bool stop;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* Wall time that cannot jump: the clock at the first call plus what passed since. */
int64_t loop_now(void)
{
    static int64_t offset_us;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t monotonic_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    if (!offset_us) {
        clock_gettime(CLOCK_REALTIME, &now);
        offset_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - monotonic_us;
    }
    return monotonic_us + offset_us;
}

static int watch(struct loop *loop, int fd, void *data, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = data};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* ---- Listening ---- */

static socklen_t parse_address(const char *text, int port, struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        return sizeof *six;
    }
    return 0;
}

static int open_listener(struct loop *loop, const char *address, bool direct)
{
    struct sockaddr_storage name;
    int *port = &loop->ports[direct], one = 1;
    socklen_t len = parse_address(address, *port, &name);
    int fd = len ? socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (name.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    struct listener *listener = &loop->listeners[loop->listener_count];
    if (bind(fd, (struct sockaddr *)&name, len) != 0 || listen(fd, 512) != 0 ||
        watch(loop, fd, listener, EPOLLIN) != 0) {
        close(fd);
        return -1;
    }
    len = sizeof name;
    getsockname(fd, (struct sockaddr *)&name, &len);
    *port = ntohs(name.ss_family == AF_INET ? ((struct sockaddr_in *)&name)->sin_port
                                            : ((struct sockaddr_in6 *)&name)->sin6_port);
    listener->fd = fd;
    listener->direct = direct;
    loop->listener_count++;
    return 0;
}

static int listen_all(struct loop *loop)
{
    loop->ports[1] = loop->args->direct_port;
    loop->ports[0] = loop->args->starttls_port;
    for (int i = 0; i < loop->args->listens; i++) {
        for (int direct = 0; direct <= 1; direct++) {
            if (open_listener(loop, loop->args->listen[i], direct) == 0)
                continue;
            fprintf(stderr, "epode-testserver: cannot listen on %s: %s\n", loop->args->listen[i],
                    strerror(errno));
            return -1;
        }
    }
    return 0;
}

static void accept_all(struct loop *loop, const struct listener *listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (!loop->args->nagle)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct link *link = link_new(loop->srv, fd, listener->direct ? loop->context : NULL,
                                     loop->args->early_data, loop->args->rtt_ms * 500,
                                     loop_now());
        link->next = loop->links;
        loop->links = link;
        watch(loop, fd, link, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
}

/* ---- Control ---- */

static void command(struct loop *loop, const char *line)
{
    char *answer = srv_control(loop->srv, line, loop_now());
    puts(answer);
    fflush(stdout);
    free(answer);
    if (strcmp(line, "quit") == 0)
        loop->stop = true;
}

static void read_control(struct loop *loop)
{
    char data[4096], *end;
    ssize_t len = read(STDIN_FILENO, data, sizeof data);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) { /* nobody controls us any more; the server goes on */
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        return;
    }
    srv_buf_add(&loop->line, data, (size_t)len);
    while ((end = memchr(loop->line.data, '\n', loop->line.len))) {
        *end = '\0';
        size_t used = (size_t)(end - loop->line.data) + 1;
        command(loop, loop->line.data);
        srv_buf_drop(&loop->line, used);
        if (!loop->line.len)
            break;
    }
    if (loop->line.len > MAX_LINE)
        srv_buf_clear(&loop->line);
}

/* ---- Running ---- */

static void run_links(struct loop *loop)
{
    struct link **slot = &loop->links;
    int64_t now_us = loop_now();
    srv_tick(loop->srv, now_us);
    while (*slot) {
        struct link *link = *slot;
        link_run(link, loop->context, now_us);
        if (link->dead) {
            *slot = link->next;
            link_free(link, now_us);
        } else {
            slot = &link->next;
        }
    }
    /* A later link may have written to an earlier one: output must not wait for the next event. */
    for (struct link *link = loop->links; link; link = link->next)
        link_run(link, loop->context, now_us);
}

static struct timespec until_next(struct loop *loop)
{
    int64_t due = srv_deadline(loop->srv), now_us = loop_now();
    for (struct link *link = loop->links; link; link = link->next) {
        int64_t at = link->dead ? now_us : link_deadline(link);
        due = at < due ? at : due;
    }
    int64_t wait_us = due <= now_us ? 0 : due - now_us;
    if (wait_us > 60000000)
        wait_us = 60000000;
    return (struct timespec){.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
}

static void handle(struct loop *loop, const struct epoll_event *event)
{
    struct listener *listener = event->data.ptr;
    if (event->data.ptr == NULL)
        read_control(loop);
    else if (listener >= loop->listeners && listener < loop->listeners + 2 * MAX_LISTEN)
        accept_all(loop, listener);
    else
        link_readable(event->data.ptr, loop_now());
}

static void say_ready(const struct loop *loop, const char *ca_file)
{
    struct srv_buf text = {0};
    srv_buf_printf(&text, "{\"ready\":true,\"direct_tls\":%d,\"starttls\":%d,\"ca\":",
                   loop->ports[1], loop->ports[0]);
    srv_buf_json(&text, ca_file);
    srv_buf_puts(&text, ",\"domain\":");
    srv_buf_json(&text, loop->args->domain);
    srv_buf_puts(&text, ",\"dir\":");
    srv_buf_json(&text, loop->args->dir);
    srv_buf_printf(&text, ",\"pid\":%ld}", (long)getpid());
    puts(text.data);
    fflush(stdout);
    srv_buf_free(&text);
}

/* Signals are open only while we wait, so none can fall between the check and the wait. */
static void catch_signals(sigset_t *while_waiting)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, while_waiting);
    sigdelset(while_waiting, SIGTERM);
    sigdelset(while_waiting, SIGINT);
}

int loop_run(struct srv *srv, const struct args *args, SSL_CTX *context, const char *ca_file)
{
    struct loop loop = {.srv = srv, .args = args, .context = context};
    struct epoll_event events[MAX_EVENTS];
    sigset_t mask;
    catch_signals(&mask);
    loop.epoll = epoll_create1(EPOLL_CLOEXEC);
    int failed = loop.epoll < 0 || listen_all(&loop) != 0;
    if (!failed) {
        if (!isatty(STDIN_FILENO))
            watch(&loop, STDIN_FILENO, NULL, EPOLLIN); /* fails for files: then no control */
        say_ready(&loop, ca_file);
    }
    while (!failed && !loop.stop && !interrupted) {
        struct timespec wait = until_next(&loop);
        int count = epoll_pwait2(loop.epoll, events, MAX_EVENTS, &wait, &mask);
        for (int i = 0; i < count; i++)
            handle(&loop, &events[i]);
        run_links(&loop);
    }
    while (loop.links) {
        struct link *link = loop.links;
        loop.links = link->next;
        link_free(link, loop_now());
    }
    for (int i = 0; i < loop.listener_count; i++)
        close(loop.listeners[i].fd);
    if (loop.epoll >= 0)
        close(loop.epoll);
    srv_buf_free(&loop.line);
    return failed ? 1 : 0;
}
