/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-transfer: files that go up and come down: one of them by itself (upload, download), or
 * many at once, again and again, beside a flow of messages.
 */

#include "sb-load-transfer.h"

#include "sb-load-http.h"
#include "sb-load-usage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not those that messages flow between. */
#define SENDER "pub1"
#define RECIPIENT "sub1"
#define MIB (1024 * 1024)
#define SILENCE_SECONDS 60
#define LOWEST_PRIORITY 19
#define LINE_END "\r\n"
#define BOUNDARY "a-file-goes-up-0123456789abcdef"

struct _SbLoadTransfers
{
  const SbLoadOptions *options;
  int content; /* -1: nothing goes up */
  gsize content_size;
  GPtrArray *threads; /* (owned) (element-type GThread) */
  int is_stopped;     /* (atomic) */
  gsize uploaded;     /* (atomic): bytes */
  gsize downloaded;   /* (atomic): bytes */
};

/* Connections */

static int
open_connection (const SbLoadOptions *options)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons ((guint16) options->http_port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  struct timeval patience = { .tv_sec = SILENCE_SECONDS };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int yes = 1;

  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    sb_load_fail ("connect to port %d: %s", options->http_port, g_strerror (errno));
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return fd;
}

static void
send_text (int fd, const char *text)
{
  gsize length = strlen (text);

  /* A blocking socket takes it all. */
  if (send (fd, text, length, MSG_NOSIGNAL) != (ssize_t) length)
    sb_load_fail ("a request can not be sent: %s", g_strerror (errno));
}

static gsize
receive (int fd, gpointer place, gsize size, int flags)
{
  ssize_t received = recv (fd, place, size, flags);

  if (received <= 0)
    sb_load_fail ("an answer broke off: %s", received == 0 ? "closed" : g_strerror (errno));
  return (gsize) received;
}

/* Reads until the header block is there, or the whole of a short answer. */
static GString *
receive_answer (int fd, gboolean is_whole)
{
  static const char good[] = "HTTP/1.1 200 ";
  GString *answer = g_string_new (NULL);
  char piece[4096];
  gboolean has_header = FALSE;

  while (!has_header
         || (is_whole && sb_load_http_measure ((guint8 *) answer->str, answer->len) == 0))
    {
      g_string_append_len (answer, piece, (gssize) receive (fd, piece, sizeof piece, 0));
      has_header = strstr (answer->str, LINE_END LINE_END) != NULL;
    }
  if (!g_str_has_prefix (answer->str, good))
    sb_load_fail ("the bus answered %s", answer->str);
  return answer;
}

static void
send_request (int fd, const SbLoadOptions *options, const char *user, const char *line,
              const char *headers)
{
  g_autofree char *plain = g_strdup_printf ("%s:%s", user, options->password);
  g_autofree char *credentials = g_base64_encode ((guchar *) plain, strlen (plain));
  g_autofree char *request = g_strdup_printf ("%s HTTP/1.1" LINE_END "Host: localhost" LINE_END
                                              "Authorization: Basic %s" LINE_END "%s" LINE_END,
                                              line, credentials, headers);

  send_text (fd, request);
}

/* What goes up */

/* Returns: FALSE when it was stopped before the end */
static gboolean
send_content (SbLoadTransfers *self, int fd)
{
  gsize left = (gsize) self->options->file_size * MIB;

  while (left > 0 && !g_atomic_int_get (&self->is_stopped))
    {
      off_t offset = 0;
      ssize_t sent = sendfile (fd, self->content, &offset, MIN (self->content_size, left));

      /* Whatever part of the content was taken, the next piece begins with it again. */
      if (sent <= 0)
        sb_load_fail ("a file can not be sent: %s", g_strerror (errno));
      left -= (gsize) sent;
      g_atomic_pointer_add (&self->uploaded, sent);
    }
  return left == 0;
}

/* Returns: (transfer full) (nullable): the answer, NULL when it was stopped before the end */
static GString *
upload (SbLoadTransfers *self)
{
  static const char start[] =
      "--" BOUNDARY LINE_END "Content-Disposition: form-data; name=\"data\"" LINE_END LINE_END
      "{\"to\":[\"@" RECIPIENT "\"],\"message\":{}}" LINE_END "--" BOUNDARY LINE_END
      "Content-Disposition: form-data; name=\"file\"; filename=\"large.bin\"" LINE_END
      "Content-Type: application/octet-stream" LINE_END LINE_END;
  static const char end[] = LINE_END "--" BOUNDARY "--" LINE_END;
  gsize length = strlen (start) + (gsize) self->options->file_size * MIB + strlen (end);
  g_autofree char *headers = g_strdup_printf (
      "Content-Type: multipart/form-data; boundary=" BOUNDARY LINE_END
      "Content-Length: %" G_GSIZE_FORMAT LINE_END,
      length);
  int fd = open_connection (self->options);
  GString *answer = NULL;

  send_request (fd, self->options, SENDER, "POST /put", headers);
  send_text (fd, start);
  if (send_content (self, fd))
    {
      send_text (fd, end);
      answer = receive_answer (fd, TRUE);
    }
  close (fd);
  return answer;
}

/* Returns: (transfer full): a text member of the answer */
static char *
find_member (const GString *answer, const char *name)
{
  g_autofree char *key = g_strdup_printf ("\"%s\":\"", name);
  const char *value = strstr (answer->str, key);
  const char *end = value != NULL ? strchr (value + strlen (key), '"') : NULL;

  if (end == NULL)
    sb_load_fail ("the bus answered without %s: %s", name, answer->str);
  return g_strndup (value + strlen (key), (gsize) (end - value - (gssize) strlen (key)));
}

static void
release (SbLoadTransfers *self, const GString *uploaded)
{
  g_autofree char *name = find_member (uploaded, "filename");
  g_autofree char *line = g_strdup_printf ("DELETE /download/%s", name);
  int fd = open_connection (self->options);

  send_request (fd, self->options, RECIPIENT, line, "");
  g_string_free (receive_answer (fd, TRUE), TRUE);
  close (fd);
}

/* What comes down */

static void
note_downloaded (SbLoadTransfers *self, gsize length, guint64 *left)
{
  if (length > *left)
    sb_load_fail ("the bus sends more than it said");
  *left -= length;
  g_atomic_pointer_add (&self->downloaded, (gssize) length);
}

static void
download (SbLoadTransfers *self)
{
  g_autofree char *line = g_strdup_printf ("GET /download/%s", self->options->path);
  g_autofree char *place = g_malloc (MIB);
  int flags = self->options->reads ? 0 : MSG_TRUNC;
  int fd = open_connection (self->options);
  g_autoptr (GString) answer = NULL;
  gsize header;
  guint64 left;

  send_request (fd, self->options, RECIPIENT, line, "");
  answer = receive_answer (fd, FALSE);
  header = (gsize) (strstr (answer->str, LINE_END LINE_END) + 4 - answer->str);
  left = sb_load_http_get_content_length (answer->str, header);
  if (left != (guint64) self->options->file_size * MIB)
    sb_load_fail ("%" G_GUINT64_FORMAT " bytes come instead of %d MiB", left,
                  self->options->file_size);
  note_downloaded (self, answer->len - header, &left);
  while (left > 0 && !g_atomic_int_get (&self->is_stopped))
    note_downloaded (self, receive (fd, place, MIN (left, MIB), flags), &left);
  close (fd);
}

/* Many at once */

/* On a machine that server and clients share, the clients of files stand back: those who
 * measure the messages must not wait for them, and neither must the server. */
static void
stand_back (void)
{
  setpriority (PRIO_PROCESS, 0, LOWEST_PRIORITY);
}

static gpointer
upload_thread (gpointer data)
{
  SbLoadTransfers *self = data;

  stand_back ();
  while (!g_atomic_int_get (&self->is_stopped))
    {
      g_autoptr (GString) answer = upload (self);

      if (answer != NULL)
        release (self, answer);
    }
  return NULL;
}

static gpointer
download_thread (gpointer data)
{
  SbLoadTransfers *self = data;

  stand_back ();
  while (!g_atomic_int_get (&self->is_stopped))
    download (self);
  return NULL;
}

static void
prepare (SbLoadTransfers *self, const SbLoadOptions *options)
{
  struct stat status;

  *self = (SbLoadTransfers) { .options = options, .content = -1 };
  self->threads = g_ptr_array_new ();
  signal (SIGPIPE, SIG_IGN);
  if (options->content == NULL)
    return;
  self->content = open (options->content, O_RDONLY | O_CLOEXEC);
  if (self->content < 0 || fstat (self->content, &status) < 0)
    sb_load_fail ("%s can not be read: %s", options->content, g_strerror (errno));
  self->content_size = (gsize) status.st_size;
}

static void
clear (SbLoadTransfers *self)
{
  if (self->content >= 0)
    close (self->content);
  g_ptr_array_unref (self->threads);
}

/* As many threads as the options ask for move files until they are stopped. */
SbLoadTransfers *
sb_load_transfers_start (const SbLoadOptions *options)
{
  SbLoadTransfers *self = g_new (SbLoadTransfers, 1);

  prepare (self, options);
  for (int i = 0; i < options->uploads; i++)
    g_ptr_array_add (self->threads, g_thread_new ("up", upload_thread, self));
  for (int i = 0; i < options->downloads; i++)
    g_ptr_array_add (self->threads, g_thread_new ("down", download_thread, self));
  return self;
}

guint64
sb_load_transfers_get_uploaded (SbLoadTransfers *self)
{
  return (guint64) g_atomic_pointer_get (&self->uploaded);
}

guint64
sb_load_transfers_get_downloaded (SbLoadTransfers *self)
{
  return (guint64) g_atomic_pointer_get (&self->downloaded);
}

/* Breaks off what is under way, and waits for the threads. */
void
sb_load_transfers_free (SbLoadTransfers *self)
{
  g_atomic_int_set (&self->is_stopped, TRUE);
  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (self->threads->pdata[i]);
  clear (self);
  g_free (self);
}

/* One by itself */

static void
print (const SbLoadRun *run, const char *name, const SbLoadUsage *from, const SbLoadUsage *to,
       const char *rest)
{
  g_autoptr (GString) line = g_string_new (NULL);
  double elapsed = (double) (to->time - from->time) / 1e9;
  double bytes = (double) run->options.file_size * MIB;

  g_string_append_printf (line,
                          "scenario=%s bytes=%.0f seconds=%.3f mb_per_s=%.1f peak_mib=%.1f "
                          "rss_mib=%.1f%s",
                          name, bytes, elapsed, bytes / 1e6 / elapsed,
                          sb_load_usage_peak_kib (run->options.pid) / 1024,
                          sb_load_usage_resident_kib (run->options.pid) / 1024, rest);
  sb_load_usage_print (from, to, line);
  puts (line->str);
}

/* Measured from connecting to the answer, which is when file and message are durable. */
void
sb_load_upload (SbLoadRun *run)
{
  SbLoadTransfers transfers;
  SbLoadUsage from = { 0 }, to = { 0 };
  g_autoptr (GString) answer = NULL;
  g_autofree char *name = NULL, *checksum = NULL, *rest = NULL;

  if (run->options.content == NULL)
    sb_load_fail ("upload needs --content");
  prepare (&transfers, &run->options);
  sb_load_usage_forget_peak (run->options.pid);
  sb_load_usage_take (&from, run->options.pid);
  answer = upload (&transfers);
  sb_load_usage_take (&to, run->options.pid);
  name = find_member (answer, "filename");
  checksum = find_member (answer, "sha256");
  rest = g_strdup_printf (" filename=%s sha256=%s", name, checksum);
  print (run, "upload", &from, &to, rest);
  sb_load_usage_clear (&from);
  sb_load_usage_clear (&to);
  clear (&transfers);
}

/* Measured from connecting to the last byte. */
void
sb_load_download (SbLoadRun *run)
{
  SbLoadTransfers transfers;
  SbLoadUsage from = { 0 }, to = { 0 };

  if (run->options.path == NULL)
    sb_load_fail ("download needs --path");
  prepare (&transfers, &run->options);
  sb_load_usage_forget_peak (run->options.pid);
  sb_load_usage_take (&from, run->options.pid);
  download (&transfers);
  sb_load_usage_take (&to, run->options.pid);
  print (run, "download", &from, &to, "");
  sb_load_usage_clear (&from);
  sb_load_usage_clear (&to);
  clear (&transfers);
}
