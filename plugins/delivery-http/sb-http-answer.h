/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-answer: one HTTP/1.x answer as it comes in, in pieces of any size. It takes a bounded
 * amount of memory whatever is sent.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* All heads of one answer, interim ones too; bytes. */
#define SB_HTTP_MAX_HEAD (16 * 1024)
/* Of the body so much is kept … */
#define SB_HTTP_MAX_TEXT 1024
/* … and so much is read. */
#define SB_HTTP_MAX_BODY (64 * 1024)
/* Of the value of Retry-After. */
#define SB_HTTP_MAX_RETRY_AFTER 64

/**
 * SbHttpAnswerState:
 * @SB_HTTP_ANSWER_HEAD: the head is not complete
 * @SB_HTTP_ANSWER_BODY: the head is complete, and what it says counts; the body is not
 * @SB_HTTP_ANSWER_DONE: all of it is there, or so much that the rest does not matter
 * @SB_HTTP_ANSWER_GARBAGE: it is no answer
 *
 * How far an answer has come.
 */
typedef enum
{
  SB_HTTP_ANSWER_HEAD,
  SB_HTTP_ANSWER_BODY,
  SB_HTTP_ANSWER_DONE,
  SB_HTTP_ANSWER_GARBAGE,
} SbHttpAnswerState;

/* What the next byte belongs to. */
typedef enum
{
  SB_HTTP_PART_STATUS,
  SB_HTTP_PART_FIELD,
  SB_HTTP_PART_LENGTH,
  SB_HTTP_PART_CLOSE,
  SB_HTTP_PART_CHUNK_SIZE,
  SB_HTTP_PART_CHUNK,
  SB_HTTP_PART_CHUNK_END,
  SB_HTTP_PART_TRAILER,
} SbHttpPart;

/**
 * SbHttpAnswer:
 * @state: how far it has come
 * @fault: (nullable): what is wrong with garbage
 * @status: 100 to 599, when the head is complete
 * @retry_after: its header, empty when there is none
 * @text: the first bytes of the body
 * @text_length: how many
 * @is_reusable: whether the connection can carry another request, when the answer is done
 *
 * An answer; to be read only.
 */
typedef struct
{
  SbHttpAnswerState state;
  const char *fault;
  guint status;
  char retry_after[SB_HTTP_MAX_RETRY_AFTER];
  char text[SB_HTTP_MAX_TEXT];
  gsize text_length;
  gboolean is_reusable;

  /*< private >*/
  SbHttpPart part;
  GString *line;     /* (owned) (nullable) the beginning of a line whose end has not come */
  gsize head_length; /* so far */
  gsize body_length; /* so far, with all that frames it */
  guint64 left;      /* of the body or the chunk */
  guint64 content_length;
  gboolean has_content_length;
  gboolean is_chunked;
  gboolean is_1_0;
  gboolean says_close;
  gboolean says_keep_alive;
} SbHttpAnswer;

void sb_http_answer_reset (SbHttpAnswer *self);
void sb_http_answer_clear (SbHttpAnswer *self);
SbHttpAnswerState sb_http_answer_feed (SbHttpAnswer *self, const char *data, gsize length);
SbHttpAnswerState sb_http_answer_end (SbHttpAnswer *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SbHttpAnswer, sb_http_answer_clear)

G_END_DECLS
