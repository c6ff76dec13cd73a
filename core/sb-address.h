/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-address: whom a message is for, as its sender wrote it in `to`.
 *
 * An address is only a name here. Whether anybody answers to it is the router's
 * business.
 */
#pragma once

#include "sb-json.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define SB_ADDRESS_MAX_NAME 256    /* bytes */
#define SB_ADDRESS_MAX_COUNT 10000 /* in one message */

/**
 * SbAddressKind:
 * @SB_ADDRESS_USER: `@id`, one user
 * @SB_ADDRESS_TAG: `#tag` or a bare word, the users that carry the tag
 * @SB_ADDRESS_ALL: `$all`, every user
 *
 * What an address stands for.
 */
typedef enum
{
  SB_ADDRESS_USER,
  SB_ADDRESS_TAG,
  SB_ADDRESS_ALL,
} SbAddressKind;

/**
 * SbAddress:
 * @kind: what it stands for
 * @name: (nullable): of the user or tag, without the sign before it; %NULL for all
 *
 * One address. It lives as long as the list that it is in.
 */
typedef struct
{
  SbAddressKind kind;
  const char *name;
} SbAddress;

/**
 * SbAddressList:
 * @length: how many there are, at least 1
 * @items: (array length=length): the addresses as they were written, repeated ones too
 *
 * The addresses of a message; immutable and reference-counted.
 */
typedef struct
{
  /*< private >*/
  gatomicrefcount ref_count;

  /*< public >*/
  guint length;
  SbAddress items[];
} SbAddressList;

#define SB_TYPE_ADDRESS_LIST (sb_address_list_get_type ())

GType sb_address_list_get_type (void);
SbAddressList *sb_address_list_parse (SbSlice to, GError **error);
SbAddressList *sb_address_list_ref (SbAddressList *self);
void sb_address_list_unref (SbAddressList *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbAddressList, sb_address_list_unref)

char *sb_address_to_string (const SbAddress *self);

G_END_DECLS
