/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* faults: what the stores of the faulty module are made of. */
#pragma once

#include "simplebus.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  void (*install) (SbStoreInterface *iface);
} Fault;

/* The memory store's own functions. */
extern SbStoreInterface *sound;

/* Makes install_NAME, which puts the function of that name in the place of a sound one. */
#define FAULT(vfunc, func)                             \
  static void install_##func (SbStoreInterface *iface) \
  {                                                    \
    iface->vfunc = func;                               \
  }

/* Lists that end with no name. */
extern const Fault change_faults[];
extern const Fault list_faults[];
extern const Fault file_faults[];

/* Applies them one by one, without those that are lost. */
gboolean applies_all_but (SbStore *self, SbOperation *const *operations, guint n,
                          gboolean (*is_lost) (const SbOperation *), GError **error);
/* Calls @func on each operation after it was applied. */
gboolean applies_then (SbStore *self, SbOperation *const *operations, guint n,
                       void (*func) (SbOperation *), GError **error);
/* Calls @func on each operation before it is applied. */
gboolean applies_after (SbStore *self, SbOperation *const *operations, guint n,
                        void (*func) (SbOperation *), GError **error);

G_END_DECLS
