/* roster.c: epode roster: the contacts, as the store has them. Changing them: contact.c. */
#include <stdio.h>

#include "cli.h"

static const char *subscription_name(epode_subscription s)
{
    static const char *const names[] = { "none", "to", "from", "both" };
    return names[s];
}

static json_t *contact_json(const epode_contact *c)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < c->group_count; i++)
        json_array_append_new(groups, json_string(c->groups[i]));
    return json_pack("{s:s,s:s?,s:s,s:b,s:b,s:o}", "jid", c->jid, "name", c->name, "subscription",
                     subscription_name(c->subscription), "ask", c->ask, "approved", c->approved, "groups", groups);
}

void cli_print_contact(const cli_options *o, const epode_contact *c)
{
    if (o->json) {
        cli_print_json(contact_json(c));
        return;
    }
    printf("%-4s  %s", subscription_name(c->subscription), c->jid);
    if (c->name)
        printf("  %s", c->name);
    for (size_t i = 0; i < c->group_count; i++)
        printf("%s%s", i ? ", " : "  [", c->groups[i]);
    printf("%s%s\n", c->group_count ? "]" : "", c->ask ? "  (asked)" : c->approved ? "  (approved)" : "");
}

static bool print_contact(const epode_contact *c, void *user)
{
    cli_print_contact(user, c);
    return true;
}

int cmd_roster(cli_options *o)
{
    int code = EXIT_USAGE;
    if (o->arg_count)
        return cli_change_roster(o);
    epode_store *store = cli_store(o, &code);
    if (!store)
        return code;
    epode_status st = epode_store_roster(store, print_contact, o);
    epode_store_close(store);
    return st < 0 ? cli_fail_text(o, st, "the store could not be read") : EXIT_OK;
}
