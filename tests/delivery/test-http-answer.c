/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-http-answer: answers whole and in pieces, odd ones and hostile ones. */

#include "sb-http-answer.h"
#include "sb-test.h"

#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"

/* An answer in a few words: "200 done reusable 'text'", "garbage". */
static char *
describe (SbHttpAnswer *answer)
{
  static const char *const states[] = { "head", "body", "done", "garbage" };

  g_assert_cmpint (answer->state == SB_HTTP_ANSWER_GARBAGE, ==, answer->fault != NULL);
  if (answer->state == SB_HTTP_ANSWER_HEAD || answer->state == SB_HTTP_ANSWER_GARBAGE)
    return g_strdup (states[answer->state]);
  return g_strdup_printf ("%u %s%s '%.*s'%s", answer->status, states[answer->state],
                          answer->is_reusable ? " reusable" : "", (int) answer->text_length,
                          answer->text, answer->retry_after);
}

static gboolean
is_under_way (SbHttpAnswer *answer)
{
  return answer->state == SB_HTTP_ANSWER_HEAD || answer->state == SB_HTTP_ANSWER_BODY;
}

/* Gives the answer in pieces that end at @first, @second and the end. What is left when it is over
 * would be seen as input that nobody asked for. */
static char *
read_split (SbHttpAnswer *answer, const char *text, gsize length, gsize first, gsize second)
{
  const gsize ends[] = { first, second, length };
  gsize at = 0;

  sb_http_answer_reset (answer);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      /* In memory of its own, so that a look beyond its end is seen. */
      g_autofree char *piece = g_memdup2 (text + at, ends[i] - at);

      if (ends[i] > at && is_under_way (answer))
        sb_http_answer_feed (answer, piece, ends[i] - at);
      else if (ends[i] > at)
        answer->is_reusable = FALSE;
      at = ends[i];
    }
  return describe (answer);
}

static const struct
{
  const char *text;
  const char *expected;
} answers[] = {
  { OK "Content-Length: 2\r\n\r\nhi", "200 done reusable 'hi'" },
  { OK "content-LENGTH:2  \r\n\r\nhi", "200 done reusable 'hi'" },
  { OK "Content-Length: 0\r\n\r\n", "200 done reusable ''" },
  { OK "Content-Length: 3\r\n\r\nhi", "200 body 'hi'" },
  { OK "\r\n", "200 body ''" },
  { OK "\r\nuntil it closes", "200 body 'until it closes'" },
  { OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\n yo\r\n0\r\n\r\n",
    "200 done reusable 'hi yo'" },
  { OK "Transfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "200 done reusable 'hi'" },
  { "HTTP/1.1 204 No Content\r\n\r\n", "204 done reusable ''" },
  { "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "204 done reusable ''" },
  { "HTTP/1.1 304 Not Modified\r\n\r\n", "304 done reusable ''" },
  { "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 done reusable ''" },
  { "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 done reusable ''" },
  { "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "200 done reusable 'hi'" },
  { "HTTP/1.9 200 OK\r\nContent-Length: 0\r\n\r\n", "200 done reusable ''" },
  { "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 2\r\n\r\nhi", "200 done reusable 'hi'" },
  { "HTTP/1.1 103 Early Hints\r\nLink: x\r\nRetry-After: 9\r\n\r\n" OK "Content-Length: 0\r\n\r\n",
    "200 done reusable ''" },
  { "HTTP/1.1 102 Processing\r\n\r\n", "102 done ''" },
  { "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 done 'hi'" },
  { "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    "200 done reusable 'hi'" },
  { OK "Connection: close\r\nContent-Length: 2\r\n\r\nhi", "200 done 'hi'" },
  { OK "Connection: foo, Close\r\nContent-Length: 0\r\n\r\n", "200 done ''" },
  { OK "Connection: closed\r\nContent-Length: 0\r\n\r\n", "200 done reusable ''" },
  { "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 4\r\n\r\nbusy",
    "503 done reusable 'busy'120" },
  { OK "X: \t a\tb \t\r\nContent-Length: 0\r\n\r\n", "200 done reusable ''" },
  { OK "X: \xc3\xa4\r\nContent-Length: 0\r\n\r\n", "200 done reusable ''" },
  { OK "X:\r\nContent-Length: 0\r\n\r\n", "200 done reusable ''" },
  /* More than was asked for */
  { OK "Content-Length: 2\r\n\r\nhigh", "200 done 'hi'" },
  { OK "Content-Length: 0\r\n\r\n" OK "Content-Length: 0\r\n\r\n", "200 done ''" },
  /* A body that is broken: the head counts */
  { OK "Transfer-Encoding: chunked\r\n\r\nx\r\n", "200 done ''" },
  { OK "Transfer-Encoding: chunked\r\n\r\n\r\n", "200 done ''" },
  { OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n", "200 done ''" },
  { OK "Transfer-Encoding: chunked\r\n\r\n2x\r\nhi\r\n", "200 done ''" },
  { OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhigh\r\n", "200 done 'hi'" },
  { OK "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", "200 done ''" },
  { OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX\x01: 1\r\n\r\n", "200 done 'hi'" },
  /* No answers */
  { "\r\n", "garbage" },
  { "hello\r\n", "garbage" },
  { "HTTP/2 200 OK\r\n", "garbage" },
  { "HTTP/2.0 200 OK\r\n", "garbage" },
  { "http/1.1 200 OK\r\n", "garbage" },
  { "ICY 200 OK\r\n", "garbage" },
  { "HTTP/1.1  200 OK\r\n", "garbage" },
  { "HTTP/1.1 20 OK\r\n", "garbage" },
  { "HTTP/1.1 2000 OK\r\n", "garbage" },
  { "HTTP/1.1 200OK\r\n", "garbage" },
  { "HTTP/1.1 099 X\r\n", "garbage" },
  { "HTTP/1.1 600 X\r\n", "garbage" },
  { "HTTP/1.1 101 Switching Protocols\r\n", "garbage" },
  { "SSH-2.0-OpenSSH_9.2\r\n", "garbage" },
  { OK "no colon\r\n", "garbage" },
  { OK ": no name\r\n", "garbage" },
  { OK "X : space\r\n", "garbage" },
  { OK "X: a\r\n folded\r\n", "garbage" },
  { OK "X: a\r\n\tfolded\r\n", "garbage" },
  { OK "X: a\rb\r\n", "garbage" },
  { OK "X: a\x01\r\n", "garbage" },
  { OK "X\x7f: a\r\n", "garbage" },
  { OK "X\xc3\xa4: a\r\n", "garbage" },
  { OK "Content-Length: 2\r\nContent-Length: 2\r\n", "garbage" },
  { OK "Content-Length: 2\r\nContent-Length: 3\r\n", "garbage" },
  { OK "Content-Length: 2, 2\r\n", "garbage" },
  { OK "Content-Length: -2\r\n", "garbage" },
  { OK "Content-Length: +2\r\n", "garbage" },
  { OK "Content-Length: 0x2\r\n", "garbage" },
  { OK "Content-Length:\r\n", "garbage" },
  { OK "Content-Length: 9999999999999999999999\r\n", "garbage" },
  { OK "Transfer-Encoding: gzip, chunked\r\n", "garbage" },
  { OK "Transfer-Encoding: identity\r\n", "garbage" },
  { OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "garbage" },
  { OK "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", "garbage" },
  { OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "garbage" },
  { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n", "garbage" },
};

static void
test_is_the_same_however_it_is_cut (void)
{
  g_auto (SbHttpAnswer) answer = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      gsize length = strlen (answers[i].text);

      for (gsize first = 0; first <= length; first++)
        for (gsize second = first; second <= length; second++)
          {
            g_autofree char *result = read_split (&answer, answers[i].text, length, first, second);

            if (strcmp (result, answers[i].expected) != 0)
              g_error ("%s: cut at %zu and %zu it is %s, not %s", answers[i].text, first, second,
                       result, answers[i].expected);
          }
    }
}

static void
test_takes_no_nul_in_its_head (void)
{
  static const char text[] = OK "X: a\0b\r\nContent-Length: 0\r\n\r\n";
  g_auto (SbHttpAnswer) answer = { 0 };
  g_autofree char *result = read_split (&answer, text, sizeof text - 1, 0, 0);

  g_assert_cmpstr (result, ==, "garbage");
}

static void
test_says_what_a_cut_leaves (void)
{
  static const char text[] = OK "Content-Length: 5\r\n\r\nhello";
  gsize head = strlen (OK "Content-Length: 5\r\n\r\n");
  g_auto (SbHttpAnswer) answer = { 0 };

  for (gsize length = 0; length < sizeof text - 1; length++)
    {
      g_autofree char *result = read_split (&answer, text, length, length / 2, length);

      sb_http_answer_end (&answer);
      g_assert_cmpint (answer.state, ==,
                       length < head ? SB_HTTP_ANSWER_GARBAGE : SB_HTTP_ANSWER_DONE);
      g_assert_false (answer.is_reusable);
    }
}

/* Feeds @piece until the answer is over or @max bytes were taken. Returns how many were. */
static gsize
feed_for_ever (SbHttpAnswer *answer, const char *piece, gsize max)
{
  gsize fed = 0;

  while (is_under_way (answer) && fed < max)
    {
      sb_http_answer_feed (answer, piece, strlen (piece));
      fed += strlen (piece);
    }
  return fed;
}

static void
test_bounds_the_head (void)
{
  /* How it begins, and how it goes on. */
  static const char *const endless[][2] = {
    { "", "x" },
    { "", "HTTP/1.1 100 Continue\r\n\r\n" },
    { OK, "X: yyyyyyyyyy\r\n" },
    { OK "X: ", "y" },
  };
  g_auto (SbHttpAnswer) answer = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (endless); i++)
    {
      sb_http_answer_reset (&answer);
      sb_http_answer_feed (&answer, endless[i][0], strlen (endless[i][0]));
      g_assert_cmpuint (feed_for_ever (&answer, endless[i][1], 4 * SB_HTTP_MAX_HEAD), <=,
                        SB_HTTP_MAX_HEAD + 64);
      g_assert_cmpint (answer.state, ==, SB_HTTP_ANSWER_GARBAGE);
    }
}

static void
test_bounds_the_body (void)
{
  static const char *const heads[] = { "\r\n", "Content-Length: 100000000\r\n\r\n",
                                       "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",
                                       "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " };
  g_auto (SbHttpAnswer) answer = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      g_autofree char *head = g_strconcat (OK, heads[i], NULL);

      sb_http_answer_reset (&answer);
      sb_http_answer_feed (&answer, head, strlen (head));
      g_assert_cmpuint (feed_for_ever (&answer, "0123456789abcdef", 4 * SB_HTTP_MAX_BODY), <=,
                        SB_HTTP_MAX_BODY + 64);
      g_assert_cmpint (answer.state, ==, SB_HTTP_ANSWER_DONE);
      g_assert_cmpuint (answer.status, ==, 200);
      g_assert_false (answer.is_reusable);
    }
}

static void
test_keeps_the_first_kibibyte (void)
{
  g_autofree char *body = g_strnfill (3000, 'x');
  g_autofree char *text = g_strconcat (OK "Content-Length: 3000\r\n\r\n", body, NULL);
  g_auto (SbHttpAnswer) answer = { 0 };

  sb_http_answer_reset (&answer);
  sb_http_answer_feed (&answer, text, strlen (text));
  g_assert_cmpint (answer.state, ==, SB_HTTP_ANSWER_DONE);
  g_assert_cmpuint (answer.text_length, ==, SB_HTTP_MAX_TEXT);
  g_assert_true (answer.is_reusable);
}

static void
test_passes_over_an_endless_retry_after (void)
{
  g_autofree char *digits = g_strnfill (200, '9');
  g_autofree char *text = g_strconcat (OK "Content-Length: 0\r\nRetry-After: ", digits, "\r\n\r\n",
                                       NULL);
  g_auto (SbHttpAnswer) answer = { 0 };

  sb_http_answer_reset (&answer);
  sb_http_answer_feed (&answer, text, strlen (text));
  g_assert_cmpstr (answer.retry_after, ==, "");
  g_assert_cmpint (answer.state, ==, SB_HTTP_ANSWER_DONE);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/http-answer/is-the-same-however-it-is-cut",
                   test_is_the_same_however_it_is_cut);
  g_test_add_func ("/http-answer/takes-no-nul-in-its-head", test_takes_no_nul_in_its_head);
  g_test_add_func ("/http-answer/says-what-a-cut-leaves", test_says_what_a_cut_leaves);
  g_test_add_func ("/http-answer/bounds-the-head", test_bounds_the_head);
  g_test_add_func ("/http-answer/bounds-the-body", test_bounds_the_body);
  g_test_add_func ("/http-answer/keeps-the-first-kibibyte", test_keeps_the_first_kibibyte);
  g_test_add_func ("/http-answer/passes-over-an-endless-retry-after",
                   test_passes_over_an_endless_retry_after);
  return g_test_run ();
}
