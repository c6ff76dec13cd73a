/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-http: an HTTP client that looks synchronous. It iterates the default
 * main context while it waits, with a deadline.
 */
#pragma once

#include "sb-test-daemon.h"
#include "sb-test-json.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct
{
  guint status;
  SoupMessageHeaders *headers; /* (owned) */
  char *body;                  /* (owned) ended by a NUL */
  gsize length;
  JsonNode *json; /* (owned) (nullable): the body, when it is JSON */
} SbTestAnswer;

void sb_test_answer_free (SbTestAnswer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestAnswer, sb_test_answer_free)

/* NULL when it is not there. */
const char *sb_test_answer_header (SbTestAnswer *self, const char *name);
/* The body, which must be an object. */
JsonObject *sb_test_answer_object (SbTestAnswer *self);
/* A member of the body; NULL when it is not there or no string. */
const char *sb_test_answer_string (SbTestAnswer *self, const char *member);

/* Fails with the body when the status is another one. */
#define sb_test_assert_status(answer, expected) \
  sb_test_check_status ((answer), (expected), __FILE__, __LINE__, G_STRFUNC)
void sb_test_check_status (SbTestAnswer *answer, guint status, const char *file, int line,
                           const char *function);
/* The same of a problem document: its type, its status and its reason. */
#define sb_test_assert_problem(answer, expected, reason) \
  sb_test_check_problem ((answer), (expected), (reason), __FILE__, __LINE__, G_STRFUNC)
void sb_test_check_problem (SbTestAnswer *answer, guint status, const char *reason,
                            const char *file, int line, const char *function);

/* A client of one port. It keeps connections open, as many as it has requests under way. */
typedef struct _SbTestHttp SbTestHttp;

/* @user: (nullable): without it the client asks as a stranger. */
SbTestHttp *sb_test_http_new (guint16 port, const char *user, const char *password);
/* A client of @daemon's HTTP port. */
SbTestHttp *sb_test_http_for (SbTestDaemon *daemon, const char *user, const char *password);
void sb_test_http_free (SbTestHttp *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestHttp, sb_test_http_free)
/* Speaks TLS from now on, and takes any certificate. */
void sb_test_http_use_tls (SbTestHttp *self);
/* The certificate of the last answer, over TLS. Returns: (transfer none) (nullable) */
GTlsCertificate *sb_test_http_get_certificate (SbTestHttp *self);
/* Logs in as somebody else from now on. */
void sb_test_http_set_user (SbTestHttp *self, const char *user, const char *password);

SbTestAnswer *sb_test_http_get (SbTestHttp *self, const char *path);
SbTestAnswer *sb_test_http_post (SbTestHttp *self, const char *path, const char *body);
SbTestAnswer *sb_test_http_postf (SbTestHttp *self, const char *path, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* @headers: (nullable): name, value, …, NULL. @length: -1 for a string. */
SbTestAnswer *sb_test_http_send (SbTestHttp *self, const char *method, const char *path,
                                 const char *const *headers, const char *body, gssize length);

/* The same without waiting. Every begin needs its end. */
typedef struct _SbTestExchange SbTestExchange;
SbTestExchange *sb_test_http_begin (SbTestHttp *self, const char *method, const char *path,
                                    const char *const *headers, const char *body, gssize length);
gboolean sb_test_http_is_done (SbTestExchange *exchange);
/* Waits for the answer. Returns: (transfer full) */
SbTestAnswer *sb_test_http_end (SbTestExchange *exchange);
/* Hangs up. */
void sb_test_http_abandon (SbTestExchange *exchange);

/* --- What nearly every test begins with --- */

/* Makes the first user, who is an admin, on /signup. Returns its client. */
SbTestHttp *sb_test_make_admin (SbTestDaemon *daemon);
#define SB_TEST_ADMIN "admin"
#define SB_TEST_ADMIN_PASSWORD "secret"
/* Makes users by a document of /put_users, which must work. */
void sb_test_put_users (SbTestHttp *admin, const char *json);
/* Makes users with these ids, whose passwords are the ids with "-pw" behind. One request. */
void sb_test_make_users (SbTestHttp *admin, const char *id, ...) G_GNUC_NULL_TERMINATED;
/* A client of a user made so. */
SbTestHttp *sb_test_http_as (SbTestDaemon *daemon, const char *id);
/* Sends @json, which must be taken. Returns its _id. */
char *sb_test_put (SbTestHttp *client, const char *json);
/* State of a delivery, from /status; NULL when there is no such message, or no such recipient.
 * @client: the sender or an admin. */
char *sb_test_get_state (SbTestHttp *client, const char *id, const char *recipient);
/* Asks /status until the delivery is in that state. */
void sb_test_wait_state (SbTestHttp *client, const char *id, const char *recipient,
                         const char *state);
/* Value of a metric of one line, without labels or with them as it is printed. */
double sb_test_get_metric (SbTestHttp *admin, const char *name);

G_END_DECLS
