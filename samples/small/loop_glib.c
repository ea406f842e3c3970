/* loop_glib.c: epode in a GLib main loop, as GTK applications have one. */
#include <glib-unix.h>

#include "account.h"

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    if (event->type == EPODE_EV_SYNC && event->synced) {
        printf("synced\n");
        epode_client_stop(client, EPODE_STOP_CLOSE);
    } else if (event->type == EPODE_EV_STATE && event->state == EPODE_STOPPED) {
        g_main_loop_quit(user);
    }
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer client)
{
    (void)fd, (void)condition;
    epode_client_process(client);
    return G_SOURCE_CONTINUE;
}

int main(void)
{
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    epode_client *client = account_client(on_event, loop);
    if (client) {
        guint source = g_unix_fd_add(epode_client_fd(client), G_IO_IN, on_readable, client);
        epode_client_start(client);
        g_main_loop_run(loop);
        g_source_remove(source);
        epode_client_free(client);
    }
    g_main_loop_unref(loop);
    return client ? 0 : 1;
}
