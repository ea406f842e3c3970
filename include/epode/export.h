/* epode/export.h: what the shared library shows. */
#ifndef EPODE_EXPORT_H
#define EPODE_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define EPODE_API __attribute__((visibility("default")))
#else
#define EPODE_API
#endif

#endif
