/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-address: `to` → addresses.
 *
 * Every message passes here, so a list is one block of memory: the head, the
 * addresses, and behind them their names.
 */

#include "sb-address.h"

#include "sb-error.h"
#include "sb-json-private.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (SbAddressList, sb_address_list, sb_address_list_ref, sb_address_list_unref)

/* Counts the addresses and the bytes that their names can take at most. */
static gboolean
measure (SbSlice to, guint *count, gsize *bytes, GError **error)
{
  SbStringIter iter;
  SbSlice inner;
  g_autoptr (GError) local_error = NULL;

  sb_string_iter_init (&iter, to);
  while (sb_string_iter_next (&iter, &inner, NULL, &local_error))
    {
      if (++*count > SB_ADDRESS_MAX_COUNT)
        {
          g_set_error (error, SB_ERROR, SB_ERROR_TOO_LARGE, "\"to\" has more than %d addresses",
                       SB_ADDRESS_MAX_COUNT);
          return FALSE;
        }
      *bytes += inner.length + 1;
    }
  if (local_error == NULL && *count > 0)
    return TRUE;
  if (local_error != NULL)
    g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "\"to\": ");
  else
    g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "\"to\" has no address");
  return FALSE;
}

static gboolean
check_name (const char *name, GError **error)
{
  gsize length = strlen (name);
  const char *what = NULL;

  if (length == 0)
    what = "the name is empty";
  else if (length > SB_ADDRESS_MAX_NAME)
    what = "the name is longer than " G_STRINGIFY (SB_ADDRESS_MAX_NAME) " bytes";
  else if (sb_utf8_has_control (name, length))
    what = "the name has a control character";
  if (what == NULL)
    return TRUE;

  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, what);
  return FALSE;
}

/* Reads an address that is already where the list keeps it. */
static gboolean
parse_one (SbAddress *address, const char *text, GError **error)
{
  if (*text == '$')
    {
      if (strcmp (text, "$all") != 0)
        {
          g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "only $all may begin with $");
          return FALSE;
        }
      address->kind = SB_ADDRESS_ALL;
      address->name = NULL;
      return TRUE;
    }
  address->kind = *text == '@' ? SB_ADDRESS_USER : SB_ADDRESS_TAG;
  address->name = *text == '@' || *text == '#' ? text + 1 : text;
  return check_name (address->name, error);
}

/* Puts the string between an element's quotes at *out, which moves on behind its end. */
static gboolean
store_text (SbSlice inner, gboolean has_escapes, char **out, GError **error)
{
  g_autofree char *unescaped = NULL;

  if (has_escapes)
    {
      unescaped = sb_json_unescape (inner, error);
      if (unescaped == NULL)
        return FALSE;
      inner = (SbSlice) { unescaped, strlen (unescaped) };
    }
  memcpy (*out, inner.data, inner.length);
  (*out)[inner.length] = '\0';
  *out += inner.length + 1;
  return TRUE;
}

/**
 * sb_address_list_parse:
 * @to: the value of `to`: an array of strings or one string, in JSON that was
 *   checked before; one that is absent has no address
 * @error: return location for an error
 *
 * Reads addresses. Those of the same user are not made one. Any thread.
 *
 * Returns: (transfer full): at least one address; %NULL with %SB_ERROR_INVALID
 *   naming the element, counted from 0, or %SB_ERROR_TOO_LARGE when there are
 *   more than `SB_ADDRESS_MAX_COUNT`
 */
SbAddressList *
sb_address_list_parse (SbSlice to, GError **error)
{
  g_autoptr (SbAddressList) self = NULL;
  SbStringIter iter;
  SbSlice inner;
  gboolean has_escapes;
  guint count = 0;
  gsize bytes = 0;
  char *out;

  if (!measure (to, &count, &bytes, error))
    return NULL;

  self = g_malloc (sizeof *self + count * sizeof (SbAddress) + bytes);
  g_atomic_ref_count_init (&self->ref_count);
  self->length = count;
  out = (char *) (self->items + count);

  sb_string_iter_init (&iter, to);
  for (guint i = 0; sb_string_iter_next (&iter, &inner, &has_escapes, NULL); i++)
    {
      const char *text = out;

      if (!store_text (inner, has_escapes, &out, error)
          || !parse_one (&self->items[i], text, error))
        {
          g_prefix_error (error, "\"to\": element %u: ", i);
          return NULL;
        }
    }
  return g_steal_pointer (&self);
}

/**
 * sb_address_list_ref:
 * @self: a list
 *
 * Returns: (transfer full): the same list, for which one unref more is due
 */
SbAddressList *
sb_address_list_ref (SbAddressList *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * sb_address_list_unref:
 * @self: (transfer full): a list
 *
 * Gives a reference back; the last one takes the addresses with it.
 */
void
sb_address_list_unref (SbAddressList *self)
{
  g_return_if_fail (self != NULL);

  if (g_atomic_ref_count_dec (&self->ref_count))
    g_free (self);
}

/**
 * sb_address_to_string:
 * @self: an address
 *
 * Returns: (transfer full): `@id`, `#tag` or `$all`
 */
char *
sb_address_to_string (const SbAddress *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  switch (self->kind)
    {
    case SB_ADDRESS_USER:
      return g_strconcat ("@", self->name, NULL);
    case SB_ADDRESS_TAG:
      return g_strconcat ("#", self->name, NULL);
    case SB_ADDRESS_ALL:
    default:
      return g_strdup ("$all");
    }
}
