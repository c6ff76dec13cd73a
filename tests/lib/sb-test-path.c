/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-path: an SbDelivery that takes notes. */

#include "sb-test-path.h"

struct _SbTestPath
{
  GObject parent_instance;

  GString *delivered; /* (owned) */
  GString *receipts;  /* (owned) */
  GString *expired;   /* (owned) */
  SbMessage *last;    /* (owned) (nullable) */
  guint n_delivered;
  guint room;
  int close_reason;
  SbTestPathFunc func;
  gpointer user_data;
};

static void sb_test_path_iface_init (SbDeliveryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SbTestPath, sb_test_path, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SB_TYPE_DELIVERY, sb_test_path_iface_init))

static void
sb_test_path_finalize (GObject *object)
{
  SbTestPath *self = SB_TEST_PATH (object);

  g_clear_pointer (&self->last, sb_message_unref);
  g_string_free (self->delivered, TRUE);
  g_string_free (self->receipts, TRUE);
  g_string_free (self->expired, TRUE);
  G_OBJECT_CLASS (sb_test_path_parent_class)->finalize (object);
}

static void
sb_test_path_class_init (SbTestPathClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_test_path_finalize;
}

static void
sb_test_path_init (SbTestPath *self)
{
  self->delivered = g_string_new (NULL);
  self->receipts = g_string_new (NULL);
  self->expired = g_string_new (NULL);
  self->room = G_MAXUINT;
  self->close_reason = -1;
}

static void note (GString *list, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
note (GString *list, const char *format, ...)
{
  va_list args;

  if (list->len > 0)
    g_string_append_c (list, ' ');
  va_start (args, format);
  g_string_append_vprintf (list, format, args);
  va_end (args);
}

/* Nothing may be written to a path that is closed or said that it is not ready. */
static void
use_room (SbTestPath *self)
{
  g_assert_cmpint (self->close_reason, ==, -1);
  g_assert_cmpuint (self->room, >, 0);
  if (self->room != G_MAXUINT)
    self->room--;
}

static void
test_path_deliver (SbDelivery *delivery, SbMessage *message)
{
  SbTestPath *self = SB_TEST_PATH (delivery);

  use_room (self);
  note (self->delivered, "%s", message->id);
  self->n_delivered++;
  g_clear_pointer (&self->last, sb_message_unref);
  self->last = sb_message_ref (message);
  if (self->func != NULL)
    self->func (self, message, self->user_data);
}

static gboolean
test_path_is_ready (SbDelivery *delivery)
{
  return SB_TEST_PATH (delivery)->room > 0;
}

static void
test_path_receipt (SbDelivery *delivery, const char *id, const char *recipient)
{
  SbTestPath *self = SB_TEST_PATH (delivery);

  use_room (self);
  note (self->receipts, "%s<%s", id, recipient);
}

static void
test_path_expired (SbDelivery *delivery, const char *id, const char *recipient, const char *reason)
{
  note (SB_TEST_PATH (delivery)->expired, "%s<%s:%s", id, recipient, reason);
}

static void
test_path_close (SbDelivery *delivery, SbCloseReason reason)
{
  SbTestPath *self = SB_TEST_PATH (delivery);

  g_assert_cmpint (self->close_reason, ==, -1);
  self->close_reason = reason;
}

static void
sb_test_path_iface_init (SbDeliveryInterface *iface)
{
  iface->deliver = test_path_deliver;
  iface->is_ready = test_path_is_ready;
  iface->receipt = test_path_receipt;
  iface->expired = test_path_expired;
  iface->close = test_path_close;
}

SbTestPath *
sb_test_path_new (void)
{
  return g_object_new (SB_TYPE_TEST_PATH, NULL);
}

void
sb_test_path_set_ready (SbTestPath *self, gboolean is_ready)
{
  self->room = is_ready ? G_MAXUINT : 0;
}

void
sb_test_path_set_room (SbTestPath *self, guint room)
{
  self->room = room;
}

void
sb_test_path_set_func (SbTestPath *self, SbTestPathFunc func, gpointer user_data)
{
  self->func = func;
  self->user_data = user_data;
}

static char *
take (GString **list)
{
  char *taken = g_string_free (*list, FALSE);

  *list = g_string_new (NULL);
  return taken;
}

char *
sb_test_path_take (SbTestPath *self)
{
  return take (&self->delivered);
}

char *
sb_test_path_take_receipts (SbTestPath *self)
{
  return take (&self->receipts);
}

char *
sb_test_path_take_expired (SbTestPath *self)
{
  return take (&self->expired);
}

guint
sb_test_path_get_n_delivered (SbTestPath *self)
{
  return self->n_delivered;
}

SbMessage *
sb_test_path_get_last (SbTestPath *self)
{
  return self->last;
}

int
sb_test_path_get_close_reason (SbTestPath *self)
{
  return self->close_reason;
}
