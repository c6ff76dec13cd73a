/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hostile-http: requests that no client makes. Each is refused or cut off, none is done. */

#include "hostile.h"

#include <string.h>

/* "user1:user1-pw" */
#define AUTHORIZATION "Authorization: Basic dXNlcjE6dXNlcjEtcHc=\r\n"
#define PUT "POST /put HTTP/1.1\r\nHost: h\r\n" AUTHORIZATION
#define MESSAGE "{\"to\":\"@user2\",\"message\":\"smuggled\"}"
#define MESSAGE_LENGTH "36"
#define SMUGGLED PUT "Content-Length: " MESSAGE_LENGTH "\r\n\r\n" MESSAGE

#define TEXT(literal) literal, sizeof literal - 1

/* Each is answered with 4xx or 5xx at most once, and the connection ends. */
static const struct
{
  const char *name;
  const char *bytes;
  gsize length;
} requests[] = {
  { "noise", TEXT ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n") },
  { "only line ends", TEXT ("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n") },
  { "one word", TEXT ("GET\r\n\r\n") },
  { "no version", TEXT ("GET /put\r\n\r\n") },
  { "version 9", TEXT ("GET / HTTP/9.9\r\nHost: h\r\n\r\n") },
  { "a lower-case version", TEXT ("GET / http/1.1\r\nHost: h\r\n\r\n") },
  { "NUL in the path", TEXT ("GET /\0/put HTTP/1.1\r\nHost: h\r\n\r\n") },
  { "NUL in a header", TEXT (PUT "X: a\0b\r\nContent-Length: " MESSAGE_LENGTH "\r\n\r\n" MESSAGE) },
  { "a negative length", TEXT (PUT "Content-Length: -1\r\n\r\n" MESSAGE) },
  { "a length with words", TEXT (PUT "Content-Length: 36 and more\r\n\r\n" MESSAGE) },
  { "a hexadecimal length", TEXT (PUT "Content-Length: 0x24\r\n\r\n" MESSAGE) },
  { "a length with a plus", TEXT (PUT "Content-Length: +36\r\n\r\n" MESSAGE) },
  { "an empty length", TEXT (PUT "Content-Length: \r\n\r\n" MESSAGE) },
  { "a length beyond 64 bits",
    TEXT (PUT "Content-Length: 99999999999999999999999999\r\n\r\n" MESSAGE) },
  { "a length of 2^63 - 1", TEXT (PUT "Content-Length: 9223372036854775807\r\n\r\n" MESSAGE) },
  { "two lengths",
    TEXT (PUT "Content-Length: 3\r\nContent-Length: " MESSAGE_LENGTH "\r\n\r\n" MESSAGE) },
  { "two lengths in one line", TEXT (PUT "Content-Length: 3, 36\r\n\r\n" MESSAGE) },
  { "length and chunks",
    TEXT (PUT "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED) },
  { "chunks and length",
    TEXT (PUT "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" SMUGGLED) },
  { "an unknown transfer coding",
    TEXT (PUT "Transfer-Encoding: zunked\r\nContent-Length: " MESSAGE_LENGTH "\r\n\r\n" MESSAGE) },
  { "chunked twice", TEXT (PUT "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" SMUGGLED) },
  { "identity behind chunked",
    TEXT (PUT
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" SMUGGLED) },
  { "a blank before the colon", TEXT (PUT "Content-Length : " MESSAGE_LENGTH "\r\n\r\n" MESSAGE) },
  { "chunked, after a tab", TEXT (PUT "Transfer-Encoding:\x0b"
                                      "chunked\r\n\r\n0\r\n\r\n" SMUGGLED) },
  { "a folded coding",
    TEXT (PUT "X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd") },
  { "chunks of no size", TEXT (PUT "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n") },
  { "chunks of negative size",
    TEXT (PUT "Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n") },
  { "chunks beyond 64 bits",
    TEXT (PUT "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n") },
  { "a chunk longer than it says",
    TEXT (PUT "Transfer-Encoding: chunked\r\n\r\n2\r\n" MESSAGE "\r\n0\r\n\r\n") },
  { "no chunk behind a good one",
    TEXT (PUT "Transfer-Encoding: chunked\r\n\r\n24\r\n" MESSAGE "\r\nzz\r\nabc\r\n0\r\n\r\n") },
  { "chunks cut off", TEXT (PUT "Transfer-Encoding: chunked\r\n\r\n24\r\n" MESSAGE "\r\n") },
  { "a body cut off", TEXT (PUT "Content-Length: 40\r\n\r\n" MESSAGE) },
  { "bare line feeds",
    TEXT ("POST /put HTTP/1.1\nHost: h\nAuthorization: Basic eDp5\nContent-Length: 2\n\n{}") },
  { "CONNECT", TEXT ("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") },
  { "an address of elsewhere",
    TEXT ("GET http://127.0.0.1:1/secret HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") },
  { "no host", TEXT ("GET /put HTTP/1.1\r\nConnection: close\r\n\r\n") },
  { "Basic without a colon", TEXT ("GET /get HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                                   "Authorization: Basic dXNlcjE=\r\n\r\n") },
  { "Basic that is no base64", TEXT ("GET /get HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                                     "Authorization: Basic %%%%\r\n\r\n") },
  { "Basic with a NUL", /* user1\0:user1-pw */
    TEXT ("GET /get HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
          "Authorization: Basic dXNlcjEAOnVzZXIxLXB3\r\n\r\n") },
  { "Basic with a NUL behind the password", /* user1:user1-pw\0x */
    TEXT ("GET /get HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
          "Authorization: Basic dXNlcjE6dXNlcjEtcHcAeA==\r\n\r\n") },
  { "Basic that is no UTF-8", /* \xff\xfe:\xff */
    TEXT ("GET /get HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
          "Authorization: Basic //46/w==\r\n\r\n") },
};

/* Paths that shall lead nowhere, for an admin. */
static const char *const paths[] = {
  "/status/%00",
  "/status/smuggled%00",
  "/status/..%2f..%2fetc%2fpasswd",
  "/status/../../../../etc/passwd",
  "/status/%ff%fe",
  "/status/%zz",
  "/status/%",
  "/status//",
  "/../etc/passwd",
  "/..%2f..%2fetc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "//put",
  "/get/",
  "/put%00",
  "/PUT",
  "/status/a;b?c=%00&d",
};

/* Counts the answers in what the bus sent; each must be an error. */
static guint
count_refusals (const char *name, const char *answers)
{
  guint n = 0;

  for (const char *p = strstr (answers, "HTTP/1."); p != NULL; p = strstr (p + 1, "HTTP/1."))
    {
      guint status = (guint) g_ascii_strtoull (p + strlen ("HTTP/1.1 "), NULL, 10);

      if (status < 400)
        hostile_fail ("%s: answered with %u", name, status);
      n++;
    }
  return n;
}

/* What is fetched once is not given again for the time of this test. */
static void
assert_not_smuggled (SbTestHttp *recipient, const char *name)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (recipient, "/get");

  if (strcmp (answer->body, "[]") != 0)
    hostile_fail ("%s: carried a message", name);
}

static void
refuses_odd_requests (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.confirm-timeout=300");
  g_autoptr (SbTestHttp) recipient = sb_test_http_as (hostile->daemon, "user2");

  for (gsize i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->http_port);
      g_autofree char *answers = NULL;

      sb_test_raw_send_data (raw, requests[i].bytes, requests[i].length);
      sb_test_raw_finish (raw);
      answers = sb_test_raw_read_all (raw);
      if (count_refusals (requests[i].name, answers) > 1)
        hostile_fail ("%s: answered twice: %s", requests[i].name, answers);
      assert_not_smuggled (recipient, requests[i].name);
    }
}

static void
leads_nowhere_by_odd_paths (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->http_port);
      /* admin:secret */
      g_autofree char *request = g_strdup_printf (
          "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
          "Authorization: Basic YWRtaW46c2VjcmV0\r\n\r\n",
          paths[i]);
      g_autofree char *answers = NULL;

      sb_test_raw_send (raw, request);
      answers = sb_test_raw_read_all (raw);
      if (count_refusals (paths[i], answers) != 1)
        hostile_fail ("%s: not answered once: %s", paths[i], answers);
      g_assert_null (strstr (answers, "root:"));
    }
}

static void
bounds_headers (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autofree char *line = g_strnfill (64 * 1024, 'h');

  /* 256 MiB of them: without a bound that would show. */
  for (guint kind = 0; kind < 2; kind++)
    {
      g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->http_port);
      guint n = 0;

      sb_test_raw_send (raw, "GET / HTTP/1.1\r\n");
      while (n < 4096 && (kind == 0 || (sb_test_raw_try_send (raw, "\r\nX: ", 5)))
             && sb_test_raw_try_send (raw, line, strlen (line)))
        n++;
      g_assert_cmpuint (n, <, 4096);
      hostile_serve_others (hostile);
    }
  hostile_assert_memory (hostile, 32);
}

static void
bounds_many_small_headers (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->http_port);
  g_autoptr (GString) lines = g_string_new (NULL);
  guint n = 0;

  while (lines->len < 60000)
    g_string_append (lines, "a:b\r\n");
  sb_test_raw_send (raw, "GET / HTTP/1.1\r\n");
  while (n < 1000 && sb_test_raw_try_send (raw, lines->str, lines->len))
    n++;
  g_assert_cmpuint (n, <, 1000);
  hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 32);
}

static void
refuses_a_body_before_it_comes (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->http_port);
  g_autofree char *answers = NULL;

  sb_test_raw_send (raw, PUT "Content-Length: 100000000000\r\n\r\n");
  answers = sb_test_raw_read_all (raw);
  g_assert_true (g_str_has_prefix (answers, "HTTP/1.1 413 "));
}

static void
refuses_chunks_without_end (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-message-size=1M");
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->http_port);
  g_autofree char *chunk = g_strnfill (65536, ' ');
  guint n = 0;

  sb_test_raw_send (raw, PUT "Transfer-Encoding: chunked\r\n\r\n");
  while (n < 1000 && sb_test_raw_try_send (raw, "10000\r\n", 7)
         && sb_test_raw_try_send (raw, chunk, 65536) && sb_test_raw_try_send (raw, "\r\n", 2))
    n++;
  g_assert_cmpuint (n, <, 1000);
  hostile_assert_memory (hostile, 32);
}

/* One byte a chunk: what each costs must not add up. */
static void
bounds_tiny_chunks (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-message-size=1M");
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->http_port);
  g_autoptr (GString) chunks = g_string_new (NULL);
  guint n = 0;

  while (chunks->len < 60000)
    g_string_append (chunks, "1\r\n \r\n");
  sb_test_raw_send (raw, PUT "Transfer-Encoding: chunked\r\n\r\n");
  while (n < 1000 && sb_test_raw_try_send (raw, chunks->str, chunks->len))
    n++;
  g_assert_cmpuint (n, <, 1000);
  hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 128);
}

/* Ten thousand requests written at once on one connection are answered, in bounded memory. */
static guint n_answers;

static void
count_answer (SbPeer *peer, guint status, const char *head, const char *body, gsize length,
              gpointer data)
{
  g_assert_cmpuint (status, ==, 200);
  n_answers++;
}

static void
answers_a_flood_of_pipelined_requests (void)
{
  static const SbPeerFuncs funcs = { .answer = count_answer };
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbPeer) peer = hostile_open (SB_PEER_HTTP, hostile->http_port, &funcs, NULL);

  for (guint i = 0; i < 10000; i++)
    sb_peer_send (peer, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", -1);
  sb_test_wait_count (&n_answers, 10000, "the answers");
  hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 32);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/hostile-http/refuses-odd-requests", refuses_odd_requests);
  g_test_add_func ("/hostile-http/leads-nowhere-by-odd-paths", leads_nowhere_by_odd_paths);
  g_test_add_func ("/hostile-http/bounds-headers", bounds_headers);
  g_test_add_func ("/hostile-http/bounds-many-small-headers", bounds_many_small_headers);
  g_test_add_func ("/hostile-http/refuses-a-body-before-it-comes", refuses_a_body_before_it_comes);
  g_test_add_func ("/hostile-http/refuses-chunks-without-end", refuses_chunks_without_end);
  g_test_add_func ("/hostile-http/bounds-tiny-chunks", bounds_tiny_chunks);
  g_test_add_func ("/hostile-http/answers-a-flood-of-pipelined-requests",
                   answers_a_flood_of_pipelined_requests);
  return g_test_run ();
}
