/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-site: the fixture of most protocol tests. */

#include "sb-test-site.h"

SbTestSite *
sb_test_site_new_for (SbTestDaemon *daemon)
{
  SbTestSite *self = g_new0 (SbTestSite, 1);

  self->daemon = daemon;
  self->admin = sb_test_make_admin (daemon);
  sb_test_put_users (
      self->admin, "[{\"_id\":\"alice\",\"password\":\"alice-pw\",\"tags\":[\"sales\"]},"
                   "{\"_id\":\"bob\",\"password\":\"bob-pw\",\"tags\":[\"orders\"]},"
                   "{\"_id\":\"carol\",\"password\":\"carol-pw\",\"tags\":[\"orders\",\"news\"]}]");
  self->alice = sb_test_http_as (daemon, "alice");
  self->bob = sb_test_http_as (daemon, "bob");
  self->carol = sb_test_http_as (daemon, "carol");
  return self;
}

SbTestSite *
sb_test_site_new (const char *setting, ...)
{
  SbTestDaemon *daemon = sb_test_daemon_new ();
  va_list args;

  sb_test_daemon_set (daemon, "bus.store=memory");
  va_start (args, setting);
  for (; setting != NULL; setting = va_arg (args, const char *))
    sb_test_daemon_set (daemon, "%s", setting);
  va_end (args);
  sb_test_daemon_start (daemon);
  return sb_test_site_new_for (daemon);
}

void
sb_test_site_restart (SbTestSite *self)
{
  sb_test_daemon_restart (self->daemon, TRUE);
}

void
sb_test_site_free (SbTestSite *self)
{
  sb_test_http_free (self->carol);
  sb_test_http_free (self->bob);
  sb_test_http_free (self->alice);
  sb_test_http_free (self->admin);
  sb_test_daemon_free (self->daemon);
  g_free (self);
}
