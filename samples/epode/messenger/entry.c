/* entry.c: one line of input that scrolls sideways. */
#include <form.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "messenger.h"

#define LONGEST 4000 /* characters */

struct entry {
    FORM *form;
    FIELD *fields[2];
    WINDOW *window;
};

/* What it holds, without the blanks that fill it up. */
static char *entry_text(entry *e)
{
    form_driver(e->form, REQ_VALIDATION);
    const char *text = e->fields[0] ? field_buffer(e->fields[0], 0) : "";
    size_t n = text ? strlen(text) : 0;
    while (n && text[n - 1] == ' ')
        n--;
    return strndup(text ? text : "", n);
}

static void entry_drop(entry *e)
{
    if (e->form) {
        unpost_form(e->form);
        free_form(e->form);
    }
    if (e->fields[0])
        free_field(e->fields[0]);
    if (e->window)
        delwin(e->window);
    *e = (entry){ 0 };
}

entry *entry_new(void)
{
    return calloc(1, sizeof(entry));
}

void entry_free(entry *e)
{
    if (e)
        entry_drop(e);
    free(e);
}

void entry_place(entry *e, int y, int x, int width)
{
    char *text = e->form ? entry_text(e) : NULL;
    entry_drop(e);
    e->window = newwin(1, width, y, x);
    e->fields[0] = new_field(1, width, 0, 0, 0, 0);
    if (e->fields[0]) {
        field_opts_off(e->fields[0], O_STATIC | O_AUTOSKIP | O_BLANK);
        set_max_field(e->fields[0], LONGEST);
        e->form = new_form(e->fields);
    }
    if (e->form && e->window) {
        set_form_win(e->form, e->window);
        set_form_sub(e->form, e->window);
        post_form(e->form);
        if (text && *text)
            set_field_buffer(e->fields[0], 0, text);
        form_driver(e->form, REQ_END_LINE);
    }
    free(text);
}

void entry_key(entry *e, bool is_function, wint_t key)
{
    static const struct {
        wint_t key;
        int request;
    } rows[] = {
        { KEY_LEFT, REQ_PREV_CHAR },   { KEY_RIGHT, REQ_NEXT_CHAR },  { KEY_HOME, REQ_BEG_LINE },
        { KEY_END, REQ_END_LINE },     { KEY_BACKSPACE, REQ_DEL_PREV }, { KEY_DC, REQ_DEL_CHAR },
    };
    static const struct {
        wint_t key;
        int request;
    } controls[] = { { 1, REQ_BEG_LINE }, { 5, REQ_END_LINE },  { 8, REQ_DEL_PREV }, { 127, REQ_DEL_PREV },
                     { 11, REQ_CLR_EOL }, { 23, REQ_DEL_WORD }, { 21, REQ_CLR_FIELD } };
    if (!e->form)
        return;
    for (size_t i = 0; is_function && i < sizeof rows / sizeof *rows; i++)
        if (rows[i].key == key)
            form_driver(e->form, rows[i].request);
    for (size_t i = 0; !is_function && i < sizeof controls / sizeof *controls; i++)
        if (controls[i].key == key)
            form_driver(e->form, controls[i].request);
    if (!is_function && key >= 32 && key != 127)
        form_driver_w(e->form, OK, (wchar_t)key);
}

char *entry_take(entry *e)
{
    char *text = e->form ? entry_text(e) : strdup("");
    if (e->form)
        form_driver(e->form, REQ_CLR_FIELD);
    return text;
}

void entry_focus(entry *e)
{
    if (!e->form)
        return;
    pos_form_cursor(e->form);
    touchwin(e->window); /* what lies below was drawn anew */
    wnoutrefresh(e->window);
}
