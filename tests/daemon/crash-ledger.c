/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* crash-ledger: entries by lane and number; an id names its entry. */

#include "crash-ledger.h"

#include <string.h>

/* One message. Sets of users have the bit of each. */
typedef struct
{
  guint to;        /* which of the addressings below */
  guint size;      /* of the padding */
  guint expected;  /* set: the recipients */
  guint arrived;   /* set: who has it */
  guint confirmed; /* set: who has written a confirmation */
  guint settled;   /* set: who knows that the bus has taken it */
  gboolean acknowledged;
} Entry;

typedef struct
{
  CrashUser sender;
  GArray *entries;           /* (owned) of Entry */
  guint next[CRASH_N_USERS]; /* by recipient: the least number that may arrive for the first time */
  guint expected[CRASH_N_USERS];
  guint arrived[CRASH_N_USERS];
} Lane;

struct _CrashLedger
{
  GRand *rand;      /* (unowned) */
  char *prefix;     /* (owned) of every id */
  GPtrArray *lanes; /* (owned) of Lane */
  guint n_made;
  guint n_acknowledged;
  guint n_repeated;
  guint n_receipts;
};

#define BIT(user) (1u << (user))
#define ORDERS (BIT (CRASH_EAGER) | BIT (CRASH_LAZY) | BIT (CRASH_PULLER) | BIT (CRASH_LATE))
#define SENDERS (BIT (CRASH_FIRST) | BIT (CRASH_SECOND) | BIT (CRASH_BACK))
#define ALL (BIT (CRASH_N_USERS) - 1)

static const struct
{
  const char *name;
  const char *tags;
} users[CRASH_N_USERS] = {
  [CRASH_ADMIN] = { "admin", "" },
  [CRASH_FIRST] = { "first", "\"senders\"" },
  [CRASH_SECOND] = { "second", "\"senders\"" },
  [CRASH_BACK] = { "back", "\"senders\"" },
  [CRASH_EAGER] = { "eager", "\"orders\"" },
  [CRASH_LAZY] = { "lazy", "\"orders\",\"slow\"" },
  [CRASH_PULLER] = { "puller", "\"orders\"" },
  [CRASH_LATE] = { "late", "\"orders\",\"slow\"" },
};

/* What messages are addressed to, and how often of 100 times. A tag leaves its sender out, $all
 * does not; who is matched twice gets one copy. */
static const struct
{
  const char *json;
  guint users;
  guint but_sender;
  guint share;
} addressings[] = {
  { "[\"@eager\"]", BIT (CRASH_EAGER), 0, 25 },
  { "\"@lazy\"", BIT (CRASH_LAZY), 0, 15 },
  { "[\"@lazy\",\"@puller\"]", BIT (CRASH_LAZY) | BIT (CRASH_PULLER), 0, 15 },
  { "[\"#orders\"]", ORDERS, 0, 15 },
  { "[\"@eager\", \"#orders\", \"slow\", \"@first\"]", ORDERS | BIT (CRASH_FIRST), 0, 10 },
  { "[\"#senders\"]", 0, SENDERS, 10 },
  { "[\"$all\"]", ALL, 0, 5 },
  { "[\"@back\"]", BIT (CRASH_BACK), 0, 5 },
};

static void
lane_free (gpointer data)
{
  Lane *self = data;

  g_array_unref (self->entries);
  g_free (self);
}

/* A ledger without lanes; all ids begin with @prefix. */
CrashLedger *
crash_ledger_new (GRand *rand, const char *prefix)
{
  CrashLedger *self = g_new0 (CrashLedger, 1);

  self->rand = rand;
  self->prefix = g_strdup (prefix);
  self->lanes = g_ptr_array_new_with_free_func (lane_free);
  return self;
}

void
crash_ledger_free (CrashLedger *self)
{
  g_ptr_array_unref (self->lanes);
  g_free (self->prefix);
  g_free (self);
}

const char *
crash_user_get_name (CrashUser user)
{
  return users[user].name;
}

/* Inside of a JSON array. */
const char *
crash_user_get_tags (CrashUser user)
{
  return users[user].tags;
}

static CrashUser
find_user (const char *name)
{
  CrashUser user = 0;

  while (user < CRASH_N_USERS && strcmp (users[user].name, name) != 0)
    user++;
  return user;
}

static Entry *
get_entry (CrashLedger *self, guint lane, guint number)
{
  Lane *its = g_ptr_array_index (self->lanes, lane);

  return &g_array_index (its->entries, Entry, number);
}

/* The entry that an id names. The test fails when there is none: nobody sent that. */
static Entry *
find_entry (CrashLedger *self, const char *id, guint *lane, guint *number)
{
  guint64 values[2] = { 0, 0 };
  g_auto (GStrv) words = g_strsplit (id, "-", -1);

  if (g_strv_length (words) != 3 || strcmp (words[0], self->prefix) != 0
      || !g_ascii_string_to_unsigned (words[1], 10, 0, self->lanes->len - 1, &values[0], NULL)
      || !g_ascii_string_to_unsigned (
          words[2], 10, 0, ((Lane *) g_ptr_array_index (self->lanes, values[0]))->entries->len - 1,
          &values[1], NULL))
    g_error ("%s was never sent", id);
  *lane = (guint) values[0];
  *number = (guint) values[1];
  return get_entry (self, *lane, *number);
}

/* Making messages */

guint
crash_ledger_add_lane (CrashLedger *self, CrashUser sender)
{
  Lane *lane = g_new0 (Lane, 1);

  lane->sender = sender;
  lane->entries = g_array_new (FALSE, TRUE, sizeof (Entry));
  g_ptr_array_add (self->lanes, lane);
  return self->lanes->len - 1;
}

static guint
choose_addressing (GRand *rand)
{
  guint left = (guint) g_rand_int_range (rand, 0, 100);
  guint i = 0;

  for (; left >= addressings[i].share; i++)
    left -= addressings[i].share;
  return i;
}

/* Mostly small, sometimes larger than a page of the database, a few larger than a buffer. */
static guint
choose_size (GRand *rand)
{
  const guint limits[] = { 16, 200, 200, 200, 200, 2000, 2000, 20000 };
  guint which = (guint) g_rand_int_range (rand, 0, G_N_ELEMENTS (limits));

  if (g_rand_int_range (rand, 0, 400) == 0)
    return 300000;
  return (guint) g_rand_int_range (rand, 0, (gint32) limits[which]);
}

/* Makes the next message of a lane. Returns: its number */
guint
crash_ledger_make (CrashLedger *self, guint lane)
{
  Lane *its = g_ptr_array_index (self->lanes, lane);
  Entry entry = { .to = choose_addressing (self->rand), .size = choose_size (self->rand) };

  entry.expected = addressings[entry.to].users
                   | (addressings[entry.to].but_sender & ~BIT (its->sender));
  for (guint user = 0; user < CRASH_N_USERS; user++)
    if (entry.expected & BIT (user))
      its->expected[user]++;
  g_array_append_val (its->entries, entry);
  self->n_made++;
  return its->entries->len - 1;
}

char *
crash_ledger_print_id (CrashLedger *self, guint lane, guint number)
{
  return g_strdup_printf ("%s-%u-%u", self->prefix, lane, number);
}

/* The members that must arrive as they are, the same bytes at each call. */
static char *
print_payload (const Entry *entry, guint lane, guint number)
{
  static const char *const pieces[] = { "0123456789", "\\u0000\\\"\\/", "\xc3\xa4\xe2\x82\xac",
                                        "\xf0\x9f\x9a\x9a", " \\n\\t}]{[" };
  g_autoptr (GString) text = g_string_sized_new (entry->size + 256);

  g_string_append_printf (
      text,
      "\"to\":%s, \"uid\":[\"cfg-%u\"], \"message\" : {\"lane\":%u,\"number\":%u,"
      "\"rate\":1.10,\"big\":123456789012345678901234567890,\"pad\":\"",
      addressings[entry->to].json, number % 3, lane, number);
  for (gsize start = text->len, i = number; text->len - start < entry->size; i++)
    g_string_append (text, pieces[i % G_N_ELEMENTS (pieces)]);
  g_string_append (text, "\"}");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Returns: (transfer full): the message as it is sent, the same bytes at each call */
char *
crash_ledger_print (CrashLedger *self, guint lane, guint number)
{
  g_autofree char *payload = print_payload (get_entry (self, lane, number), lane, number);

  return g_strdup_printf ("{\"_id\":\"%s-%u-%u\",%s}", self->prefix, lane, number, payload);
}

/* What happens to them */

void
crash_ledger_acknowledge (CrashLedger *self, guint lane, guint number)
{
  Entry *entry = get_entry (self, lane, number);

  g_assert_false (entry->acknowledged);
  entry->acknowledged = TRUE;
  self->n_acknowledged++;
}

static void
check_frame (const Entry *entry, guint lane, guint number, const char *frame, gsize length)
{
  g_autofree char *payload = print_payload (entry, lane, number);
  gsize size = strlen (payload);

  if (memmem (frame, length, payload, size) == NULL)
    g_error ("message %u of lane %u is not what was sent: %.*s", number, lane,
             (int) MIN (length, 4000), frame);
}

static void
note_arrival (CrashLedger *self, Lane *lane, Entry *entry, guint number, CrashUser user)
{
  if (entry->settled & BIT (user))
    g_error ("message %u of %s came to %s again although its confirmation was settled", number,
             users[lane->sender].name, users[user].name);
  if (entry->arrived & BIT (user))
    {
      self->n_repeated++;
      return;
    }
  if (number < lane->next[user])
    g_error ("message %u of %s came to %s for the first time after number %u", number,
             users[lane->sender].name, users[user].name, lane->next[user] - 1);
  lane->next[user] = number + 1;
  lane->arrived[user]++;
  entry->arrived |= BIT (user);
}

/* A delivery came to a user. */
void
crash_ledger_arrive (CrashLedger *self, CrashUser user, const char *frame, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  SbEnvelope envelope;
  Lane *its;
  Entry *entry;
  guint lane, number;

  sb_envelope_scan (&envelope, frame, length, &error);
  g_assert_no_error (error);
  id = sb_envelope_dup_string (&envelope, SB_MEMBER_ID, &error);
  g_assert_no_error (error);
  entry = find_entry (self, id, &lane, &number);
  its = g_ptr_array_index (self->lanes, lane);
  if (!(entry->expected & BIT (user)))
    g_error ("%s is no recipient of %s", users[user].name, id);
  g_assert_true (sb_envelope_equals (&envelope, SB_MEMBER_SENDER, users[its->sender].name));
  check_frame (entry, lane, number, frame, length);
  note_arrival (self, its, entry, number, user);
}

/* The user has written a confirmation. */
void
crash_ledger_confirm (CrashLedger *self, CrashUser user, const char *id)
{
  guint lane, number;
  Entry *entry = find_entry (self, id, &lane, &number);

  g_assert_true (entry->arrived & BIT (user));
  entry->confirmed |= BIT (user);
}

/* The bus has shown that it knows of the confirmation: the message must not come again. */
void
crash_ledger_settle (CrashLedger *self, CrashUser user, const char *id)
{
  guint lane, number;
  Entry *entry = find_entry (self, id, &lane, &number);

  g_assert_true (entry->confirmed & BIT (user));
  entry->settled |= BIT (user);
}

/* A receipt came to a sender: its message, a true recipient, a true confirmation. */
void
crash_ledger_receipt (CrashLedger *self, CrashUser sender, const SbEnvelope *frame)
{
  g_autofree char *id = sb_envelope_dup_string (frame, SB_MEMBER_DATA, NULL);
  g_autofree char *recipient = sb_envelope_dup_string (frame, SB_MEMBER_SENDER, NULL);
  guint lane, number;
  Entry *entry = find_entry (self, id, &lane, &number);
  CrashUser user = find_user (recipient);

  g_assert_cmpuint (((Lane *) g_ptr_array_index (self->lanes, lane))->sender, ==, sender);
  g_assert_cmpuint (user, <, CRASH_N_USERS);
  g_assert_true (entry->expected & BIT (user));
  crash_ledger_settle (self, user, id);
  self->n_receipts++;
}

/* Questions */

guint
crash_ledger_get_n_recipients (CrashLedger *self, const char *id)
{
  guint lane, number;

  return (guint) __builtin_popcount (find_entry (self, id, &lane, &number)->expected);
}

gboolean
crash_ledger_has_recipient (CrashLedger *self, const char *id, const char *name)
{
  guint lane, number;
  CrashUser user = find_user (name);

  return user < CRASH_N_USERS && (find_entry (self, id, &lane, &number)->expected & BIT (user));
}

guint
crash_ledger_get_n_acknowledged (CrashLedger *self)
{
  return self->n_acknowledged;
}

guint
crash_ledger_get_n_made (CrashLedger *self)
{
  return self->n_made;
}

/* Arrivals that were not the first. */
guint
crash_ledger_get_n_repeated (CrashLedger *self)
{
  return self->n_repeated;
}

guint
crash_ledger_get_n_receipts (CrashLedger *self)
{
  return self->n_receipts;
}

/* Whether everything that was sent to a user has come. */
gboolean
crash_ledger_has_arrived (CrashLedger *self, CrashUser user)
{
  for (guint i = 0; i < self->lanes->len; i++)
    {
      const Lane *lane = g_ptr_array_index (self->lanes, i);

      if (lane->arrived[user] < lane->expected[user])
        return FALSE;
    }
  return TRUE;
}

/* Returns: (transfer full): ids of messages of all lanes, the first and last ones among them. */
GPtrArray *
crash_ledger_sample (CrashLedger *self, guint n_samples)
{
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->lanes->len; i++)
    {
      const Lane *lane = g_ptr_array_index (self->lanes, i);
      guint last = lane->entries->len - 1;

      g_ptr_array_add (ids, crash_ledger_print_id (self, i, 0));
      for (guint n = 1; n <= n_samples / self->lanes->len; n++)
        g_ptr_array_add (
            ids, crash_ledger_print_id (self, i, last * n / (n_samples / self->lanes->len)));
    }
  return ids;
}
