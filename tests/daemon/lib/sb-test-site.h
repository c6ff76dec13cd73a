/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-site: a daemon with a few users, which most protocol tests begin with. */
#pragma once

#include "sb-test-http.h"
#include "sb-test-ws.h"

G_BEGIN_DECLS

/* A store in memory; the admin, alice (#sales), bob (#orders) and carol (#orders, #news). Their
 * passwords are alice-pw and so on. */
typedef struct
{
  SbTestDaemon *daemon; /* (owned) */
  SbTestHttp *admin;    /* (owned) */
  SbTestHttp *alice;    /* (owned) */
  SbTestHttp *bob;      /* (owned) */
  SbTestHttp *carol;    /* (owned) */
} SbTestSite;

/* Settings as for sb_test_daemon_run(); they win over the fixture's own. */
SbTestSite *sb_test_site_new (const char *setting, ...);
/* Makes admin and users of a daemon that has none. */
SbTestSite *sb_test_site_new_for (SbTestDaemon *daemon);
/* Starts the daemon again, on the same ports. */
void sb_test_site_restart (SbTestSite *self);
void sb_test_site_free (SbTestSite *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestSite, sb_test_site_free)

G_END_DECLS
