/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-draft: a message before it is sent. Its members are kept as JSON and put side by side
 * at the end, so that a payload reaches the recipients with the bytes that were given here.
 */

#include "sb-client-draft.h"

#include "sb-client-private.h"
#include "sb-envelope.h"
#include "sb-json-private.h"

#include <string.h>

#define MAX_ID_LENGTH 128

typedef struct
{
  char *name; /* (owned) */
  char *json; /* (owned) its value */
} Member;

struct _SbClientDraft
{
  GObject parent_instance;

  char *id;       /* (owned) (nullable) */
  char *to;       /* (owned) as JSON */
  char *payload;  /* (owned) as JSON */
  char *uids;     /* (owned) (nullable) as JSON */
  GArray *others; /* (owned) of Member */
  gint64 ttl;     /* seconds; -1: not given */
  gint64 not_before;
  gboolean direct;
};

G_DEFINE_FINAL_TYPE (SbClientDraft, sb_client_draft, G_TYPE_OBJECT)

static void
member_clear (gpointer data)
{
  Member *member = data;

  g_free (member->name);
  g_free (member->json);
}

static void
sb_client_draft_finalize (GObject *object)
{
  SbClientDraft *self = SB_CLIENT_DRAFT (object);

  g_free (self->id);
  g_free (self->to);
  g_free (self->payload);
  g_free (self->uids);
  g_array_unref (self->others);
  G_OBJECT_CLASS (sb_client_draft_parent_class)->finalize (object);
}

static void
sb_client_draft_class_init (SbClientDraftClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_client_draft_finalize;
}

static void
sb_client_draft_init (SbClientDraft *self)
{
  self->ttl = -1;
  self->others = g_array_new (FALSE, FALSE, sizeof (Member));
  g_array_set_clear_func (self->others, member_clear);
}

static char *
strings_to_json (const char *const *strings)
{
  g_autoptr (GString) json = g_string_new ("[");

  for (; *strings != NULL; strings++)
    {
      if (json->len > 1)
        g_string_append_c (json, ',');
      sb_json_append_string (json, *strings);
    }
  g_string_append_c (json, ']');
  return g_string_free (g_steal_pointer (&json), FALSE);
}

/* As the value of a member, so that what passes here passes in the message as well. */
static gboolean
check_json (const char *what, const char *json, GError **error)
{
  g_autoptr (GError) fault = NULL;
  SbJsonScan scan;
  const char *p;

  sb_json_scan_init (&scan, json, strlen (json));
  p = sb_json_scan_start (&scan);
  if (p != NULL)
    p = sb_json_scan_value (&scan, p, 1);
  if (p != NULL && sb_json_skip_space (p, scan.end) == scan.end)
    return TRUE;
  if (p != NULL)
    sb_json_fail (&scan, p, "something is behind the end of the value");
  sb_json_scan_set_error (&scan, &fault);
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID, "%s is not JSON: %s", what,
               fault->message);
  return FALSE;
}

static gboolean
check_address (const char *address, GError **error)
{
  if (g_utf8_validate (address, -1, NULL) && *address != '\0' && strcmp (address, "@") != 0
      && strcmp (address, "#") != 0 && (*address != '$' || strcmp (address, "$all") == 0))
    return TRUE;
  g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                       "An address is @user, #tag or $all");
  return FALSE;
}

/**
 * sb_client_draft_new:
 * @to: (array zero-terminated=1): addresses: `@user`, `#tag` or `$all`
 * @payload: what to send, any JSON value
 * @error: return location
 *
 * Begins a message.
 *
 * Returns: (transfer full) (nullable): a draft; %NULL with %SB_CLIENT_ERROR_INVALID
 */
SbClientDraft *
sb_client_draft_new (const char *const *to, const char *payload, GError **error)
{
  SbClientDraft *self;

  g_return_val_if_fail (to != NULL, NULL);
  g_return_val_if_fail (payload != NULL, NULL);

  if (*to == NULL)
    {
      g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                           "A message needs somebody whom it is to");
      return NULL;
    }
  for (const char *const *address = to; *address != NULL; address++)
    if (!check_address (*address, error))
      return NULL;
  if (!check_json ("The message", payload, error))
    return NULL;

  self = g_object_new (SB_TYPE_CLIENT_DRAFT, NULL);
  self->to = strings_to_json (to);
  self->payload = g_strdup (payload);
  return self;
}

static char *
dup_slice (SbSlice slice)
{
  return slice.data != NULL ? g_strndup (slice.data, slice.length) : NULL;
}

static void
add_member (SbClientDraft *self, char *name, char *json)
{
  Member member = { name, json };

  g_array_append_val (self->others, member);
}

static void
remove_member (SbClientDraft *self, const char *name)
{
  for (guint i = 0; i < self->others->len; i++)
    if (strcmp (g_array_index (self->others, Member, i).name, name) == 0)
      {
        g_array_remove_index (self->others, i);
        return;
      }
}

static gboolean
is_envelope_member (const char *name)
{
  static const char *const names[] = { "_id",    "sender", "to",         "message", "uid",
                                       "direct", "ttl",    "not_before", NULL };

  return g_strv_contains (names, name);
}

/* Keeps the members that are nothing to the envelope, which was found to be sound. */
static gboolean
take_other_members (SbClientDraft *self, const SbEnvelope *envelope, GError **error)
{
  SbJsonScan scan;
  const char *p = envelope->open;

  sb_json_scan_init (&scan, envelope->data, envelope->length);
  for (p = sb_json_skip_space (p, scan.end); *p != '}'; p = sb_json_skip_space (p, scan.end))
    {
      gboolean escaped;
      const char *key = sb_json_skip_space (*p == ',' ? p + 1 : p, scan.end);
      const char *key_end = sb_json_scan_key (&scan, key, &escaped);
      const char *value = sb_json_skip_space (sb_json_scan_colon (&scan, key_end), scan.end);
      g_autofree char *name = sb_json_unescape ((SbSlice) { key + 1, (gsize) (key_end - key) - 2 },
                                                error);

      if (name == NULL)
        return FALSE;
      p = sb_json_scan_value (&scan, value, 1);
      if (!is_envelope_member (name))
        add_member (self, g_steal_pointer (&name), g_strndup (value, (gsize) (p - value)));
    }
  return TRUE;
}

static gboolean
take_envelope (SbClientDraft *self, const SbEnvelope *envelope, GError **error)
{
  self->to = dup_slice (envelope->values[SB_MEMBER_TO]);
  self->payload = dup_slice (envelope->values[SB_MEMBER_MESSAGE]);
  self->uids = dup_slice (envelope->values[SB_MEMBER_UID]);
  if (self->to == NULL || self->payload == NULL)
    {
      g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                           "A message needs \"to\" and \"message\"");
      return FALSE;
    }
  if (sb_envelope_has (envelope, SB_MEMBER_ID))
    {
      g_autofree char *id = sb_envelope_dup_string (envelope, SB_MEMBER_ID, error);

      if (id == NULL || !sb_client_draft_set_id (self, id, error))
        return FALSE;
    }
  return (!sb_envelope_has (envelope, SB_MEMBER_DIRECT)
          || sb_envelope_get_boolean (envelope, SB_MEMBER_DIRECT, &self->direct, error))
         && (!sb_envelope_has (envelope, SB_MEMBER_TTL)
             || sb_envelope_get_integer (envelope, SB_MEMBER_TTL, &self->ttl, error))
         && (!sb_envelope_has (envelope, SB_MEMBER_NOT_BEFORE)
             || sb_envelope_get_integer (envelope, SB_MEMBER_NOT_BEFORE, &self->not_before, error));
}

/**
 * sb_client_draft_new_from_json:
 * @json: a message as it is given to `/put`: an object with `to` and `message`
 * @error: return location
 *
 * Makes a draft of a message that was written by hand or kept in a file. A `sender` is left out,
 * since the bus sets it.
 *
 * Returns: (transfer full) (nullable): a draft; %NULL with %SB_CLIENT_ERROR_INVALID
 */
SbClientDraft *
sb_client_draft_new_from_json (const char *json, GError **error)
{
  g_autoptr (SbClientDraft) self = NULL;
  g_autoptr (GError) fault = NULL;
  SbEnvelope envelope;

  g_return_val_if_fail (json != NULL, NULL);

  self = g_object_new (SB_TYPE_CLIENT_DRAFT, NULL);
  if (sb_envelope_scan (&envelope, json, strlen (json), &fault)
      && take_envelope (self, &envelope, &fault) && take_other_members (self, &envelope, &fault))
    return g_steal_pointer (&self);
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID, "This is no message: %s",
               fault->message);
  return NULL;
}

/**
 * sb_client_draft_get_id:
 * @self: a draft
 *
 * Returns: (transfer none) (nullable): its `_id`; %NULL when it has none yet
 */
const char *
sb_client_draft_get_id (SbClientDraft *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_DRAFT (self), NULL);

  return self->id;
}

static gboolean
is_id (const char *id)
{
  gsize length = strlen (id);

  if (length == 0 || length > MAX_ID_LENGTH || !g_utf8_validate (id, (gssize) length, NULL))
    return FALSE;
  for (const char *p = id; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)) || *p == '/' || *p == '\\')
      return FALSE;
  return TRUE;
}

/**
 * sb_client_draft_set_id:
 * @self: a draft
 * @id: its `_id`: 1 to 128 bytes without control characters, `/` and `\`
 * @error: return location
 *
 * Names the message. The bus takes the same `_id` of the same user once, so this is the key that
 * makes sending again harmless. Without it the client makes one.
 *
 * Returns: whether it can be an id, else %SB_CLIENT_ERROR_INVALID
 */
gboolean
sb_client_draft_set_id (SbClientDraft *self, const char *id, GError **error)
{
  g_return_val_if_fail (SB_IS_CLIENT_DRAFT (self), FALSE);
  g_return_val_if_fail (id != NULL, FALSE);

  if (!is_id (id))
    {
      g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                           "An _id has 1 to 128 bytes, no control characters, no / and no \\");
      return FALSE;
    }
  g_free (self->id);
  self->id = g_strdup (id);
  return TRUE;
}

/* Ids are made of chance alone, so that nobody can guess one and take it first. */
void
sb_client_draft_make_id (SbClientDraft *self)
{
  g_autofree char *uuid = NULL;
  GString *id;

  if (self->id != NULL)
    return;
  uuid = g_uuid_string_random ();
  id = g_string_new (uuid);
  g_string_replace (id, "-", "", 0);
  self->id = g_string_free (id, FALSE);
}

/* A draft may be sent again, and is another message then: it does not get an id by being sent. */
SbClientDraft *
sb_client_draft_with_id (SbClientDraft *self)
{
  g_autofree char *json = NULL;
  SbClientDraft *copy;

  if (self->id != NULL)
    return g_object_ref (self);
  json = sb_client_draft_to_json (self);
  copy = sb_client_draft_new_from_json (json, NULL);
  sb_client_draft_make_id (copy);
  return copy;
}

/**
 * sb_client_draft_set_uids:
 * @self: a draft
 * @uids: (array zero-terminated=1) (nullable): ids of configurations
 *
 * Says for which configurations of a device it is.
 */
void
sb_client_draft_set_uids (SbClientDraft *self, const char *const *uids)
{
  g_return_if_fail (SB_IS_CLIENT_DRAFT (self));

  g_free (self->uids);
  self->uids = uids != NULL && *uids != NULL ? strings_to_json (uids) : NULL;
}

/**
 * sb_client_draft_set_ttl:
 * @self: a draft
 * @seconds: for how long it is delivered at all; -1: as the bus has it
 *
 * Bounds its life.
 */
void
sb_client_draft_set_ttl (SbClientDraft *self, gint64 seconds)
{
  g_return_if_fail (SB_IS_CLIENT_DRAFT (self));

  self->ttl = seconds;
}

/**
 * sb_client_draft_set_not_before:
 * @self: a draft
 * @unix_time: in seconds; 0: at once
 *
 * Puts delivery off.
 */
void
sb_client_draft_set_not_before (SbClientDraft *self, gint64 unix_time)
{
  g_return_if_fail (SB_IS_CLIENT_DRAFT (self));

  self->not_before = unix_time;
}

/**
 * sb_client_draft_get_direct:
 * @self: a draft
 *
 * Returns: whether it goes to open sessions only
 */
gboolean
sb_client_draft_get_direct (SbClientDraft *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_DRAFT (self), FALSE);

  return self->direct;
}

/**
 * sb_client_draft_set_direct:
 * @self: a draft
 * @direct: whether it goes to open sessions only, at once, and is stored nowhere
 *
 * Chooses between the two ways of delivery.
 */
void
sb_client_draft_set_direct (SbClientDraft *self, gboolean direct)
{
  g_return_if_fail (SB_IS_CLIENT_DRAFT (self));

  self->direct = direct;
}

/**
 * sb_client_draft_set_member:
 * @self: a draft
 * @name: of a member that means nothing to the bus, such as `recipient`
 * @json: its value, as JSON
 * @error: return location
 *
 * Adds a member that the recipients get to see beside the payload.
 *
 * Returns: whether it may be added, else %SB_CLIENT_ERROR_INVALID
 */
gboolean
sb_client_draft_set_member (SbClientDraft *self, const char *name, const char *json, GError **error)
{
  g_return_val_if_fail (SB_IS_CLIENT_DRAFT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (json != NULL, FALSE);

  if (!check_json (name, json, error))
    return FALSE;
  if (is_envelope_member (name) || !g_utf8_validate (name, -1, NULL))
    {
      g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                           "No member may be called so");
      return FALSE;
    }
  remove_member (self, name);
  add_member (self, g_strdup (name), g_strdup (json));
  return TRUE;
}

/**
 * sb_client_draft_to_json:
 * @self: a draft
 *
 * Returns: (transfer full): the message as it is given to the bus
 */
char *
sb_client_draft_to_json (SbClientDraft *self)
{
  GString *json;

  g_return_val_if_fail (SB_IS_CLIENT_DRAFT (self), NULL);

  json = g_string_new ("{\"to\":");
  g_string_append (json, self->to);
  if (self->id != NULL)
    {
      g_string_append (json, ",\"_id\":");
      sb_json_append_string (json, self->id);
    }
  if (self->uids != NULL)
    g_string_append_printf (json, ",\"uid\":%s", self->uids);
  if (self->direct)
    g_string_append (json, ",\"direct\":true");
  if (self->ttl >= 0)
    g_string_append_printf (json, ",\"ttl\":%" G_GINT64_FORMAT, self->ttl);
  if (self->not_before > 0)
    g_string_append_printf (json, ",\"not_before\":%" G_GINT64_FORMAT, self->not_before);
  for (guint i = 0; i < self->others->len; i++)
    {
      const Member *member = &g_array_index (self->others, Member, i);

      g_string_append_c (json, ',');
      sb_json_append_string (json, member->name);
      g_string_append_printf (json, ":%s", member->json);
    }
  g_string_append (json, ",\"message\":");
  g_string_append (json, self->payload);
  g_string_append_c (json, '}');
  return g_string_free (json, FALSE);
}
