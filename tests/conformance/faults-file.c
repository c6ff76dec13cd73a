/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* faults-file: what goes wrong with files, and with messages that come together. */

#include "faults.h"

#include <string.h>

/* Appends */

static void
lose_others (SbOperation *operation)
{
  if (operation->kind != SB_OPERATION_APPEND)
    return;
  for (guint i = 0; i < operation->append.n_more; i++)
    sb_message_unref (operation->append.more[i]);
  operation->append.n_more = 0;
}

static gboolean
takes_one_message_alone (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_after (self, operations, n, lose_others, error);
}

static void
hide_faulty (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND)
    operation->append.faulty = 0;
}

static gboolean
blames_the_first (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, hide_faulty, error);
}

static void
hide_taken_name (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND)
    operation->append.name_taken = FALSE;
}

static gboolean
does_not_say_that_a_name_is_taken (SbStore *self, SbOperation *const *operations, guint n,
                                   GError **error)
{
  return applies_then (self, operations, n, hide_taken_name, error);
}

static void
hide_conflict_of_names (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND && operation->append.name_taken)
    operation->outcome = SB_OUTCOME_DONE;
}

static gboolean
gives_a_name_twice (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, hide_conflict_of_names, error);
}

static void
hide_released_append (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND)
    operation->append.released = FALSE;
}

static gboolean
keeps_files_that_nobody_gets (SbStore *self, SbOperation *const *operations, guint n,
                              GError **error)
{
  return applies_then (self, operations, n, hide_released_append, error);
}

static void
release_dead (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND && operation->outcome == SB_OUTCOME_DONE)
    operation->append.released |= operation->append.targets[0].state == SB_DELIVERY_DEAD;
}

static gboolean
releases_files_of_the_dead (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, release_dead, error);
}

/* Ends */

static void
release_at_once (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END)
    operation->end.release = TRUE;
}

static gboolean
takes_a_confirmation_for_a_release (SbStore *self, SbOperation *const *operations, guint n,
                                    GError **error)
{
  return applies_after (self, operations, n, release_at_once, error);
}

static void
forget_release (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END)
    operation->end.release = FALSE;
}

static gboolean
never_releases (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_after (self, operations, n, forget_release, error);
}

static void
hide_notified (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END)
    operation->end.notified = FALSE;
}

static gboolean
does_not_say_that_it_notified (SbStore *self, SbOperation *const *operations, guint n,
                               GError **error)
{
  return applies_then (self, operations, n, hide_notified, error);
}

static void
hide_released_end (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END)
    g_clear_pointer (&operation->end.released, g_free);
}

static gboolean
does_not_say_what_it_released (SbStore *self, SbOperation *const *operations, guint n,
                               GError **error)
{
  return applies_then (self, operations, n, hide_released_end, error);
}

static void
cut_released_size (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END)
    operation->end.released_size = (guint32) operation->end.released_size;
}

static gboolean
cuts_sizes_of_what_it_released (SbStore *self, SbOperation *const *operations, guint n,
                                GError **error)
{
  return applies_then (self, operations, n, cut_released_size, error);
}

static gboolean
gives_a_receipt_for_a_notice (SbStore *self, SbOperation *const *operations, guint n,
                              GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SbOperation) receipt = sb_operation_new (SB_OPERATION_ADD_RECEIPT, NULL, NULL);
      const SbOperation *operation = operations[i];

      if (!sound->apply (self, &operations[i], 1, error))
        return FALSE;
      if (operation->kind != SB_OPERATION_END || !operation->end.notified
          || !operation->end.store_receipt)
        continue;
      receipt->add_receipt.sender_key = operation->end.sender_key;
      receipt->add_receipt.recipient = operation->end.recipient;
      receipt->add_receipt.id = g_strdup (operation->end.id);
      receipt->add_receipt.now = operation->end.now;
      if (!sound->apply (self, &receipt, 1, error))
        return FALSE;
    }
  return TRUE;
}

/* The first recipient that needs the file no more takes it away from the others. */
static gboolean
releases_with_the_first (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      SbOperation *operation = operations[i];
      g_autoptr (SbMessage) message = NULL;

      if (operation->kind == SB_OPERATION_END && operation->end.id != NULL)
        message = sound->message (self, operation->end.id, NULL);
      if (!sound->apply (self, &operations[i], 1, error))
        return FALSE;
      if (message == NULL || message->file == NULL || operation->outcome != SB_OUTCOME_DONE
          || !operation->end.release || operation->end.released != NULL)
        continue;
      operation->end.released = g_strdup (message->file->id);
      operation->end.released_size = message->file->size;
    }
  return TRUE;
}

/* Sweeps */

static void
hide_released_due (SbOperation *operation)
{
  if (operation->kind != SB_OPERATION_SWEEP)
    return;
  for (guint i = 0; i < operation->sweep.moved->len; i++)
    g_clear_pointer (&g_array_index (operation->sweep.moved, SbDue, i).released, g_free);
}

static gboolean
sweeps_and_does_not_say_what_it_released (SbStore *self, SbOperation *const *operations, guint n,
                                          GError **error)
{
  return applies_then (self, operations, n, hide_released_due, error);
}

static void
hide_released_size_of_due (SbOperation *operation)
{
  if (operation->kind != SB_OPERATION_SWEEP)
    return;
  for (guint i = 0; i < operation->sweep.moved->len; i++)
    g_array_index (operation->sweep.moved, SbDue, i).released_size = 0;
}

static gboolean
sweeps_and_does_not_say_how_much_it_released (SbStore *self, SbOperation *const *operations,
                                              guint n, GError **error)
{
  return applies_then (self, operations, n, hide_released_size_of_due, error);
}

static void
release_again (SbOperation *operation)
{
  const SbDue *last = NULL;

  if (operation->kind != SB_OPERATION_SWEEP)
    return;
  for (guint i = 0; i < operation->sweep.moved->len; i++)
    if (g_array_index (operation->sweep.moved, SbDue, i).released != NULL)
      last = &g_array_index (operation->sweep.moved, SbDue, i);
  for (guint i = 0; last != NULL && i < operation->sweep.moved->len; i++)
    {
      SbDue *due = &g_array_index (operation->sweep.moved, SbDue, i);

      if (due->released != NULL || !g_str_equal (due->id, last->id))
        continue;
      due->released = g_strdup (last->released);
      due->released_size = last->released_size;
    }
}

static gboolean
sweeps_and_releases_with_each (SbStore *self, SbOperation *const *operations, guint n,
                               GError **error)
{
  return applies_then (self, operations, n, release_again, error);
}

/* Reads */

static SbFileInfo *
finds_no_file_in_silence (SbStore *self, const char *name, GError **error)
{
  return sound->file (self, name, NULL);
}

static SbFileInfo *
shows_open_rights_alone (SbStore *self, const char *name, GError **error)
{
  SbFileInfo *info = sound->file (self, name, error);

  for (guint i = info != NULL ? info->rights->len : 0; i-- > 0;)
    if (sb_delivery_state_has_ended (g_array_index (info->rights, SbFileRight, i).state))
      g_array_remove_index (info->rights, i);
  return info;
}

static SbFileInfo *
shows_the_notified_as_confirmed (SbStore *self, const char *name, GError **error)
{
  SbFileInfo *info = sound->file (self, name, error);

  for (guint i = 0; info != NULL && i < info->rights->len; i++)
    if (g_array_index (info->rights, SbFileRight, i).state == SB_DELIVERY_NOTIFIED)
      g_array_index (info->rights, SbFileRight, i).state = SB_DELIVERY_CONFIRMED;
  return info;
}

static SbFileInfo *
finds_files_in_any_case (SbStore *self, const char *name, GError **error)
{
  g_autoptr (GPtrArray) rows = sound->files (self, "", G_MAXUINT, NULL);

  for (guint i = 0; i < rows->len; i++)
    {
      const SbFile *file = ((SbFileInfo *) rows->pdata[i])->file;

      if (g_ascii_strcasecmp (file->name, name) == 0)
        return sound->file (self, file->name, error);
    }
  return sound->file (self, name, error);
}

static SbFileInfo *
forgets_times_of_files (SbStore *self, const char *name, GError **error)
{
  SbFileInfo *info = sound->file (self, name, error);

  if (info != NULL)
    info->deadline = 0;
  return info;
}

static SbFileInfo *
forgets_what_a_file_was (SbStore *self, const char *name, GError **error)
{
  SbFileInfo *info = sound->file (self, name, error);
  const guint8 digest[SB_FILE_DIGEST_SIZE] = { 0 };
  SbFile *file = info != NULL ? info->file : NULL;

  if (info == NULL)
    return NULL;
  info->file = sb_file_new (file->id, file->name, file->display_name, file->size, digest);
  sb_file_unref (file);
  return info;
}

static GPtrArray *
lists_all_files_on_a_page (SbStore *self, const char *after, guint limit, GError **error)
{
  return sound->files (self, after, G_MAXUINT, error);
}

static GPtrArray *
lists_the_file_before_on_the_page (SbStore *self, const char *after, guint limit, GError **error)
{
  g_autofree char *before = g_strndup (after, MAX (strlen (after), 1) - 1);

  return sound->files (self, before, limit, error);
}

static GPtrArray *
lists_the_last_file_first (SbStore *self, const char *after, guint limit, GError **error)
{
  GPtrArray *rows = sound->files (self, after, limit, error);
  gpointer first = rows->len > 1 ? rows->pdata[0] : NULL;

  if (first != NULL)
    {
      rows->pdata[0] = rows->pdata[rows->len - 1];
      rows->pdata[rows->len - 1] = first;
    }
  return rows;
}

static gboolean
counts_no_files (SbStore *self, SbStoreStats *stats, GError **error)
{
  gboolean filled = sound->stats (self, stats, error);

  stats->files = 0;
  return filled;
}

static gboolean
counts_bytes_of_files_in_32_bits (SbStore *self, SbStoreStats *stats, GError **error)
{
  gboolean filled = sound->stats (self, stats, error);

  stats->file_bytes = (guint32) stats->file_bytes;
  return filled;
}

static GPtrArray *
lists_the_notified_with_the_pending (SbStore *self, const SbDeliveryFilter *filter,
                                     const char *after, guint limit, char **next, GError **error)
{
  SbDeliveryFilter wide = *filter;

  if ((wide.states & 1u << SB_DELIVERY_PENDING) != 0)
    wide.states |= 1u << SB_DELIVERY_NOTIFIED;
  return sound->deliveries (self, &wide, after, limit, next, error);
}

static GPtrArray *
lists_no_notified (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                   char **next, GError **error)
{
  SbDeliveryFilter narrow = *filter;

  narrow.states &= ~(1u << SB_DELIVERY_NOTIFIED);
  return sound->deliveries (self, &narrow, after, limit, next, error);
}

FAULT (apply, takes_one_message_alone)
FAULT (apply, blames_the_first)
FAULT (apply, does_not_say_that_a_name_is_taken)
FAULT (apply, gives_a_name_twice)
FAULT (apply, keeps_files_that_nobody_gets)
FAULT (apply, releases_files_of_the_dead)
FAULT (apply, takes_a_confirmation_for_a_release)
FAULT (apply, never_releases)
FAULT (apply, does_not_say_that_it_notified)
FAULT (apply, does_not_say_what_it_released)
FAULT (apply, cuts_sizes_of_what_it_released)
FAULT (apply, gives_a_receipt_for_a_notice)
FAULT (apply, releases_with_the_first)
FAULT (apply, sweeps_and_does_not_say_what_it_released)
FAULT (apply, sweeps_and_does_not_say_how_much_it_released)
FAULT (apply, sweeps_and_releases_with_each)
FAULT (file, finds_no_file_in_silence)
FAULT (file, shows_open_rights_alone)
FAULT (file, shows_the_notified_as_confirmed)
FAULT (file, finds_files_in_any_case)
FAULT (file, forgets_times_of_files)
FAULT (file, forgets_what_a_file_was)
FAULT (files, lists_all_files_on_a_page)
FAULT (files, lists_the_file_before_on_the_page)
FAULT (files, lists_the_last_file_first)
FAULT (stats, counts_no_files)
FAULT (stats, counts_bytes_of_files_in_32_bits)
FAULT (deliveries, lists_the_notified_with_the_pending)
FAULT (deliveries, lists_no_notified)

const Fault file_faults[] = {
  { "takes-one-message-alone", install_takes_one_message_alone },
  { "blames-the-first", install_blames_the_first },
  { "does-not-say-that-a-name-is-taken", install_does_not_say_that_a_name_is_taken },
  { "gives-a-name-twice", install_gives_a_name_twice },
  { "keeps-files-that-nobody-gets", install_keeps_files_that_nobody_gets },
  { "releases-files-of-the-dead", install_releases_files_of_the_dead },
  { "takes-a-confirmation-for-a-release", install_takes_a_confirmation_for_a_release },
  { "never-releases", install_never_releases },
  { "does-not-say-that-it-notified", install_does_not_say_that_it_notified },
  { "does-not-say-what-it-released", install_does_not_say_what_it_released },
  { "cuts-sizes-of-what-it-released", install_cuts_sizes_of_what_it_released },
  { "gives-a-receipt-for-a-notice", install_gives_a_receipt_for_a_notice },
  { "releases-with-the-first", install_releases_with_the_first },
  { "sweeps-and-does-not-say-what-it-released", install_sweeps_and_does_not_say_what_it_released },
  { "sweeps-and-does-not-say-how-much-it-released",
    install_sweeps_and_does_not_say_how_much_it_released },
  { "sweeps-and-releases-with-each", install_sweeps_and_releases_with_each },
  { "finds-no-file-in-silence", install_finds_no_file_in_silence },
  { "shows-open-rights-alone", install_shows_open_rights_alone },
  { "shows-the-notified-as-confirmed", install_shows_the_notified_as_confirmed },
  { "finds-files-in-any-case", install_finds_files_in_any_case },
  { "forgets-times-of-files", install_forgets_times_of_files },
  { "forgets-what-a-file-was", install_forgets_what_a_file_was },
  { "lists-all-files-on-a-page", install_lists_all_files_on_a_page },
  { "lists-the-file-before-on-the-page", install_lists_the_file_before_on_the_page },
  { "lists-the-last-file-first", install_lists_the_last_file_first },
  { "counts-no-files", install_counts_no_files },
  { "counts-bytes-of-files-in-32-bits", install_counts_bytes_of_files_in_32_bits },
  { "lists-the-notified-with-the-pending", install_lists_the_notified_with_the_pending },
  { "lists-no-notified", install_lists_no_notified },
  { NULL },
};
