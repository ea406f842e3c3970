/* account.h: who logs in, and where, from the environment; what these samples share, so that each shows one thing.
 *
 *   EPODE_JID, EPODE_PASSWORD, EPODE_STORE (a file; none: in memory)
 *   EPODE_HOST, EPODE_PORT, EPODE_CA: in place of DNS and of the system's authorities */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <epode/epode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline epode_client *account_client(void (*on_event)(epode_client *, const epode_event *, void *), void *user)
{
    epode_client *client;
    epode_options options = EPODE_OPTIONS_INIT;
    char why[200];
    const char *port = getenv("EPODE_PORT");
    options.jid = getenv("EPODE_JID");
    options.password = getenv("EPODE_PASSWORD");
    options.store_path = getenv("EPODE_STORE");
    options.host = getenv("EPODE_HOST");
    options.port = port ? (uint16_t)strtoul(port, NULL, 10) : 0;
    options.ca_file = getenv("EPODE_CA");
    options.on_event = on_event;
    options.user = user;
    if (epode_client_new(&client, &options, why, sizeof why) == EPODE_OK)
        return client;
    fprintf(stderr, "%s (EPODE_JID, EPODE_PASSWORD and EPODE_STORE say who)\n", why);
    return NULL;
}

#endif
