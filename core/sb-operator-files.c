/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-operator-files: files that wait, and for whom.
 *
 * A list looks at the rights of each file that it shows, and a file may be for everybody; so a page
 * ends early when it has looked at many. Dropping a file drops its deliveries, some at a time, for
 * the same reason; a bus that stops meanwhile has dropped some of them.
 */

#include "sb-operator.h"

#include "sb-audit.h"
#include "sb-bus-private.h"
#include "sb-error.h"

#include <string.h>

/* Files that are read in one go. */
#define PAGE 100

/* What a page looks at: files, and rights. */
#define MAX_FILES 2000
#define MAX_RIGHTS 50000

/* Recipients that are named. */
#define MAX_NAMED 10

/* Deliveries that are dropped at a time. */
#define DROP_AT_ONCE 100

/**
 * sb_file_view_free:
 * @self: (transfer full): a file that waits
 */
void
sb_file_view_free (SbFileView *self)
{
  sb_file_info_free (self->info);
  g_strfreev (self->waiting);
  g_free (self);
}

static gboolean
is_waiting (SbDeliveryState state)
{
  return !sb_delivery_state_has_ended (state) && state != SB_DELIVERY_DEAD;
}

/* Returns: (transfer full): the file with what the bus knows. @info: (transfer full) */
static SbFileView *
view_file (SbBus *self, SbFileInfo *info)
{
  SbFileView *view = g_new0 (SbFileView, 1);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  view->info = info;
  view->n_recipients = info->rights->len;
  for (guint i = 0; i < info->rights->len; i++)
    {
      const SbFileRight *right = &g_array_index (info->rights, SbFileRight, i);
      const SbUser *user;

      if (!is_waiting (right->state))
        continue;
      view->n_waiting++;
      user = names->len < MAX_NAMED ? sb_directory_lookup_key (self->directory, right->recipient)
                                    : NULL;
      if (user != NULL)
        g_ptr_array_add (names, g_strdup (user->id));
    }
  g_ptr_array_add (names, NULL);
  view->waiting = (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
  return view;
}

/* Lists */

typedef struct
{
  SbFileFilter filter;
  char *after; /* (owned) id of the last file that was looked at */
  guint limit;
  gboolean has_more; /* (out) behind that one */
  guint n_files;
  guint n_rights;
} FilesCall;

static void
files_call_free (FilesCall *self)
{
  g_free (self->after);
  g_free (self);
}

static gboolean
has_right (const SbFileInfo *info, gint64 recipient)
{
  for (guint i = 0; i < info->rights->len; i++)
    {
      const SbFileRight *right = &g_array_index (info->rights, SbFileRight, i);

      if (right->recipient == recipient)
        return is_waiting (right->state);
    }
  return FALSE;
}

/* Adds the file with its rights, if it is wanted and still there. */
static gboolean
look_at_file (FilesCall *call, SbStore *store, const SbFileInfo *row, GPtrArray *files,
              GError **error)
{
  g_autoptr (SbFileInfo) info = NULL;
  g_autoptr (GError) inner = NULL;

  if (call->filter.sender_key != 0 && call->filter.sender_key != row->sender_key)
    return TRUE;
  info = sb_store_file (store, row->file->name, &inner);
  if (info == NULL)
    {
      if (g_error_matches (inner, SB_ERROR, SB_ERROR_NOT_FOUND))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&inner));
      return FALSE;
    }
  call->n_rights += info->rights->len;
  if (call->filter.recipient == 0 || has_right (info, call->filter.recipient))
    g_ptr_array_add (files, g_steal_pointer (&info));
  return TRUE;
}

static gboolean
is_page_full (const FilesCall *call, const GPtrArray *files)
{
  return files->len == call->limit || call->n_files == MAX_FILES || call->n_rights >= MAX_RIGHTS;
}

/* Returns whether it came to the end of @rows; FALSE as well with an error. */
static gboolean
look_at_files (FilesCall *call, SbStore *store, const GPtrArray *rows, GPtrArray *files,
               GError **error)
{
  for (guint i = 0; i < rows->len; i++)
    {
      const SbFileInfo *row = g_ptr_array_index (rows, i);

      if (is_page_full (call, files))
        {
          call->has_more = TRUE;
          return FALSE;
        }
      if (!look_at_file (call, store, row, files, error))
        return FALSE;
      call->n_files++;
      g_free (call->after);
      call->after = g_strdup (row->file->id);
    }
  return TRUE;
}

/* On the reader's thread. */
static void
read_files (SbStore *store, GTask *task)
{
  FilesCall *call = g_task_get_task_data (task);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_file_info_free);
  GError *error = NULL;
  gboolean goes_on = TRUE;

  while (goes_on && error == NULL)
    {
      g_autoptr (GPtrArray) rows = sb_store_files (store, call->after, PAGE, &error);

      goes_on = rows != NULL && look_at_files (call, store, rows, files, &error)
                && rows->len == PAGE;
    }
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&files), (GDestroyNotify) g_ptr_array_unref);
}

/**
 * sb_bus_list_files_async:
 * @self: a started bus
 * @filter: which ones; it is copied
 * @after: (nullable): the `next` of an earlier page; %NULL begins
 * @limit: at most so many, 1 or more
 * @callback: for sb_bus_list_files_finish()
 * @user_data: for @callback
 *
 * Lists files that wait, in the order in which they came. A page may be short, or empty, and still
 * have a next one.
 */
void
sb_bus_list_files_async (SbBus *self, const SbFileFilter *filter, const char *after, guint limit,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  FilesCall *call = g_new0 (FilesCall, 1);

  call->filter = *filter;
  call->after = g_strdup (after != NULL ? after : "");
  call->limit = limit;
  g_task_set_task_data (task, call, (GDestroyNotify) files_call_free);
  sb_journal_read_async (self->journal, read_files, task);
}

/**
 * sb_bus_list_files_finish:
 * @self: a bus
 * @result: of sb_bus_list_files_async()
 * @next: (out) (transfer full) (nullable): where the next page begins; %NULL: there is none
 * @error: the store's
 *
 * Returns: (transfer full) (nullable) (element-type SbFileView): a page
 */
GPtrArray *
sb_bus_list_files_finish (SbBus *self, GAsyncResult *result, char **next, GError **error)
{
  FilesCall *call = g_task_get_task_data (G_TASK (result));
  g_autoptr (GPtrArray) files = g_task_propagate_pointer (G_TASK (result), error);
  GPtrArray *views;

  *next = NULL;
  if (files == NULL)
    return NULL;
  g_ptr_array_set_free_func (files, NULL);
  views = g_ptr_array_new_full (files->len, (GDestroyNotify) sb_file_view_free);
  for (guint i = 0; i < files->len; i++)
    g_ptr_array_add (views, view_file (self, g_ptr_array_index (files, i)));
  if (call->has_more)
    *next = g_steal_pointer (&call->after);
  return views;
}

/* One file */

typedef struct
{
  char *name;              /* (owned) */
  SbMessageStatus *status; /* (owned) (nullable) (out) */
} FileCall;

static void
file_call_free (FileCall *self)
{
  g_free (self->name);
  g_clear_pointer (&self->status, sb_message_status_free);
  g_free (self);
}

static SbFileInfo *
find_file (SbStore *store, const char *name, GError **error)
{
  g_autoptr (GError) inner = NULL;
  SbFileInfo *info = sb_store_file (store, name, &inner);

  if (g_error_matches (inner, SB_ERROR, SB_ERROR_NOT_FOUND))
    g_set_error_literal (error, SB_ERROR, SB_ERROR_NOT_FOUND, "there is no such file");
  else if (inner != NULL)
    g_propagate_error (error, g_steal_pointer (&inner));
  return info;
}

/* On the reader's thread. */
static void
read_file (SbStore *store, GTask *task)
{
  FileCall *call = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (SbFileInfo) info = find_file (store, call->name, &error);

  if (info != NULL)
    call->status = sb_store_status (store, info->message_id, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&info), (GDestroyNotify) sb_file_info_free);
}

/**
 * sb_bus_look_at_file_async:
 * @self: a started bus
 * @name: a stored name
 * @callback: for sb_bus_look_at_file_finish()
 * @user_data: for @callback
 *
 * Asks for all about one file.
 */
void
sb_bus_look_at_file_async (SbBus *self, const char *name, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  FileCall *call = g_new0 (FileCall, 1);

  call->name = g_strdup (name);
  g_task_set_task_data (task, call, (GDestroyNotify) file_call_free);
  sb_journal_read_async (self->journal, read_file, task);
}

/**
 * sb_bus_look_at_file_finish:
 * @self: a bus
 * @result: of sb_bus_look_at_file_async()
 * @status: (out) (transfer full): its message, with all deliveries
 * @error: SB_ERROR_NOT_FOUND, the store's
 *
 * Returns: (transfer full) (nullable): the file
 */
SbFileView *
sb_bus_look_at_file_finish (SbBus *self, GAsyncResult *result, SbMessageStatus **status,
                            GError **error)
{
  FileCall *call = g_task_get_task_data (G_TASK (result));
  SbFileInfo *info = g_task_propagate_pointer (G_TASK (result), error);

  *status = NULL;
  if (info == NULL)
    return NULL;
  *status = g_steal_pointer (&call->status);
  for (guint i = 0; i < (*status)->deliveries->len; i++)
    {
      SbDeliveryStatus *delivery = g_ptr_array_index ((*status)->deliveries, i);

      sb_bus_update_state (self, delivery->recipient_key, (*status)->id, &delivery->state,
                           &delivery->attempts);
    }
  return view_file (self, info);
}

/* Dropping */

typedef struct
{
  SbUser *actor;    /* (owned) */
  char *name;       /* (owned) */
  SbFileInfo *info; /* (owned) (nullable) as it was found last */
  guint next;       /* of its rights */
  guint n_open;     /* operations that are under way */
  guint n_dropped;
  guint n_before; /* had been dropped when it was found last */
  GError *error;  /* (owned) (nullable) the first one */
} DropCall;

static void
drop_call_free (DropCall *self)
{
  sb_user_unref (self->actor);
  g_free (self->name);
  sb_file_info_free (self->info);
  g_clear_error (&self->error);
  g_free (self);
}

static void find_and_drop (GTask *task);
static void drop_some (GTask *task);

/* Nothing is under way. @task: (transfer full) */
static void
go_on (GTask *task)
{
  SbBus *self = g_task_get_source_object (task);
  DropCall *call = g_task_get_task_data (task);

  if (call->error == NULL)
    sb_bus_check_running (self, &call->error);
  if (call->error != NULL)
    {
      g_task_return_error (task, g_steal_pointer (&call->error));
      g_object_unref (task);
    }
  else if (call->next < call->info->rights->len)
    drop_some (task);
  else
    find_and_drop (task);
}

static void
dropped_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  GTask *task = user_data;
  DropCall *call = g_task_get_task_data (task);

  if (error != NULL && call->error == NULL)
    call->error = g_error_copy (error);
  if (error == NULL && operation->outcome == SB_OUTCOME_DONE)
    {
      call->n_dropped++;
      sb_bus_finish_drop (g_task_get_source_object (task), operation);
    }
  if (--call->n_open == 0)
    go_on (task);
}

/* @task: (transfer full) */
static void
drop_some (GTask *task)
{
  SbBus *self = g_task_get_source_object (task);
  DropCall *call = g_task_get_task_data (task);
  const GArray *rights = call->info->rights;

  /* What is finished at once must not go on from here. */
  call->n_open = 1;
  for (; call->next < rights->len && call->n_open <= DROP_AT_ONCE; call->next++)
    {
      const SbFileRight *right = &g_array_index (rights, SbFileRight, call->next);

      if (sb_delivery_state_has_ended (right->state))
        continue;
      call->n_open++;
      sb_bus_submit_drop (self, right->recipient, call->info->message_id, dropped_cb, task);
    }
  if (--call->n_open == 0)
    go_on (task);
}

static void
end_drop (GTask *task)
{
  const DropCall *call = g_task_get_task_data (task);
  const char *sender = call->info->sender;

  sb_audit (call->actor, sender, NULL, "dropped the file %s of %s, which %u had yet to fetch",
            call->name, sender, call->n_dropped);
  g_task_return_boolean (task, TRUE);
}

/* Whether it is gone as it should be. Another file may have its name by now. */
static gboolean
is_dropped (const DropCall *call, const SbFileInfo *found, const GError *error)
{
  if (call->n_dropped == 0)
    return FALSE;
  return found != NULL ? strcmp (found->file->id, call->info->file->id) != 0
                       : g_error_matches (error, SB_ERROR, SB_ERROR_NOT_FOUND);
}

static void
found_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  DropCall *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbFileInfo) info = g_task_propagate_pointer (G_TASK (result), &error);

  if (is_dropped (call, info, error))
    end_drop (task);
  else if (info == NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else if (call->info != NULL && call->n_dropped == call->n_before)
    g_task_return_new_error (task, SB_ERROR, SB_ERROR_CONFLICT,
                             "the file could not be dropped for everybody; try again");
  else
    {
      sb_file_info_free (call->info);
      call->info = g_steal_pointer (&info);
      call->next = 0;
      call->n_before = call->n_dropped;
      go_on (g_steal_pointer (&task));
    }
}

static void
find_again (SbStore *store, GTask *task)
{
  GError *error = NULL;
  SbFileInfo *info = find_file (store, g_task_get_task_data (task), &error);

  if (info != NULL)
    g_task_return_pointer (task, info, (GDestroyNotify) sb_file_info_free);
  else
    g_task_return_error (task, error);
}

/* Until it is not found any more: it may have been moved to somebody. @task: (transfer full) */
static void
find_and_drop (GTask *task)
{
  SbBus *self = g_task_get_source_object (task);
  const DropCall *call = g_task_get_task_data (task);
  GTask *read = g_task_new (NULL, NULL, found_cb, task);

  g_task_set_task_data (read, g_strdup (call->name), g_free);
  sb_journal_read_async (self->journal, find_again, read);
}

/**
 * sb_bus_drop_file_async:
 * @self: a started bus
 * @actor: the admin
 * @name: a stored name
 * @callback: for sb_bus_drop_file_finish()
 * @user_data: for @callback
 *
 * Drops all deliveries of a file that have not ended, and so the file. The sender is told of each.
 */
void
sb_bus_drop_file_async (SbBus *self, SbUser *actor, const char *name, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  DropCall *call = g_new0 (DropCall, 1);

  call->actor = sb_user_ref (actor);
  call->name = g_strdup (name);
  g_task_set_task_data (task, call, (GDestroyNotify) drop_call_free);
  find_and_drop (task);
}

/**
 * sb_bus_drop_file_finish:
 * @self: a bus
 * @result: of sb_bus_drop_file_async()
 * @error: SB_ERROR_NOT_FOUND, SB_ERROR_CLOSED, the store's
 *
 * Returns: whether it is dropped for everybody, and that is durable
 */
gboolean
sb_bus_drop_file_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
