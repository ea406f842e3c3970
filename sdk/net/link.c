/* link.c: the way up: TCP, what comes before TLS, the handshake; then bytes. */
#include "net/link.h"

#include <errno.h>
#include <string.h>

enum { READ_BYTES = 16 * 1024 + 1024, DISPATCH_BYTES = 64 * 1024 };

static void move_to(ep_link *link, ep_link_state state)
{
    link->state = state;
}

static bool is_alive(const ep_link *link)
{
    return link->state != EP_LINK_CLOSED && link->state != EP_LINK_IDLE;
}

static void fail(ep_link *link, const ep_error *error)
{
    const ep_error copy = *error;
    if (!is_alive(link))
        return;
    /* An alert says why, where the peer's log can show it. */
    if (link->tls && copy.status != EPODE_OK && link->state == EP_LINK_TLS)
        ep_tcp_write(link->watch.fd, ep_buf_ptr(ep_tls_out(link->tls)), ep_tls_out(link->tls)->len);
    ep_link_close(link);
    link->events->on_closed(link, &copy, link->user);
}

static void fail_errno(ep_link *link, int e, const char *what)
{
    ep_error error;
    ep_fail(&error, EPODE_ECONNECT, e, "%s: %s", what, strerror(e));
    fail(link, &error);
}

static void fail_memory(ep_link *link)
{
    ep_error error;
    ep_fail(&error, EPODE_ENOMEM, 0, "out of memory");
    fail(link, &error);
}

void ep_link_close(ep_link *link)
{
    if (link->state == EP_LINK_CLOSED)
        return;
    if (is_alive(link)) {
        ep_loop_unwatch(link->loop, &link->watch);
        ep_tcp_close(link->watch.fd);
    }
    move_to(link, EP_LINK_CLOSED);
    ep_job_cancel(&link->more);
    ep_job_cancel(&link->flush);
    ep_tls_free(link->tls);
    link->tls = NULL;
    if (link->talk)
        link->preface->free(link->talk);
    link->talk = NULL;
    ep_buf_wipe(&link->plain);
}

/* --- sending ------------------------------------------------------------------------- */

static unsigned wanted(const ep_link *link)
{
    if (link->state == EP_LINK_CONNECTING)
        return EP_WRITE;
    return (link->paused ? 0u : EP_READ) | (ep_link_backlog(link) ? EP_WRITE : 0u);
}

size_t ep_link_backlog(const ep_link *link)
{
    return link->plain.len + (link->tls ? ep_tls_out(link->tls)->len : 0);
}

/* One write for all there is: what comes before TLS, the handshake's flight, and data behind it. */
void ep_link_flush(ep_link *link)
{
    if (!is_alive(link) || link->state == EP_LINK_CONNECTING)
        return;
    ep_buf *out = &link->plain;
    if (link->tls && out->len) {
        ep_buf *tls = ep_tls_out(link->tls);
        ep_buf_add(out, ep_buf_ptr(tls), tls->len);
        if (out->failed) {
            fail_memory(link);
            return;
        }
        ep_buf_consume(tls, tls->len);
    } else if (link->tls) {
        out = ep_tls_out(link->tls);
    }
    size_t sent = 0;
    while (out->len > 0) {
        ssize_t n = ep_tcp_write(link->watch.fd, ep_buf_ptr(out), out->len);
        if (n == -EAGAIN)
            break;
        if (n < 0) {
            fail_errno(link, (int)-n, "the connection was cut");
            return;
        }
        ep_buf_consume(out, (size_t)n);
        sent += (size_t)n;
    }
    link->timeline.bytes_out += sent;
    if (link->watch.on)
        ep_loop_rewatch(link->loop, &link->watch, wanted(link));
    if (link->state == EP_LINK_ENDING && !ep_link_backlog(link))
        ep_tcp_end(link->watch.fd);
    if (sent)
        link->events->on_sent(link, link->user);
}

static void flush_later(ep_job *job, void *user)
{
    (void)job;
    ep_link_flush(user);
}

epode_status ep_link_write(ep_link *link, const void *data, size_t n)
{
    if (link->state != EP_LINK_UP)
        return EPODE_ESTATE;
    epode_status status = ep_tls_write(link->tls, data, n, NULL);
    if (status == EPODE_OK)
        ep_loop_defer(link->loop, &link->flush);
    return status;
}

void ep_link_goodbye(ep_link *link)
{
    if (link->state != EP_LINK_UP)
        return;
    ep_tls_goodbye(link->tls);
    link->said_goodbye = true;
    move_to(link, EP_LINK_ENDING);
    ep_link_flush(link);
}

void ep_link_pause(ep_link *link, bool paused)
{
    if (!is_alive(link) || link->paused == paused)
        return;
    link->paused = paused;
    if (!link->watch.on && !paused) /* it hung up meanwhile, see ready() */
        ep_loop_watch(link->loop, &link->watch, link->watch.fd, wanted(link));
    ep_loop_rewatch(link->loop, &link->watch, wanted(link));
    if (!paused)
        ep_loop_next(link->loop, &link->more);
}

/* --- receiving ----------------------------------------------------------------------- */

/* What is there, up to a limit, into the buffer. False: the link is gone. */
static bool receive(ep_link *link, ep_buf *in)
{
    if (link->ended || link->drained)
        return true;
    if (!ep_buf_reserve(in, READ_BYTES)) {
        fail_memory(link);
        return false;
    }
    ssize_t n = ep_tcp_read(link->watch.fd, in->data + in->head + in->len, READ_BYTES);
    if (n < 0 && n != -EAGAIN) {
        fail_errno(link, (int)-n, "the connection was cut");
        return false;
    }
    if (n == 0) {
        link->ended = true;
        if (link->tls)
            ep_tls_in_ended(link->tls);
    }
    if (n < READ_BYTES)
        link->drained = true; /* until the descriptor is readable again */
    if (n > 0) {
        in->len += (size_t)n;
        link->timeline.bytes_in += (uint64_t)n;
        if (link->hurry)
            ep_tcp_acknowledge(link->watch.fd);
    }
    return true;
}

/* --- the way up ---------------------------------------------------------------------- */

/* False: it failed, and is closed. */
static bool send_early(ep_link *link)
{
    ep_error error;
    ep_buf data = EP_BUF_INIT;
    const size_t room = ep_tls_early_room(link->tls);
    epode_status status = EPODE_OK;
    if (room)
        link->events->on_early(link, room, &data, link->user);
    if (is_alive(link) && data.len) {
        status = ep_tls_write_early(link->tls, ep_buf_ptr(&data), data.len, &error);
        link->early = status == EPODE_OK;
    }
    ep_buf_wipe(&data);
    if (status == EPODE_ESTATE)
        status = ep_fail(&error, status, 0, "more early data than the server takes");
    if (status != EPODE_OK)
        fail(link, &error);
    return is_alive(link);
}

static void start_tls(ep_link *link)
{
    ep_error error;
    link->events->on_progress(link, link->user);
    if (!is_alive(link))
        return;
    epode_status status = link->events->make_tls(link, &link->tls, link->user, &error);
    if (status != EPODE_OK) {
        fail(link, &error);
        return;
    }
    link->timeline.tls_start_us = ep_loop_now_us(link->loop);
    link->timeline.preface_bytes_in = link->timeline.bytes_in;
    link->timeline.preface_bytes_out = link->timeline.bytes_out;
    if (!link->talk)
        move_to(link, EP_LINK_TLS);
    if (!send_early(link))
        return;
    status = ep_tls_handshake(link->tls, &error);
    if (status != EPODE_AGAIN)
        fail(link, &error);
}

static void start_preface(ep_link *link)
{
    move_to(link, EP_LINK_PREFACE);
    link->talk = link->preface ? link->preface->open(link->preface_user) : NULL;
    if (!link->talk) {
        fail_memory(link);
        return;
    }
    int r = link->preface->start(link->talk, &link->plain, link->preface_user);
    if (r < 0 || link->plain.failed)
        fail_memory(link);
    else if (r == EPODE_DONE)
        start_tls(link); /* the ClientHello rides along: what is waited for is TLS's */
    else
        link->timeline.waits.preface += link->plain.len > 0;
}

static void tcp_up(ep_link *link)
{
    const int e = ep_tcp_error(link->watch.fd);
    if (e) {
        fail_errno(link, e, "no connection");
        return;
    }
    link->timeline.tcp_us = ep_loop_now_us(link->loop);
    link->timeline.waits.tcp = 1;
    if (link->direct)
        start_tls(link);
    else
        start_preface(link);
    ep_link_flush(link);
}

/* Feeds what came before TLS; what stands behind goes to TLS and the rest is forgotten. */
static void feed_preface(ep_link *link, ep_buf *in)
{
    ep_error error;
    size_t consumed = 0, said = link->plain.len;
    ep_error_clear(&error);
    epode_status status =
        link->preface->feed(link->talk, ep_buf_ptr(in), in->len, &consumed, &link->plain, &error);
    ep_buf_consume(in, consumed < in->len ? consumed : in->len);
    if (status == EPODE_AGAIN && link->ended)
        status = ep_fail(&error, EPODE_ECONNECT, 0, "the connection was cut before TLS");
    if (status < 0 || link->plain.failed) {
        if (link->plain.failed || !error.status)
            ep_fail(&error, status < 0 ? status : EPODE_ENOMEM, 0, "no STARTTLS");
        fail(link, &error);
        return;
    }
    link->timeline.waits.preface += status == EPODE_AGAIN && link->plain.len > said;
    if (status != EPODE_OK)
        return;
    link->preface->free(link->talk);
    link->talk = NULL;
    if (link->tls)
        move_to(link, EP_LINK_TLS);
    else
        start_tls(link);
}

static void read_preface(ep_link *link)
{
    ep_buf in = EP_BUF_INIT;
    if (receive(link, &in)) {
        if (in.len || link->ended)
            feed_preface(link, &in);
        if (link->state == EP_LINK_TLS) {
            ep_buf_add(ep_tls_in(link->tls), ep_buf_ptr(&in), in.len);
            if (link->ended)
                ep_tls_in_ended(link->tls);
        }
        ep_link_flush(link);
    }
    ep_buf_free(&in);
}

static void shake_hands(ep_link *link)
{
    ep_error error;
    epode_status status = ep_tls_handshake(link->tls, &error);
    if (status < 0) {
        fail(link, &error);
        return;
    }
    if (status == EPODE_OK) {
        link->timeline.tls_us = ep_loop_refresh(link->loop);
        link->timeline.waits.tls = ep_tls_waits(link->tls);
        move_to(link, EP_LINK_UP);
        /* The owner writes behind our Finished, and both leave in one segment, when all that came with the peer's
         * was read: it may have said already what would be waited for (XEP-0305, 5). */
        link->events->on_up(link, link->user);
        if (is_alive(link))
            ep_loop_defer(link->loop, &link->flush);
        return;
    }
    ep_link_flush(link);
}

/* --- data ---------------------------------------------------------------------------- */

/* Decrypts and tells; false: nothing more for now, or the link is gone. */
static bool read_data(ep_link *link)
{
    char block[READ_BYTES];
    size_t n, room = DISPATCH_BYTES - link->told;
    ep_error error;
    ep_error_clear(&error);
    epode_status status =
        ep_tls_read(link->tls, block, room < sizeof block ? room : sizeof block, &n, &error);
    if (status != EPODE_OK && ep_tls_has_ticket(link->tls)) /* they come without data, too, or right before the end */
        link->events->on_data(link, block, 0, link->user);
    if (status == EPODE_AGAIN || !is_alive(link))
        return false;
    if (status != EPODE_OK) { /* DONE leaves the error empty: the peer said goodbye */
        fail(link, &error);
        return false;
    }
    link->told += n;
    link->events->on_data(link, block, n, link->user);
    return is_alive(link) && !link->paused;
}

static void work_up(ep_link *link)
{
    if (link->told_turn != ep_loop_turn(link->loop)) {
        link->told_turn = ep_loop_turn(link->loop);
        link->told = 0;
    }
    while (link->told < DISPATCH_BYTES) {
        if (read_data(link))
            continue;
        if (!is_alive(link) || link->paused || link->ended || link->drained ||
            !receive(link, ep_tls_in(link->tls)))
            return;
    }
    ep_loop_next(link->loop, &link->more);
}

static void work(ep_link *link)
{
    if (link->state == EP_LINK_PREFACE)
        read_preface(link);
    while (link->state == EP_LINK_TLS) {
        const bool could = !link->drained && !link->ended;
        if (!receive(link, ep_tls_in(link->tls)))
            return;
        shake_hands(link);
        if (!could && link->state == EP_LINK_TLS)
            return;
    }
    if ((link->state == EP_LINK_UP || link->state == EP_LINK_ENDING) && !link->paused)
        work_up(link);
}

static void do_more(ep_job *job, void *user)
{
    (void)job;
    work(user);
}

static void ready(ep_watch *watch, unsigned events, void *user)
{
    ep_link *link = user;
    if (link->state == EP_LINK_CONNECTING) {
        tcp_up(link);
        return;
    }
    if (events & EP_WRITE)
        ep_link_flush(link);
    if (!is_alive(link) || !(events & (EP_READ | EP_HANGUP)))
        return;
    if (link->paused) {
        /* A hang-up cannot be left unwatched otherwise; what came before it is read later. */
        if (events & EP_HANGUP)
            ep_loop_unwatch(link->loop, watch);
        link->drained = false;
        return;
    }
    link->drained = false;
    work(link);
}

int ep_link_connect(ep_link *link, ep_loop *loop, const ep_address *address, uint16_t port,
                    const ep_tcp_options *options)
{
    link->loop = loop;
    link->hurry = true;
    link->drained = true;
    link->watch = (ep_watch){ .ready = ready, .user = link };
    link->more = (ep_job){ .run = do_more, .user = link };
    link->flush = (ep_job){ .run = flush_later, .user = link };
    link->timeline.tcp_start_us = ep_loop_now_us(loop);
    int fd = ep_tcp_connect(address, port, options);
    if (fd < 0) {
        move_to(link, EP_LINK_CLOSED);
        return fd;
    }
    if (ep_loop_watch(loop, &link->watch, fd, EP_WRITE) != EPODE_OK) {
        ep_tcp_close(fd);
        move_to(link, EP_LINK_CLOSED);
        return -ENOMEM;
    }
    move_to(link, EP_LINK_CONNECTING);
    return 0;
}
