/* epode/epode.h: everything. */
#ifndef EPODE_EPODE_H
#define EPODE_EPODE_H

#include "epode/blocking.h"
#include "epode/client.h"
#include "epode/error.h"
#include "epode/event.h"
#include "epode/login.h"
#include "epode/loop.h"
#include "epode/presence.h"
#include "epode/resource.h"
#include "epode/bookmark.h"
#include "epode/room.h"
#include "epode/roster.h"
#include "epode/send.h"
#include "epode/service.h"
#include "epode/session.h"
#include "epode/store.h"

/* "0.1.0", of the library that is linked. */
EPODE_API const char *epode_version(void);

#endif
