/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-http-answer: no bytes may break the reader of answers, nor may it matter in which pieces
 * they come. The first byte of the input says how large those are.
 */

#include "sb-http-answer.h"
#include "sb-http-verdict.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static gboolean
is_under_way (const SbHttpAnswer *answer)
{
  return answer->state == SB_HTTP_ANSWER_HEAD || answer->state == SB_HTTP_ANSWER_BODY;
}

static void
read_in_pieces (SbHttpAnswer *answer, const guint8 *data, gsize size, gsize step)
{
  sb_http_answer_reset (answer);
  while (size > 0 && is_under_way (answer))
    {
      gsize n = MIN (size, step);
      g_autofree char *piece = g_memdup2 (data, n);

      sb_http_answer_feed (answer, piece, n);
      data += n;
      size -= n;
    }
  /* What is left would be seen as input that nobody asked for. */
  if (size > 0)
    answer->is_reusable = FALSE;
}

static void
check (const SbHttpAnswer *answer)
{
  g_assert_true ((answer->state == SB_HTTP_ANSWER_GARBAGE) == (answer->fault != NULL));
  g_assert_cmpuint (answer->text_length, <=, SB_HTTP_MAX_TEXT);
  g_assert_cmpuint (answer->head_length, <=, SB_HTTP_MAX_HEAD);
  g_assert_cmpuint (answer->body_length, <=, SB_HTTP_MAX_BODY);
  g_assert_cmpuint (strlen (answer->retry_after), <, SB_HTTP_MAX_RETRY_AFTER);
  if (answer->state == SB_HTTP_ANSWER_BODY || answer->state == SB_HTTP_ANSWER_DONE)
    g_assert_true (answer->status >= 100 && answer->status <= 599);
  else
    g_assert_cmpuint (answer->text_length, ==, 0);
}

static void
check_same (const SbHttpAnswer *a, const SbHttpAnswer *b)
{
  g_assert_cmpint (a->state, ==, b->state);
  if (a->state == SB_HTTP_ANSWER_GARBAGE)
    return;
  g_assert_cmpuint (a->status, ==, b->status);
  g_assert_cmpstr (a->retry_after, ==, b->retry_after);
  g_assert_cmpmem (a->text, a->text_length, b->text, b->text_length);
  g_assert_cmpint (a->is_reusable, ==, b->is_reusable);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_auto (SbHttpAnswer) whole = { 0 };
  g_auto (SbHttpAnswer) pieces = { 0 };

  if (size < 2)
    return 0;
  read_in_pieces (&whole, data + 1, size - 1, size);
  read_in_pieces (&pieces, data + 1, size - 1, 1u + data[0]);
  check (&whole);
  check (&pieces);
  check_same (&whole, &pieces);
  g_assert_cmpint (sb_http_verdict_parse_retry_after (whole.retry_after, 0), >=, 0);
  g_assert_false (is_under_way (&whole) && sb_http_answer_end (&whole) == SB_HTTP_ANSWER_BODY);
  return 0;
}
