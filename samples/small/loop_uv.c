/* loop_uv.c: epode in a loop of libuv. */
#include <uv.h>

#include "account.h"

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    if (event->type == EPODE_EV_SYNC && event->synced) {
        printf("synced\n");
        epode_client_stop(client, EPODE_STOP_CLOSE);
    } else if (event->type == EPODE_EV_STATE && event->state == EPODE_STOPPED) {
        uv_poll_stop(user);
    }
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    (void)status, (void)events;
    epode_client_process(handle->data);
}

int main(void)
{
    uv_poll_t handle;
    epode_client *client = account_client(on_event, &handle);
    if (!client)
        return 1;
    uv_poll_init(uv_default_loop(), &handle, epode_client_fd(client));
    handle.data = client;
    uv_poll_start(&handle, UV_READABLE, on_readable);
    epode_client_start(client);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&handle, NULL);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    epode_client_free(client);
    return 0;
}
