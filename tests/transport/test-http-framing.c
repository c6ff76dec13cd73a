/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-http-framing: where requests begin and end, however their bytes are cut. */

#include "sb-http-framing.h"
#include "sb-test.h"

#include <string.h>

#define POST "POST /put HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

typedef enum
{
  COMPLETE, /* all requests are */
  IN_HEAD,
  IN_BODY,
  BROKEN,
} Outcome;

static const struct
{
  const char *name;
  const char *bytes;
  Outcome outcome;
} cases[] = {
  { "nothing", "", COMPLETE },
  { "empty lines", "\r\n\n\r\n", COMPLETE },
  { "no body", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", COMPLETE },
  { "bare line feeds", "GET / HTTP/1.1\nHost: h\n\n", COMPLETE },
  { "empty lines before a request", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", COMPLETE },
  { "half a head", POST, IN_HEAD },
  { "half a request line", "GET / HT", IN_HEAD },
  { "a length", POST "Content-Length: 3\r\n\r\nabc", COMPLETE },
  { "a length of nothing", POST "Content-Length: 0\r\n\r\n", COMPLETE },
  { "a length without blanks", POST "content-LENGTH:3\r\n\r\nabc", COMPLETE },
  { "a length between blanks", POST "Content-Length: \t 003 \t\r\n\r\nabc", COMPLETE },
  { "a body cut off", POST "Content-Length: 4\r\n\r\nabc", IN_BODY },
  { "a body still to come", POST "Content-Length: 4\r\n\r\n", IN_BODY },
  { "a length of 18 digits", POST "Content-Length: 999999999999999999\r\n\r\n", IN_BODY },
  { "a length of 19 digits", POST "Content-Length: 1000000000000000000\r\n\r\n", BROKEN },
  { "a negative length", POST "Content-Length: -1\r\n\r\n", BROKEN },
  { "a length with a plus", POST "Content-Length: +1\r\n\r\n", BROKEN },
  { "no length", POST "Content-Length:\r\n\r\n", BROKEN },
  { "a length twice", POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", BROKEN },
  { "lengths in a list", POST "Content-Length: 1, 1\r\n\r\n", BROKEN },
  { "a length far behind blanks",
    POST "Content-Length:                                                            1\r\n\r\n",
    BROKEN },
  { "a folded length", POST "Content-Length: 1\r\n 2\r\n\r\n", BROKEN },
  { "a length folded twice", POST "Content-Length:\r\n 1\r\n 2\r\n\r\n", BROKEN },
  { "a fold of another header", POST "X: y\r\n Content-Length: 3\r\n\tz\r\n\r\n", COMPLETE },
  { "a blank before the colon", POST "Content-Length : 3\r\n\r\n", COMPLETE },
  { "a longer name", POST "Content-Lengths: 3\r\nXContent-Length: 3\r\n\r\n", COMPLETE },
  { "a long line",
    POST "Cookie: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "\r\n\r\n",
    COMPLETE },
  { "a request line like a header", "Content-Length: 3\r\n\r\n", COMPLETE },
  { "length and chunks", POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", BROKEN },
  { "chunks and length", POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", BROKEN },
  { "chunked twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    BROKEN },
  { "chunked in a list", POST "Transfer-Encoding: chunked, chunked\r\n\r\n", BROKEN },
  { "another coding", POST "Transfer-Encoding: gzip\r\n\r\n", BROKEN },
  { "no coding", POST "Transfer-Encoding:\r\n\r\n", BROKEN },
  { "a folded coding", POST "Transfer-Encoding: chunked\r\n , gzip\r\n\r\n", BROKEN },
  { "a vertical tab", POST "Transfer-Encoding:\vchunked\r\n\r\n", BROKEN },
  { "chunks still to come", CHUNKED, IN_BODY },
  { "chunks in capitals", POST "TRANSFER-ENCODING:CHUNKED\r\n\r\n0\r\n\r\n", COMPLETE },
  { "no chunk", CHUNKED "0\r\n\r\n", COMPLETE },
  { "chunks", CHUNKED "3\r\nabc\r\n00A\r\n\r\n0\r\n\r\nX\r\n\r\n000\r\n\r\n", COMPLETE },
  { "an extension", CHUNKED "3;a=\"b\"\r\nabc\r\n0 ;x\r\n\r\n", COMPLETE },
  { "a trailer", CHUNKED "0\r\nX: y\r\n\r\n", COMPLETE },
  { "two trailers", CHUNKED "0\r\nX: y\r\nZ: y\r\n\r\n", BROKEN },
  { "a request among the trailers", CHUNKED "0\r\nX: y\r\nGET / HTTP/1.1\r\n\r\n", BROKEN },
  { "a trailer without end", CHUNKED "0\r\nX: y\r\n", IN_BODY },
  { "chunks without the last", CHUNKED "3\r\nabc\r\n", IN_BODY },
  { "chunks without the last line", CHUNKED "0\r\n", IN_BODY },
  { "half a last line", CHUNKED "0\r\n\r", IN_BODY },
  { "a size cut off", CHUNKED "3", IN_BODY },
  { "data cut off", CHUNKED "3\r\nab", IN_BODY },
  { "words for a size", CHUNKED "zz\r\n", BROKEN },
  { "a negative size", CHUNKED "-5\r\n", BROKEN },
  { "a size with a prefix", CHUNKED "0x3\r\nabc\r\n", BROKEN },
  { "a size behind a blank", CHUNKED " 3\r\nabc\r\n", BROKEN },
  { "an empty size", CHUNKED "\r\n", BROKEN },
  { "no size before an extension", CHUNKED ";a\r\n", BROKEN },
  { "a size of 15 digits", CHUNKED "fffffffffffffff\r\n", IN_BODY },
  { "a size of 16 digits", CHUNKED "0000000000000003\r\n", BROKEN },
  { "a size before a bare line feed", CHUNKED "3\nabc\r\n", BROKEN },
  { "a size before a bare return", CHUNKED "3\rabc", BROKEN },
  { "an extension before a bare line feed", CHUNKED "3;a\nabc\r\n", BROKEN },
  { "a return in an extension", CHUNKED "3;a\rb\r\nabc\r\n", BROKEN },
  { "more data than its size", CHUNKED "2\r\nabc\r\n", BROKEN },
  { "data before a bare line feed", CHUNKED "3\r\nabc\n0\r\n\r\n", BROKEN },
  { "data before a bare return", CHUNKED "3\r\nabc\r0\r\n\r\n", BROKEN },
  { "a bare line feed at the end", CHUNKED "0\r\n\n", BROKEN },
  { "requests in a row",
    "GET / HTTP/1.1\r\n\r\n" POST "Content-Length: 2\r\n\r\n{}\r\n" CHUNKED "1\r\nx\r\n0\r\n\r\n"
    "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    COMPLETE },
  { "a length is not that of the next", POST "Content-Length: 2\r\n\r\n{}" POST "\r\n", COMPLETE },
  { "the next one broken", CHUNKED "1\r\nx\r\n0\r\n\r\n" CHUNKED "x", BROKEN },
};

static Outcome
get_outcome (const SbHttpFraming *framing, gboolean is_good)
{
  if (!is_good)
    return BROKEN;
  if (sb_http_framing_is_in_body (framing))
    return IN_BODY;
  return sb_http_framing_is_idle (framing) ? COMPLETE : IN_HEAD;
}

static void
assert_outcome (guint i, const SbHttpFraming *framing, gboolean is_good)
{
  Outcome outcome = get_outcome (framing, is_good);

  if (outcome != cases[i].outcome)
    g_error ("%s: outcome %d instead of %d", cases[i].name, outcome, cases[i].outcome);
}

static void
tells_requests_apart (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      SbHttpFraming framing = { 0 };

      assert_outcome (i, &framing,
                      sb_http_framing_feed (&framing, cases[i].bytes, strlen (cases[i].bytes)));
    }
}

static void
takes_them_cut_anywhere (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gsize length = strlen (cases[i].bytes);

      for (gsize cut = 0; cut <= length; cut++)
        {
          SbHttpFraming framing = { 0 };

          sb_http_framing_feed (&framing, cases[i].bytes, cut);
          assert_outcome (i, &framing,
                          sb_http_framing_feed (&framing, cases[i].bytes + cut, length - cut));
        }
    }
}

static void
feed_in_pieces (guint i, gsize max)
{
  SbHttpFraming framing = { 0 };
  gsize length = strlen (cases[i].bytes);
  gboolean is_good = TRUE;

  for (gsize at = 0; at < length;)
    {
      gsize wanted = (gsize) g_test_rand_int_range (1, (gint32) max + 1);
      gsize n = MIN (wanted, length - at);
      g_autofree char *piece = g_memdup2 (cases[i].bytes + at, n); /* for what reads beyond it */

      is_good = sb_http_framing_feed (&framing, piece, n);
      at += n;
    }
  assert_outcome (i, &framing, is_good);
}

static void
takes_them_in_pieces (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      feed_in_pieces (i, 1);
      for (guint round = 0; round < 20; round++)
        feed_in_pieces (i, 12);
    }
}

static void
stays_broken (void)
{
  SbHttpFraming framing = { 0 };

  g_assert_false (sb_http_framing_feed (&framing, CHUNKED "x", strlen (CHUNKED "x")));
  g_assert_false (sb_http_framing_feed (&framing, "0\r\n\r\n", 5));
  g_assert_false (sb_http_framing_feed (&framing, "", 0));
}

static void
bounds_an_extension_and_a_trailer (void)
{
  static const char *const begins[] = { CHUNKED "3;", CHUNKED "0\r\nX:" };
  g_autofree char *filler = g_strnfill (1000, 'a');

  for (guint i = 0; i < G_N_ELEMENTS (begins); i++)
    {
      SbHttpFraming framing = { 0 };

      g_assert_true (sb_http_framing_feed (&framing, begins[i], strlen (begins[i])));
      g_assert_true (sb_http_framing_feed (&framing, filler, 1000));
      g_assert_false (sb_http_framing_feed (&framing, filler, 1000));
    }
}

static void
skips_a_large_body (void)
{
  SbHttpFraming framing = { 0 };
  g_autofree char *filler = g_strnfill (65536, '\n');

  g_assert_true (sb_http_framing_feed (&framing, POST "Content-Length: 6553600\r\n\r\n",
                                       strlen (POST "Content-Length: 6553600\r\n\r\n")));
  for (guint i = 0; i < 100; i++)
    {
      g_assert_true (sb_http_framing_is_in_body (&framing));
      g_assert_true (sb_http_framing_feed (&framing, filler, 65536));
    }
  g_assert_true (sb_http_framing_is_idle (&framing));
}

static void
looks_at_nothing_once_stopped (void)
{
  SbHttpFraming framing = { 0 };

  sb_http_framing_stop (&framing);
  g_assert_true (sb_http_framing_feed (&framing, CHUNKED "x", strlen (CHUNKED "x")));
  g_assert_false (sb_http_framing_is_in_body (&framing));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/http-framing/tells-requests-apart", tells_requests_apart);
  g_test_add_func ("/http-framing/takes-them-cut-anywhere", takes_them_cut_anywhere);
  g_test_add_func ("/http-framing/takes-them-in-pieces", takes_them_in_pieces);
  g_test_add_func ("/http-framing/stays-broken", stays_broken);
  g_test_add_func ("/http-framing/bounds-an-extension-and-a-trailer",
                   bounds_an_extension_and_a_trailer);
  g_test_add_func ("/http-framing/skips-a-large-body", skips_a_large_body);
  g_test_add_func ("/http-framing/looks-at-nothing-once-stopped", looks_at_nothing_once_stopped);
  return g_test_run ();
}
