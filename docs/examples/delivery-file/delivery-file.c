/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * delivery-file: appends the messages of a user to a file, a line each, for a
 * program that reads files and nothing else. An example of a delivery plugin,
 * small and complete: it never blocks, it confirms what is on the disk and
 * nothing else, and it says whose trouble it is when that fails.
 *
 * A user gets one with
 *
 *     "connection_properties": {"type": "file", "name": "orders.jsonl"}
 *
 * and the file is made in the folder that the configuration names. Only admins
 * set connection_properties, yet they cannot leave that folder.
 */

#include <simplebus.h>

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define GROUP "delivery-file"

#define FILE_TYPE_PATH (file_path_get_type ())
G_DECLARE_FINAL_TYPE (FilePath, file_path, FILE, PATH, GObject)

struct _FilePath
{
  GObject parent_instance;

  SbOutbound *outbound; /* (borrowed) (nullable) between open and close */
  char *name;           /* (owned) of the file */
  gboolean is_busy;     /* a message is on its way to the disk */
};

static void file_path_delivery_init (SbDeliveryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FilePath, file_path, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SB_TYPE_DELIVERY, file_path_delivery_init))

static gboolean
file_path_open (SbDelivery *delivery, SbOutbound *outbound, SbConfig *config,
                const char *properties, GError **error)
{
  FilePath *self = FILE_PATH (delivery);
  g_autoptr (JsonNode) node = json_from_string (properties, error);
  const char *folder = sb_config_get_string (config, GROUP, "folder");
  const char *name;

  if (node == NULL)
    return FALSE;
  name = json_object_get_string_member_with_default (json_node_get_object (node), "name", "");
  if (*name == '\0' || *name == '.' || strchr (name, '/') != NULL)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "connection_properties has no \"name\" that is fit for a file");
      return FALSE;
    }
  self->name = g_build_filename (folder, name, NULL);
  self->outbound = outbound;
  return TRUE;
}

/* One at a time, so messages keep their order. */
static gboolean
file_path_is_ready (SbDelivery *delivery)
{
  return !FILE_PATH (delivery)->is_busy;
}

/* In a thread: the message is on the disk, or the file is as it was. */
static gboolean
append_line (const char *name, SbMessage *message)
{
  gsize size;
  gconstpointer body = g_bytes_get_data (message->body, &size);
  const struct iovec line[] = { { (gpointer) body, size }, { (gpointer) "\n", 1 } };
  int fd = open (name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  off_t end = fd >= 0 ? lseek (fd, 0, SEEK_END) : -1;
  int fault = 0;

  if (end < 0 || writev (fd, line, G_N_ELEMENTS (line)) != (gssize) size + 1 || fdatasync (fd) != 0)
    fault = errno != 0 ? errno : ENOSPC;
  if (fault != 0 && end >= 0 && ftruncate (fd, end) != 0)
    g_warning ("%s may end with half a line", name);
  if (fd >= 0)
    close (fd);
  errno = fault;
  return fault == 0;
}

static void
append_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  errno = 0;
  if (append_line (FILE_PATH (source)->name, task_data))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, G_IO_ERROR, g_io_error_from_errno (errno), "%s",
                             g_strerror (errno));
}

static void
appended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FilePath *self = FILE_PATH (source);
  SbMessage *message = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  SbAttempt attempt = { .started = *(gint64 *) user_data };

  g_free (user_data);
  self->is_busy = FALSE;
  if (self->outbound == NULL)
    return;
  attempt.latency = sb_clock_wall (sb_outbound_get_clock (self->outbound)) - attempt.started;
  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      sb_outbound_confirm (self->outbound, message, &attempt);
      return;
    }
  attempt.text = error->message;
  attempt.length = strlen (error->message);
  /* A full disk or a missing folder: no message would fare better. */
  sb_outbound_fail (self->outbound, message, SB_FAILURE_RECIPIENT, 0, &attempt);
}

static void
file_path_deliver (SbDelivery *delivery, SbMessage *message)
{
  FilePath *self = FILE_PATH (delivery);
  gint64 *started = g_new (gint64, 1);
  g_autoptr (GTask) task = g_task_new (self, NULL, appended_cb, started);

  *started = sb_clock_wall (sb_outbound_get_clock (self->outbound));
  self->is_busy = TRUE;
  g_task_set_task_data (task, sb_message_ref (message), (GDestroyNotify) sb_message_unref);
  g_task_run_in_thread (task, append_in_thread);
}

/* The thread may still write; nobody hears of it. */
static void
file_path_close (SbDelivery *delivery, SbCloseReason reason)
{
  FILE_PATH (delivery)->outbound = NULL;
}

static void
file_path_delivery_init (SbDeliveryInterface *iface)
{
  iface->open = file_path_open;
  iface->is_ready = file_path_is_ready;
  iface->deliver = file_path_deliver;
  iface->close = file_path_close;
}

static void
file_path_finalize (GObject *object)
{
  g_free (FILE_PATH (object)->name);
  G_OBJECT_CLASS (file_path_parent_class)->finalize (object);
}

static void
file_path_class_init (FilePathClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = file_path_finalize;
}

static void
file_path_init (FilePath *self)
{
}

static const SbConfigKey keys[] = {
  { "folder", SB_CONFIG_STRING, "/var/spool/simplebus", 0, 0, SB_CONFIG_DEFAULTS,
    "where the files are made" },
};

static gboolean
load (SbRegistry *registry, GError **error)
{
  return sb_registry_add (registry, SB_TYPE_DELIVERY, "file", FILE_TYPE_PATH, error);
}

SB_PLUGIN_DEFINE (GROUP, "Appends messages to files", keys, G_N_ELEMENTS (keys), load);
