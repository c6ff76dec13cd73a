/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-recipient: an SbDelivery that the bus makes, and a test drives. */

#include "sb-test-recipient.h"

#include "sb-error.h"

#include <json-glib/json-glib.h>
#include <string.h>

struct _SbTestRecipient
{
  GObject parent_instance;

  SbOutbound *outbound; /* (borrowed) (nullable) between open and close */
  guint parallel;
  GQueue messages; /* of SbMessage (owned) that were not answered */
  GString *given;  /* (owned) */
};

static void sb_test_recipient_iface_init (SbDeliveryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SbTestRecipient, sb_test_recipient, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SB_TYPE_DELIVERY,
                                                      sb_test_recipient_iface_init))

/* Those that are open. */
static GList *recipients;

static gboolean
recipient_open (SbDelivery *delivery, SbOutbound *outbound, SbConfig *config,
                const char *properties, GError **error)
{
  SbTestRecipient *self = SB_TEST_RECIPIENT (delivery);
  g_autoptr (JsonNode) node = json_from_string (properties, error);
  JsonObject *object;

  g_assert_nonnull (node);
  object = json_node_get_object (node);
  if (json_object_get_boolean_member_with_default (object, "faulty", FALSE))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "it is said to be faulty");
      return FALSE;
    }
  self->parallel = json_object_get_int_member_with_default (object, "parallel", 1);
  self->outbound = outbound;
  sb_outbound_set_ordered (outbound, self->parallel == 1);
  recipients = g_list_prepend (recipients, self);
  return TRUE;
}

static void
recipient_deliver (SbDelivery *delivery, SbMessage *message)
{
  SbTestRecipient *self = SB_TEST_RECIPIENT (delivery);

  g_assert_nonnull (self->outbound);
  g_queue_push_tail (&self->messages, sb_message_ref (message));
  g_string_append_printf (self->given, "%s%s", self->given->len > 0 ? " " : "", message->id);
}

static gboolean
recipient_is_ready (SbDelivery *delivery)
{
  SbTestRecipient *self = SB_TEST_RECIPIENT (delivery);

  return self->messages.length < self->parallel;
}

static void
recipient_close (SbDelivery *delivery, SbCloseReason reason)
{
  SbTestRecipient *self = SB_TEST_RECIPIENT (delivery);

  self->outbound = NULL;
  recipients = g_list_remove (recipients, self);
}

static void
sb_test_recipient_iface_init (SbDeliveryInterface *iface)
{
  iface->open = recipient_open;
  iface->deliver = recipient_deliver;
  iface->is_ready = recipient_is_ready;
  iface->close = recipient_close;
}

static void
sb_test_recipient_finalize (GObject *object)
{
  SbTestRecipient *self = SB_TEST_RECIPIENT (object);

  g_assert_null (self->outbound);
  g_queue_clear_full (&self->messages, (GDestroyNotify) sb_message_unref);
  g_string_free (self->given, TRUE);
  G_OBJECT_CLASS (sb_test_recipient_parent_class)->finalize (object);
}

static void
sb_test_recipient_class_init (SbTestRecipientClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_test_recipient_finalize;
}

static void
sb_test_recipient_init (SbTestRecipient *self)
{
  self->given = g_string_new (NULL);
}

void
sb_test_recipient_register (SbRegistry *registry)
{
  g_autoptr (GError) error = NULL;

  sb_registry_add (registry, SB_TYPE_DELIVERY, "test", SB_TYPE_TEST_RECIPIENT, &error);
  g_assert_no_error (error);
}

SbTestRecipient *
sb_test_recipient_find (const char *user)
{
  for (GList *l = recipients; l != NULL; l = l->next)
    {
      SbTestRecipient *self = l->data;

      if (g_str_equal (sb_outbound_get_user (self->outbound)->id, user))
        return self;
    }
  return NULL;
}

char *
sb_test_recipient_take (SbTestRecipient *self)
{
  char *given = g_strdup (self->given->str);

  g_string_truncate (self->given, 0);
  return given;
}

static SbMessage *
take_message (SbTestRecipient *self, const char *id)
{
  for (GList *l = self->messages.head; l != NULL; l = l->next)
    {
      SbMessage *message = l->data;

      if (g_str_equal (message->id, id))
        {
          g_queue_delete_link (&self->messages, l);
          return message;
        }
    }
  g_error ("the recipient was not given %s", id);
}

void
sb_test_recipient_confirm (SbTestRecipient *self, const char *id)
{
  g_autoptr (SbMessage) message = take_message (self, id);
  const SbAttempt attempt = { .status = 200 };

  sb_outbound_confirm (self->outbound, message, &attempt);
}

void
sb_test_recipient_fail (SbTestRecipient *self, const char *id, SbFailure failure,
                        gint64 retry_after, guint status)
{
  g_autoptr (SbMessage) message = take_message (self, id);
  const char *text = status != 0 ? "no" : "refused";
  const SbAttempt attempt = { .started = sb_clock_wall (sb_outbound_get_clock (self->outbound)),
                              .latency = 5000,
                              .status = status,
                              .text = text,
                              .length = strlen (text) };

  sb_outbound_fail (self->outbound, message, failure, retry_after, &attempt);
}

guint
sb_test_recipient_get_n_open (SbTestRecipient *self)
{
  return self->messages.length;
}
