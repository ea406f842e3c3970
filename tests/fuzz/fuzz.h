/* fuzz.h: what the fuzzers share. Each has LLVMFuzzerTestOneInput(); without libFuzzer, driver.c calls it. */
#ifndef EP_FUZZ_H
#define EP_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The size of the next piece of a stream, as a byte of the input says: small ones are likelier. */
static inline size_t fuzz_piece(uint8_t choice, size_t left)
{
    size_t n = choice < 128 ? choice % 7u + 1 : choice < 220 ? (size_t)choice : left;
    return n < left ? n : left;
}

/* The input as a string of its own, so that reading behind its end is seen; the caller frees it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    MUST(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
